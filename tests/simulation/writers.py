"""Writers: the real `Admin`, in long-lived processes and single commands, and one that rotates data keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import CannotOpen, ConfigsvcError, Misconfigured, Throttled, Unavailable
from configsvc.model.grants import Grant
from configsvc_client._opening.cipher import read_kid
from configsvc_client._pin import parse_pin
from configsvc_client._secret import Secret
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._transport.response import Response
from configsvc_client.admin import compose, make_draft
from configsvc_client.admin.ports import AdminPorts
from tests.simulation.cloud import ADMIN, Fleet, Kms
from tests.simulation.network import API_KEY, URL, GivenUp, Line, Person, Sent
from tests.simulation.scheduler import Process
from tests.simulation.truth import NS, ROTATE, Truth
from tests.simulation.weather import Weather
from tests.support.admin.fakes import found_credentials
from tests.support.client.fakes import KMS_KEY

OWNER = Person("reader", ADMIN)
KEYS = ("db.url", "db.password", "limits.rate", "log.level", "mail.from", "mail.token")
_UNKNOWN = (Unavailable, Throttled)
_NOT_WRITTEN = 400, 500


class _Chance:
    def __init__(self, weather: Weather) -> None:
        self._draw = weather.draw

    def nonce(self) -> bytes:
        return self._draw.randbytes(12)

    def idempotency_key(self) -> str:
        return self._draw.randbytes(8).hex()

    def fraction(self) -> float:
        return self._draw.random()


class Altered(NamedTuple):
    """The parts of a writer that a planted fault replaces."""

    line: Callable[[Line], Line] = lambda line: line


class Writer:
    """One person or program that writes.

    Args:
        name: for the trace.
        fleet: the service.
        weather: draws what happens.
        truth: checks what is written.
        altered: the planted fault.
    """

    def __init__(self, name: str, fleet: Fleet, weather: Weather, truth: Truth, altered: Altered) -> None:
        self.name, self._fleet, self._weather, self._truth, self._altered = name, fleet, weather, truth, altered
        self._lives_long = weather.happens(0.7)
        self._numbers = self._asked = 0
        self._sent: Sent | None = None
        self._begin()

    def live(self, until: float) -> None:
        """Writes repeatedly."""
        while self._truth.time.now < until:
            self._wait(1.0, 40.0)
            if not self._lives_long:
                self._begin()
            self.write()

    def write(self) -> bool:
        """Writes once, settling an unknown outcome; returns whether it was done."""
        self._asked += 1
        name = f"{self.name}-{self._asked}"
        act = self._weather.draw.choice((self._put,) * 4 + (self._pair, self._activate, self._delete, self._rollback))
        return self.done(name, act)

    def put(self) -> bool:
        """Puts once; returns whether it was done."""
        self._asked += 1
        return self.done(f"{self.name}-{self._asked}", self._put)

    def done(self, name: str, act: Callable[[str], int]) -> bool:
        """Whether a write was done, with everything that its response promises."""
        self._sent, truth = None, self._truth
        try:
            revision = act(name)
        except _UNKNOWN as error:
            truth.time.note(self.name, f"{name}: {error.code}, its outcome is unknown")
            return self._settle(name)
        except GivenUp:
            truth.time.note(self.name, f"{name}: given up, its outcome is unknown")
            self._begin()
            return self._settle(name)
        except (CannotOpen, Misconfigured) as error:
            truth.violate(f"{self.name} cannot write: {error.detail}")
        except ConfigsvcError as error:
            truth.time.note(self.name, f"{name}: {error.code}")
            self._not_written(name)
        else:
            truth.time.note(self.name, f"{name}: done at {revision}")
            if truth.operations.get(name) != revision:
                truth.violate(f"{name} was acknowledged at {revision}, and is not there")
            return True
        return False

    def rotate(self) -> bool:
        """Rotates the data keys; returns whether that completed."""
        try:
            done = self._admin.data_keys.rotate(NS, KMS_KEY, ROTATE)
        except GivenUp:
            self._truth.time.note(self.name, "rotate: given up in the middle")
            self._begin()
            return False
        except ConfigsvcError as error:
            self._truth.time.note(self.name, f"rotate: {error.code} {error.detail}")
            return False
        self._truth.time.note(self.name, f"rotated, retired {len(done.retired)}, left {len(done.left)}")
        return not done.refused and not done.left

    def rotates(self, until: float) -> None:
        """Rotates repeatedly; some rotations end in the middle, with their process."""
        while self._truth.time.now < until:
            self._wait(30.0, 200.0)
            if not self._lives_long:
                self._begin()
            self.rotate()

    def audit(self) -> None:
        """Reads the whole change log, and the snapshots of some revisions."""
        truth = self._truth
        if [each.revision for each in self._admin.history.list_changes(NS)] != sorted(truth.log):
            truth.violate("the change log is not complete, or not in order")
        for revision in self._weather.draw.sample(sorted(truth.states), 3):
            then = {
                str(entry.key): truth.plain(entry) for entry in self._admin.values.get_snapshot(NS, revision).entries
            }
            if then != truth.values(revision):
                truth.violate(f"revision {revision} is not what it was")

    def create(self) -> None:
        """Creates the namespace and its first data key."""
        self._admin.grants.set("api-key:reader", [Grant(("read",), ("*",))])
        self._admin.grants.set(ADMIN, [Grant(("read", "write", "admin"), ("*",))])
        self._admin.namespaces.create(NS)
        self._admin.data_keys.add(NS, KMS_KEY)
        drafts = [make_draft(key, f"first {key}", form="envelope") for key in KEYS]
        self._admin.change_sets.apply(NS, drafts, "first")

    def _begin(self) -> None:
        self._numbers += 1
        process = Process(self._truth.time, f"{self.name}.{self._numbers}", self._weather.draw_between(-3600, 3600))
        self._process, self._passed = process, set[str]()
        self._again = Line(self._fleet, self._weather, process, OWNER)
        sound = Line(self._fleet, self._weather, process, OWNER)
        sound.watch, sound.gives_up = self._watch, 0.3
        line, kms = self._altered.line(sound), Kms(self._weather, process, self._truth.made)
        gateway = ApiGateway(line, API_KEY)  # type: ignore[arg-type]  # replaces a Connection
        ports = AdminPorts(line, kms, found_credentials, process, _Chance(self._weather), gateway)
        settings = compose.AdminSettings(URL, (Secret(API_KEY),), "eu-central-1", parse_pin([KMS_KEY]))
        self._admin = compose.build_admin(settings, ports)

    def _wait(self, least: float, most: float) -> None:
        """Waits until the next write, which half of the time coincides with others'."""
        now = self._truth.time.now
        self._process.pause(self._weather.draw_meeting(now + self._weather.draw_between(least, most)) - now)

    # Operations.

    def _key(self) -> str:
        return self._weather.draw.choice(KEYS)

    def _put(self, name: str) -> int:
        key, form = self._key(), "plain" if self._weather.happens(0.2) else "envelope"
        made = make_draft(key, name, form=form)._replace(declassify=form == "plain")  # type: ignore[arg-type]
        return self._admin.values.put_draft(NS, made, name).revision

    def _pair(self, name: str) -> int:
        drafts = [make_draft(key, name, form="envelope") for key in KEYS[:2]]
        return self._admin.change_sets.apply(NS, drafts, name).revision

    def _activate(self, name: str) -> int:
        version = self._weather.draw.randint(1, 6)
        return self._admin.change_sets.apply(
            NS, [Activate(names.parse_key(self._key()), version)], name, declassify=True
        ).revision

    def _delete(self, name: str) -> int:
        return self._admin.change_sets.apply(NS, [Delete(names.parse_key(self._key()))], name).revision

    def _rollback(self, name: str) -> int:
        return self._admin.rollback.roll_back(NS, self._key(), name, declassify=True).revision

    # Outcomes.

    def _watch(self, sent: Sent, answer: Response | None) -> None:
        """Sees each request before it is sent, and again with its response."""
        if answer is None:
            self._asked_at = self._truth.time.now
            if sent.method != "GET":
                self._sent = sent
            used = _list_kids(sent)
            if used & self._passed:
                self._truth.violate(f"{self.name} seals under a data key that it knows to be replaced or retired")
        elif sent.method == "GET" and "/data-keys" in sent.target and answer.status == 200:
            self._passed |= self._truth.find_passed(self._asked_at)
        elif _NOT_WRITTEN[0] <= answer.status < _NOT_WRITTEN[1] and sent.method != "GET":
            told = json.loads(answer.body)
            if "kid" in told and "version" not in told:  # a version's own data key is not the one in use
                self._passed.add(told["kid"])

    def _settle(self, name: str) -> bool:
        """Repeats it with its Idempotency-Key until the outcome is known."""
        while self._sent is not None:
            self._process.pause(self._weather.draw_between(0.5, 5.0))
            try:
                answer = self._again.request(*self._sent, self._process.monotonic() + 29.0)
            except Unavailable:
                continue
            if answer.status < _NOT_WRITTEN[0]:
                return self._check_settled(name, answer)
            if answer.status < _NOT_WRITTEN[1] and answer.status != Throttled.status:
                self._truth.time.note(self.name, f"{name}: settled, not written ({answer.status})")
                break
        self._not_written(name)
        return False

    def _check_settled(self, name: str, answer: Response) -> bool:
        revision = json.loads(answer.body).get("revision")
        self._truth.time.note(self.name, f"{name}: settled, done at {revision}")
        if self._truth.operations.get(name) != revision:
            self._truth.violate(f"{name} was settled at {revision}, and is not there")
        return True

    def _not_written(self, name: str) -> None:
        self._truth.refused.add(name)
        if name in self._truth.operations:
            self._truth.violate(f"{name} was answered as not written, and is at {self._truth.operations[name]}")


def _list_kids(sent: Sent) -> set[str]:
    """The data keys that a request seals under."""
    if sent.method == "GET" or not sent.body:
        return set()
    body = json.loads(sent.body)
    values = [each for each in (body, *body.get("operations", ())) if each.get("form") == "envelope"]
    return {read_kid(each["value"]) for each in values}
