"""Whatever happens to service, KMS, clocks and process: what a reader sees is whole, never older than what it saw, and
as new as the intervals promise."""

from __future__ import annotations

import os
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from configsvc.model.errors import CannotOpen, ConfigsvcError, Expired, Forbidden, Internal, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc_client import Config, ConfigUnavailable, Snapshot
from configsvc_client._opening.fallback_file import BadFallback, Fallback, encode
from configsvc_client._ports import ClockReading, World
from configsvc_client._settings import ClientSettings
from tests.support.client.configs import ENVIRON
from tests.support.client.fakes import FakeClock, FakeKms
from tests.support.machines_client.service import KEYS, NAMESPACES, LabelledService, value

STALE = 400.0
SEARCH = "TESTS_SEARCH"  # the most examples, until one fails; a failure is not made smaller, which takes long
FAILURES = (
    lambda: Unavailable("down"),
    lambda: Internal("broken"),
    lambda: Forbidden("no"),
    lambda: Throttled("slow down", retry_after=70),
    lambda: Throttled("slow down", retry_after=10**6),
)


class Attempt(NamedTuple):
    """The last time the service was asked: when, for how long at most it is left alone, and whether copied since."""

    at: ClockReading
    quiet: float
    copied: bool = False


def elapsed(since: ClockReading, now: ClockReading) -> float:
    return max(now.wall - since.wall, now.monotonic - since.monotonic)


class Client(RuleBasedStateMachine):
    """The model: what was last asked for and how it ended, and the newest revision of each namespace that was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.kms, self.service = FakeClock(), FakeKms(), LabelledService()
        self.chance = 0.5
        self.file: bytes | None = None
        self.seen = dict.fromkeys(NAMESPACES, 0)
        self.opened: set[str] = set()
        self.attempt: Attempt | None = None
        self.confirmed: dict[Namespace, ClockReading] | None = None
        environ = {**ENVIRON, "CONFIGSVC_MAX_STALE_SECONDS": str(STALE), "CONFIGSVC_FALLBACK": "file"}
        self.config = Config(*NAMESPACES, environ=environ, world=self.world)

    def world(self, _: ClientSettings) -> World:
        return World(
            self.service, self.kms, self.clock, lambda: self.chance, lambda: None, lambda: None, self.read_file,
            lambda _: None,
        )  # fmt: skip

    def read_file(self, _: str) -> bytes:
        if self.file is None:
            raise BadFallback("absent")
        return self.file

    @initialize(saved=st.booleans())
    def shipped(self, saved: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        if saved:
            snapshots = tuple(self.service.served(each).sealed._replace(revision=1) for each in NAMESPACES)
            self.file = encode(Fallback(ENVIRON["CONFIGSVC_URL"], self.clock.at - 100, snapshots))

    # What others do.

    @rule(namespace=st.sampled_from(NAMESPACES), rotate=st.booleans())
    def write(self, namespace: str, rotate: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        at = NAMESPACES[NAMESPACES.index(namespace)]
        self.service.write(at, rotate=rotate)

    @rule(namespace=st.sampled_from(NAMESPACES), by=st.integers(0, 2))
    def serve_behind(self, namespace: str, by: int) -> None:
        at = NAMESPACES[NAMESPACES.index(namespace)]
        self.service.hostile.pop(at, None)
        self.service.behind[at] = min(by, self.service.revisions[at] - 1)

    @rule(seconds=st.sampled_from((0, 301)))
    def all_is_well_again(self, seconds: float) -> None:
        self.service.failing, self.kms.down = None, None
        self.service.broken.clear()
        self.service.hostile.clear()
        self.clock.advance(seconds)

    @rule(namespace=st.sampled_from(NAMESPACES), how=st.sampled_from(("jumped", "other", "absent")))
    def attacked(self, namespace: str, how: str) -> None:
        """Somebody writes the table of one namespace; other entries come under the revision that is held."""
        at, held = NAMESPACES[NAMESPACES.index(namespace)], self.held()
        if how == "other" and (held is None or self.config.source == "fallback"):
            return
        if (
            held is not None
            and how == "other"
            and held.revisions[at] != self.service.revisions[at] - self.service.behind[at]
        ):
            return
        self.service.hostile[at] = how

    @rule(namespace=st.sampled_from(NAMESPACES))
    def restored_from_a_backup(self, namespace: str) -> None:
        """Read at its newest, and then the service is a revision behind."""
        self.all_is_well_again(0)
        self.write(namespace, rotate=False)
        self.refresh()
        self.serve_behind(namespace, 1)
        self.refresh()

    @rule(namespace=st.sampled_from(NAMESPACES))
    def break_entry(self, namespace: str) -> None:
        self.service.broken.add(NAMESPACES[NAMESPACES.index(namespace)])

    @rule(failing=st.sampled_from((None, None, None, *FAILURES)))
    def service_fails(self, failing: object) -> None:
        self.service.failing = failing  # type: ignore[assignment]  # one of the table

    @rule(down=st.sampled_from((None, None, Unavailable("KMS is down"), CannotOpen("AccessDeniedException"))))
    def kms_fails(self, down: ConfigsvcError | None) -> None:
        self.kms.down = down

    @rule(
        wall=st.sampled_from((0, 1, 30, 59, 66, 301, 401, 3700, -1, -50, -3600, 10**8)),
        up=st.sampled_from((0, 1, 30, 66, 301, 3700)),
    )
    def time_passes(self, wall: float, up: float) -> None:
        self.clock.at += wall
        self.clock.up += up

    @rule(seconds=st.sampled_from((1, 20, 53, 61, 66, 200, 301)))
    def both_clocks_pass(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(chance=st.sampled_from((0.0, 0.001, 0.5, 0.999)))
    def draw(self, chance: float) -> None:
        self.chance = chance

    @rule(restored=st.booleans())
    def copied(self, restored: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        (self.config._after_restore if restored else self.config._after_fork)()  # noqa: SLF001  # what runtime and fork call
        if self.attempt:
            self.attempt = self.attempt._replace(copied=True)

    # What a reader does.

    @rule()
    def read_snapshot(self) -> None:
        due = self.due()
        asked = self.service.asked
        try:
            self.observe(self.config.snapshot())
        except (ConfigUnavailable, Expired) as error:
            self.refused(error)
        self.note(asked)
        if due is not None:
            assert (self.service.asked > asked) >= due, "what was due was not asked for"
        if due is False:
            assert self.service.asked == asked, "asked again too early"

    @rule()
    def read_key(self) -> None:
        asked, due = self.service.asked, self.due_by_a_clock()
        try:
            text = self.config[f"{NAMESPACES[0]}.k0"]
        except (ConfigUnavailable, Expired) as error:
            self.refused(error)
        except CannotOpen:
            held = self.held()
            assert held is not None
            assert f"{NAMESPACES[0]}.k0" in held.broken
        else:
            revision = int(str(text).rpartition("@")[2])
            assert self.config.source == "fallback" or revision >= self.seen[NAMESPACES[0]]
            assert revision == self.held_revision(), "a value of another revision than what is held"
        self.note(asked)
        assert not due or self.service.asked > asked, "what was due by either clock was not asked for"

    @rule(left=st.sampled_from((0.0, 1.0, 1.59, 1.6, 900.0)))
    def invoke(self, left: float) -> None:
        asked = self.service.asked
        held, overdue = self.held() is not None, self.config.age > 66 + 0.8

        def handler(event: object, context: object) -> None:
            del event, context
            first = dict(self.config.revisions)
            self.observe(self.config.snapshot())
            self.config._published.until = float("-inf")  # noqa: SLF001  # as if it were due
            assert dict(self.config.revisions) == first

        try:
            self.config.handler(handler)(None, Context(left))
        except (ConfigUnavailable, Expired) as error:
            self.refused(error)
        if held and 0 < left < 1.6 and not overdue:
            assert self.service.asked == asked, "a refresh was begun with too little time left"
        self.note(asked)

    @rule()
    def refresh(self) -> None:
        asked, held = self.service.asked, self.held()
        try:
            self.config.refresh()
        except ConfigsvcError:
            after = self.held()
            for namespace in self.config.refused if held else ():
                assert after is not None
                assert held is not None
                assert after.revisions[namespace] == held.revisions[namespace], "what was refused is held"
            assert self.config.refused or held is None or after is held, "a refresh that failed changed what is held"
        else:
            if self.config.source == "service":
                self.assert_current()
        self.note(asked)

    # What must hold.

    @invariant()
    def what_is_held_is_whole_and_never_older(self) -> None:
        held = self.held()
        if held is not None:
            self.observe(held)
            assert self.config.age >= 0
            if self.confirmed is not None:
                ages = [elapsed(each, self.clock.now()) for each in self.confirmed.values()]
                assert self.config.age == pytest.approx(max(0.0, *ages))

    def observe(self, snapshot: Snapshot) -> None:
        for namespace in NAMESPACES:
            revision = snapshot.revisions[namespace]
            for key in KEYS:
                name = f"{namespace}.{key}"
                if name in snapshot.broken:
                    assert name not in self.opened, "what does not open replaced what did"
                else:
                    assert snapshot[name] == value(namespace, revision), "mixed"
                    self.opened.add(name)
            if self.config.source == "service":
                assert revision >= self.seen[namespace], "older than what was seen"
                self.seen[namespace] = revision

    def refused(self, error: ConfigsvcError) -> None:
        if isinstance(error, Expired):
            assert self.config.age > STALE
        else:
            assert self.held() is None

    def due(self) -> bool | None:
        """Whether the next considered read must ask; None where either is right."""
        if self.attempt is None or self.held() is None or self.config.source == "fallback":
            return None
        passed = elapsed(self.attempt.at, self.clock.now())
        if passed >= self.attempt.quiet:
            return True
        if not self.attempt.copied and passed < 54:
            return False
        return None

    def due_by_a_clock(self) -> bool:
        """Whether `config[key]` must ask: by the clock that says more."""
        if self.attempt is None or self.held() is None:
            return False
        return elapsed(self.attempt.at, self.clock.now()) >= self.attempt.quiet

    def note(self, asked: int) -> None:
        if self.service.asked == asked:
            return
        well = self.config.last_error is None and self.held() is not None
        told = isinstance(self.service.failing and self.service.failing(), Throttled)
        self.attempt = Attempt(self.clock.now(), 300 if told else 66)
        if self.held() is None or self.config.source == "fallback":
            self.confirmed = None
        elif well:
            self.confirmed = dict.fromkeys(NAMESPACES, self.clock.now())
            self.assert_current()
        elif self.confirmed and not self.service.failing:
            self.confirmed |= {each: self.clock.now() for each in NAMESPACES if each not in self.config.refused}

    def assert_current(self) -> None:
        """Asked just now, and well: then it is what the service serves."""
        snapshot = self.held()
        assert snapshot is not None
        for namespace in NAMESPACES:
            assert snapshot.revisions[namespace] == self.service.revisions[namespace] - self.service.behind[namespace]

    def held(self) -> Snapshot | None:
        made = self.config._made  # noqa: SLF001  # a look that refreshes nothing
        return made.held.snapshot if made and made.held else None

    def held_revision(self) -> int:
        held = self.held()
        assert held is not None
        return held.revisions[NAMESPACES[0]]


class Context:
    """Lambda's, as far as it is asked."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> float:
        return self._seconds * 1000


def run(examples: int) -> None:
    search = os.environ.get(SEARCH)
    run_state_machine_as_test(
        Client,
        settings=settings(
            max_examples=int(search or examples),
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,) if search else tuple(Phase),
            report_multiple_bugs=not search,
        ),
    )


def test_a_client_is_whole_monotonic_and_in_time_whatever_happens() -> None:
    run(60)


@pytest.mark.slow
def test_a_client_is_whole_monotonic_and_in_time_in_25_000_steps() -> None:
    run(500)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_client_is_whole_monotonic_and_in_time_in_500_000_steps() -> None:
    run(10_000)
