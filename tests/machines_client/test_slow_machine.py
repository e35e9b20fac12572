"""However slow, frozen, interrupted or copied: a value is whole, never older than what was seen, and never stale
without saying so; an outage costs one try an interval, nobody waits longer than is documented, and a service that is
well is seen."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from configsvc.model.errors import ConfigsvcError, Expired, Forbidden, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc_client import Config, ConfigUnavailable, Snapshot
from configsvc_client._ports import World
from configsvc_client._settings import ClientSettings
from tests.machines_client.test_client_machine import SEARCH, Context
from tests.support.client.configs import ENVIRON
from tests.support.client.fakes import FakeClock
from tests.support.machines_client.service import KEYS, NAMESPACES, value
from tests.support.machines_client.slow import LONG_ENOUGH, REFRESH, START, Request, SlowKms, SlowService, elapsed

Got = TypeVar("Got")

POLL = 60.0
SOON, LATEST, TOLD = 0.9 * POLL, 1.1 * POLL, 5 * POLL
FRESH = LATEST + REFRESH
STALE = 400.0
LITTLE = 0.001
TIMES = st.sampled_from([share * REFRESH for share in (0, 0, 0.1, 0.9, 1.1, 1.5, 3, 6, 100)])
LEFT = st.sampled_from([share * REFRESH for share in (0.1, 1, 1.9, 2, 4, 1000)])
READS = ("snapshot", "key", "invoke", "refresh")
FAILURES = (
    lambda: Unavailable("down"),
    lambda: Forbidden("no"),
    lambda: Throttled("slow down", retry_after=70),
    lambda: Throttled("slow down", retry_after=10**6),
)


class Jump(NamedTuple):
    """How far both clocks move at once."""

    wall: float
    up: float


NOTHING = Jump(0, 0)
FREEZES = st.sampled_from(
    (NOTHING, NOTHING, NOTHING, Jump(7200, 0), Jump(0, 7200), Jump(7200, 7200), Jump(-3600, 67), Jump(0.1, 0.1))
)


class Asking(NamedTuple):
    """The operation that a thread runs on the Config, and how much time it says is left."""

    what: str
    left: float


class SlowClient(RuleBasedStateMachine):
    """The model: what was asked when and answered with what, and what a reader has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.service = SlowService(self.clock)
        self.kms = SlowKms(self.service)
        self.service.begun = self.begun
        self.chance = 0.5
        self.seen = dict.fromkeys(NAMESPACES, 0)
        self.asking: dict[int, Asking] = {}
        self.faults: list[str] = []
        self.last: Request | None = None
        self.is_free = True
        """Whether another request may begin early: one was asked for, the process was copied, or time jumped."""
        self.is_told = self.is_restored = False
        self.happened = False
        self.is_attended = False

    @initialize(in_lambda=st.booleans(), background=st.booleans(), expires=st.booleans())
    def made(self, in_lambda: bool, background: bool, expires: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        environ = {
            **ENVIRON, "CONFIGSVC_REFRESH_SECONDS": str(REFRESH), "CONFIGSVC_START_SECONDS": str(START),
            **({"CONFIGSVC_MAX_STALE_SECONDS": str(STALE)} if expires else {}),
            **({"AWS_LAMBDA_FUNCTION_NAME": "f"} if in_lambda else {}),
        }  # fmt: skip
        self.in_lambda, self.stale = in_lambda, STALE if expires else float("inf")
        self.config = Config(*NAMESPACES, environ=environ, world=self.world)
        self.is_attended = background and not in_lambda
        keeper = self.config._keeper()  # noqa: SLF001  # before anything is read
        keeper.attended = lambda: self.is_attended  # in place of a real thread
        self.service.flight = keeper._last  # noqa: SLF001  # what is under way
        self.invoke = self.asked("snapshot", lambda: self.config.handler(lambda _, __: self.config.snapshot()))

    def world(self, _: ClientSettings) -> World:
        return World(
            self.service, self.kms, self.clock, lambda: self.chance, lambda: None, lambda: None,
            warn=lambda _: None,
        )  # fmt: skip

    def teardown(self) -> None:
        while self.service.hanging:
            self.service.land(self.service.hanging[0])

    # What others do.

    @rule(namespace=st.sampled_from(NAMESPACES), rotate=st.booleans())
    def write(self, namespace: Namespace, rotate: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        self.service.write(namespace, rotate=rotate)

    @rule(namespace=st.sampled_from(NAMESPACES), by=st.integers(0, 2))
    def serve_behind(self, namespace: Namespace, by: int) -> None:
        self.service.behind[namespace] = min(by, self.service.revisions[namespace] - 1)

    @rule(failing=st.sampled_from((None, None, *FAILURES)))
    def service_fails(self, failing: Callable[[], ConfigsvcError] | None) -> None:
        self.service.failing = failing

    @rule(service=TIMES, kms=TIMES, stuck=st.booleans())
    def takes(self, service: float, kms: float, stuck: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        self.service.takes, self.kms.takes, self.service.is_stuck = service, kms, stuck and service > REFRESH

    @rule(down=st.sampled_from((None, None, Unavailable("KMS is down"))))
    def kms_fails(self, down: ConfigsvcError | None) -> None:
        self.kms.down = down

    @rule(chance=st.sampled_from((0.0, 0.5, 0.999)))
    def draw(self, chance: float) -> None:
        self.chance = chance

    # Time.

    @rule(seconds=st.sampled_from((0.05, 1, 20, 53, 61, 66, 67, 121, 301)))
    def passes(self, seconds: float) -> None:
        """Lets time pass; hanging requests come back when they are due."""
        end = self.clock.up + seconds
        while due := [each.ends_at for each in self.service.hanging if each.ends_at <= end]:
            self.clock.advance(max(0.0, min(due) - self.clock.up))
            self.service.landed()
        self.clock.advance(max(0.0, end - self.clock.up))

    @rule(
        wall=st.sampled_from((0, 1, 61, 67, 3700, -1, -50, -3600, 10**8)),
        up=st.sampled_from((0, 1, 61, 67, 3700)),
    )
    def one_clock_jumps(self, wall: float, up: float) -> None:
        self.jump(Jump(wall, up))

    def jump(self, by: Jump) -> None:
        self.clock.at += by.wall
        self.clock.up += by.up
        if threading.get_ident() not in self.asking:
            self.service.landed()

    # The process.

    @rule(how=st.sampled_from(("fork", "restore", "close")))
    def process(self, how: str) -> None:
        if how == "close":
            self.config.close()
            return
        for request in self.service.requests:
            request.is_orphan = request.is_orphan or request.under_way
        self.is_free = True
        self.is_restored = self.is_restored or (how == "restore" and self.held() is not None)
        (self.config._after_fork if how == "fork" else self.config._after_restore)()  # noqa: SLF001  # what fork and runtime call

    @precondition(lambda self: self.is_attended)
    @rule()
    def the_background_thread_ends(self) -> None:
        self.is_attended = False

    @precondition(lambda self: self.is_attended)
    @rule()
    def the_background_thread_polls(self) -> None:
        made, due, asked = self.config._made, self.must_ask(), self.service.asked  # noqa: SLF001  # what the thread calls
        assert made is not None
        try:
            self.asked("poll", made.poll)
        except ConfigUnavailable:
            assert self.held() is None
        assert self.service.asked > asked or not due, "the thread did not ask for what was due"
        self.settle()

    # A reader, alone.

    @rule(what=st.sampled_from(READS), left=LEFT)
    def reads(self, what: str, left: float) -> None:
        asked, began, held = self.service.asked, self.clock.up, self.held() is not None
        due, put_off = self.must_ask(what, left), self.must_ask()
        spared = held and self.is_attended and what != "refresh" and self.config.age <= self.stale
        self.happened = False
        self.read(what, left)
        if not self.happened:
            assert self.clock.up - began <= self.bound(Asking(what, left), held=held) + LITTLE, "waited too long"
        self.settle()  # a thread that refreshes aside may not have asked yet
        assert self.service.asked > asked or not due, "what was due was not asked for"
        if put_off and not self.is_attended and self.service.asked == asked and what != "key":
            assert self.config.last_error is not None, "a refresh was put off without saying so"
        assert self.service.asked == asked or not spared, "a reader asked although a thread refreshes"

    # A reader in whose refresh something happens.

    @rule(
        what=st.sampled_from(READS),
        left=LEFT,
        freeze=FREEZES,
        other=st.sampled_from((None, *READS, "fork", "restore", "close", "write", "behind")),
        in_thread=st.booleans(),
        late=st.booleans(),
        afterwards=FREEZES,
        older=st.sampled_from((0, LATEST, FRESH + 1, FRESH + 1)),
        written=st.booleans(),
    )
    def reads_while(  # noqa: PLR0917  # hypothesis draws them
        self,
        what: str,
        left: float,
        freeze: Jump,
        other: str | None,
        in_thread: bool,  # noqa: FBT001
        late: bool,  # noqa: FBT001
        afterwards: Jump,
        older: float,
        written: bool,  # noqa: FBT001
    ) -> None:
        self.passes(older)
        if written:
            self.happens("write", left)

        def during() -> None:
            self.happened = True
            self.is_free = self.is_free or freeze != NOTHING or afterwards != NOTHING
            self.jump(freeze)
            if other is not None:
                self.beside(lambda: self.happens(other, left), in_thread=in_thread)
            self.jump(afterwards)

        self.service.during, self.service.is_late = [during], late
        self.reads(what, left)
        self.service.during, self.service.is_late = [], False

    def happens(self, other: str, left: float) -> None:
        if other == "write":
            for namespace in NAMESPACES:
                self.service.write(namespace, rotate=False)
        elif other == "behind":
            for namespace in NAMESPACES:
                self.serve_behind(namespace, 1)
        elif other in READS:
            self.read(other, left)
        else:
            self.process(other)

    def beside(self, act: Callable[[], None], *, in_thread: bool) -> None:
        """As a signal handler does, on the thread that it interrupts, or on another one. Faults are kept for later:
        what is raised here would be taken for one of the service's."""

        def kept() -> None:
            if in_thread:
                self.service.readers.add(threading.get_ident())
            try:
                act()
            except (AssertionError, ConfigsvcError) as error:
                self.faults.append(f"{type(error).__name__}: {error}")
            finally:
                if in_thread:
                    self.service.readers.discard(threading.get_ident())

        if not in_thread:
            kept()
            return
        thread = threading.Thread(target=kept, daemon=True)
        thread.start()
        thread.join(LONG_ENOUGH)
        if thread.is_alive():
            self.faults.append("a reader waits for another one without a bound")

    # What hangs, and comes back after it was given up.

    @precondition(lambda self: self.service.hanging)
    @rule()
    def comes_back(self) -> None:
        hanging = self.service.hanging[0]
        request = hanging.request
        over = request.over(self.clock.now()) and self.last is not request
        before = self.told()
        self.service.land(hanging)
        if over or request.is_orphan:
            assert self.told() == before, "what came of a refresh that was given up changed something"

    def told(self) -> tuple[object, ...]:
        config = self.config
        return self.held(), config.age, config.last_error, config.counts, config.refused

    # What must be seen in the end.

    @rule(left=st.sampled_from((REFRESH, 1000 * REFRESH)), what=st.sampled_from(("snapshot", "key", "invoke")))
    def all_is_well_and_an_interval_passes(self, left: float, what: str) -> None:
        self.well()
        self.passes(LATEST + LITTLE if not self.is_told else TOLD + LITTLE)
        if self.is_attended:
            self.the_background_thread_polls()
            self.passes(0)
        if not self.is_attended and what == "invoke" and self.config.age <= FRESH:
            left = 1000 * REFRESH
        self.reads(what, left)
        self.is_newest()

    @rule(share=st.sampled_from((1.1, 1.9, 3, 6, 9)))
    def over_a_slow_link_it_comes_all_the_same(self, share: float) -> None:
        """As long as it is not slower than a start may be."""
        self.well()
        self.passes(TOLD + LITTLE)
        for namespace in NAMESPACES:
            self.service.write(namespace, rotate=False)
        self.service.takes = share * REFRESH
        for _ in range(14 if self.in_lambda or not self.is_attended else 7):
            if self.held() is None:
                break
            if self.is_attended:
                self.the_background_thread_polls()
            self.reads("invoke" if self.in_lambda else "snapshot", 1000 * REFRESH)
            self.passes(LATEST + LITTLE)
        else:
            self.is_newest()
        self.service.takes = 0.0

    def well(self) -> None:
        self.service.failing = self.kms.down = None
        self.service.takes = self.kms.takes = 0.0
        self.service.is_stuck = False
        self.service.behind = dict.fromkeys(NAMESPACES, 0)

    def is_newest(self) -> None:
        held = self.held()
        assert held is not None
        assert held.revisions == self.service.revisions, "the service is well, and the old value is read"

    # The client.

    def asked(self, what: str, ask: Callable[[], Got], left: float = float("inf")) -> Got:
        """Returns its result, and notes who asks while it runs."""
        me = threading.get_ident()
        before = self.asking.get(me)
        self.asking[me] = Asking(what, left)
        try:
            return ask()
        finally:
            if before is None:
                del self.asking[me]
            else:
                self.asking[me] = before

    def read(self, what: str, left: float) -> None:
        """One read and all that it promises."""
        held = self.held()
        try:
            revisions = self.asked(what, lambda: self.got(what, left), left)
        except Expired:
            assert self.config.age > self.stale
        except ConfigUnavailable:
            assert held is None
        except ConfigsvcError:
            assert what == "refresh"
        else:
            self.check(revisions)

    def got(self, what: str, left: float) -> dict[Namespace, int]:
        if what == "key":
            text = str(self.config[f"{NAMESPACES[0]}.k0"])
            return {NAMESPACES[0]: int(text.rpartition("@")[2])}
        if what == "refresh":
            self.is_free = True
            self.config.refresh()
            self.is_free = True
        snapshot = self.invoke(None, Context(left)) if what == "invoke" else self.config.snapshot()
        for namespace in NAMESPACES:
            for key in KEYS:
                assert snapshot[f"{namespace}.{key}"] == value(namespace, snapshot.revisions[namespace]), "mixed"
        return {namespace: snapshot.revisions[namespace] for namespace in NAMESPACES}

    def check(self, revisions: dict[Namespace, int]) -> None:
        error, now = self.config.last_error, self.clock.now()
        assert self.config.age <= self.stale, "expired, and given out"
        for namespace, revision in revisions.items():
            assert revision >= self.seen[namespace], "older than what was seen"
            self.seen[namespace] = revision
            since = self.service.confirmed[namespace, revision].began
            if error is None:
                assert self.config.age >= elapsed(since, now) - LITTLE, "older than it says"
            if error is None and revision < self.service.revisions[namespace]:
                limit = 2 * POLL if self.is_attended else FRESH
                assert elapsed(since, now) <= limit + LITTLE, "stale without saying so"

    def must_ask(self, what: str = "snapshot", left: float = float("inf")) -> bool:
        """Whether a read of what is held has to ask by now."""
        if self.held() is None or self.last is None or self.last.under_way or self.service.hanging:
            return False
        if self.is_attended and left < float("inf") and self.config.age <= self.stale:
            return False
        if what == "invoke" and left <= 2 * REFRESH + LITTLE and self.config.age <= FRESH:
            return False
        passed = elapsed(self.last.ended, self.clock.now())
        return self.is_restored or passed >= (TOLD if self.is_told else LATEST)

    def begun(self, request: Request) -> None:
        """A request begins: whether it may, and for how long."""
        now, last, held = request.began, self.last, self.held() is not None
        asking = self.asking.get(threading.get_ident(), Asking("aside", float("inf")))
        if request.granted > self.bound(asking, held=held) + LITTLE:
            self.faults.append(f"{asking} may take {request.granted}")
        if any(not each.over(now) for each in self.service.requests):
            self.faults.append("two requests at a time")
        if last is not None and held and not self.is_free and elapsed(last.began, now) < SOON:
            self.faults.append(f"asked again after {elapsed(last.began, now)} s")
        failing = self.service.failing
        self.is_told = failing is not None and isinstance(failing(), Throttled)
        self.last, self.is_free, self.is_restored = request, not held, False

    def bound(self, asking: Asking, *, held: bool) -> float:
        """How many seconds a reader waits at most, by the manual."""
        what, left = asking
        if not held or what in {"aside", "poll"}:
            return min(START, 0.9 * left if what == "invoke" else START)
        if not self.in_lambda:
            return min(REFRESH, left / 2 if what == "invoke" else REFRESH)
        return min(START, left / 2) if what == "invoke" else 2 * REFRESH

    def settle(self) -> None:
        """After each read: who waited for a refresh aside waited as long as a refresh usually takes."""
        hanging = len(self.service.hanging)
        assert self.service.settled(), "a thread does not end"
        if len(self.service.hanging) > hanging or self.service.hanging:
            self.clock.advance(REFRESH)
        self.service.landed()
        assert not self.faults, self.faults

    def held(self) -> Snapshot | None:
        made = self.config._made  # noqa: SLF001  # a look that refreshes nothing
        return made.held.snapshot if made and made.held else None


def run(examples: int) -> None:
    search = os.environ.get(SEARCH)
    run_state_machine_as_test(
        SlowClient,
        settings=settings(
            max_examples=int(search or examples),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,) if search else tuple(Phase),
            report_multiple_bugs=not search,
        ),
    )


def test_a_client_is_never_stale_without_saying_so() -> None:
    run(10)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_client_is_never_stale_without_saying_so_in_4000_steps() -> None:
    run(100)


def test_a_signal_handler_at_a_refresh_deadline_starts_no_second_request() -> None:
    client = SlowClient()
    client.made(in_lambda=True, background=False, expires=False)
    client.draw(chance=0.0)
    client.takes(service=6 * REFRESH, kms=0.0, stuck=False)
    once = {"left": 0.1 * REFRESH, "in_thread": False, "late": False, "afterwards": NOTHING, "written": False}
    client.reads_while(what="refresh", freeze=Jump(0, 7200), other=None, older=0, **once)
    client.reads_while(what="snapshot", freeze=NOTHING, other="snapshot", older=LATEST, **once)
    client.teardown()
