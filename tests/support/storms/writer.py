"""A thread that writes, repeats writes with unknown outcomes where that is safe, and remembers all responses."""

import random
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from local.people import Person
from tests.support.races.linearizability import NAMESPACE, Looked, Refused
from tests.support.storms.plan import seed_randomness
from tests.support.storms.wire import PATIENCE, UNKNOWN, Heard, Wire
from tests.support.storms.wishes import Known, Wish, wish

_TRIES = 6
_HASTE = 0.03
"""Seconds after which an impatient client gives up."""


class Effort(NamedTuple):
    """A write and every attempt at it; the correlation id of attempt n is `<name>.<n>`."""

    name: str
    wish: Wish
    attempts: list[Heard]

    @property
    def answered(self) -> Heard | None:
        """The first success."""
        return next((each for each in self.attempts if each.status < HTTPStatus.MULTIPLE_CHOICES), None)


class Told(NamedTuple):
    """All responses to one writer."""

    efforts: list[Effort]
    refused: list[tuple[str, Refused]]
    looked: list[tuple[str, Looked]]


class Writer:
    """One thread's work.

    Args:
        wire: its connection.
        who: may write, and read.
        seed: of the storm.
        number: of the thread.
    """

    def __init__(self, wire: Wire, who: Person, seed: int, number: int) -> None:
        self._wire, self._who, self._number = wire, who, number
        self._chance = seed_randomness(seed, f"writer {number}")
        self._known = Known.nothing()
        self.told = Told([], [], [])

    def act(self, number: int) -> None:
        """Does one operation: a write, or a read that its next write is based on."""
        if self._chance.random() < 0.15:
            self._look()
            return
        name = f"{self._number}-{number}"
        effort = Effort(name, wish(self._chance, self._known, name), [])
        self.told.efforts.append(effort)
        self._try(effort)
        if (heard := effort.answered) and effort.wish.once and self._chance.random() < 0.1:
            self._repeat(effort, heard)

    def _try(self, effort: Effort) -> None:
        patience = _HASTE if self._chance.random() < 0.03 else PATIENCE
        for number in range(_TRIES):
            heard = self._send(effort, patience)
            if heard.status < HTTPStatus.BAD_REQUEST:
                self._remember(effort.wish, heard.body)
                return
            if heard.status >= UNKNOWN and not effort.wish.once:
                return
            if heard.status != HTTPStatus.TOO_MANY_REQUESTS and heard.status < UNKNOWN:
                self._refused(effort.wish, heard)
                return
            pause(self._chance, number)
            patience = PATIENCE

    def _send(self, effort: Effort, patience: float = PATIENCE) -> Heard:
        asked = effort.wish
        headers = {**asked.headers, "X-Correlation-Id": f"{effort.name}.{len(effort.attempts)}"}
        path = f"/v1/namespaces/{asked.namespace}{asked.path}"
        heard = self._wire.ask(asked.method, path, self._who, asked.body, headers, patience=patience)
        effort.attempts.append(heard)
        return heard

    def _repeat(self, effort: Effort, first: Heard) -> None:
        """Checks that the repeated request gets the first response."""
        again = self._send(effort)
        known = again.status == first.status and again.body == first.body
        assert known or again.status >= UNKNOWN or again.status == HTTPStatus.TOO_MANY_REQUESTS, (
            f"{effort.name} was answered {first.body}, and then {again.status} {again.reply}"
        )

    def _remember(self, asked: Wish, answer: Mapping[str, Any]) -> None:
        revision = answer["revision"]
        self._known.touched[asked.namespace, NAMESPACE] = revision
        results = answer.get("results", [{**answer, "op": "put" if asked.method == "PUT" else ""}])
        for each in results:
            self._known.touched[asked.namespace, each["key"]] = revision
            if each["op"] == "put":
                self._known.latest[asked.namespace, each["key"]] = each["version"]

    def _refused(self, asked: Wish, heard: Heard) -> None:
        """Records the precondition that failed, and forgets what was known of it."""
        problem = heard.problem
        key = str(problem.get("key", NAMESPACE))
        self._known.touched.pop((asked.namespace, key), None)
        if heard.status == HTTPStatus.PRECONDITION_FAILED:
            self.told.refused.append((asked.namespace, Refused(heard.start, heard.end, key, asked.bases[key])))
        elif asked.deletes:
            self.told.refused.append((asked.namespace, Refused(heard.start, heard.end, key, "served")))
        assert heard.status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}, (asked, heard)

    def _look(self) -> None:
        asked = wish(self._chance, self._known, "looks")
        key = self._chance.choice([*asked.keys, NAMESPACE])
        path = f"/v1/namespaces/{asked.namespace}" + (f"/keys/{key}" if key else "")
        heard = self._wire.ask("GET", path, self._who)
        if heard.status == HTTPStatus.OK:
            revision, version = heard.body["revision"], heard.body.get("version")
            self.told.looked.append((asked.namespace, Looked(heard.start, heard.end, key, revision, version)))
            self._known.touched[asked.namespace, key] = revision
        elif heard.status == HTTPStatus.NOT_FOUND:
            self.told.refused.append((asked.namespace, Refused(heard.start, heard.end, key, "served")))
        elif heard.status < UNKNOWN:
            assert heard.status == HTTPStatus.TOO_MANY_REQUESTS, heard


def pause(drawn: random.Random, failures: int) -> None:
    """Waits as clients do after a failure: longer each time, with full jitter, but shorter than on AWS."""
    time.sleep(drawn.uniform(0, min(0.05 * 2**failures, 0.8)))
