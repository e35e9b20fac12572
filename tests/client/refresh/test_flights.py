"""A load or refresh that hangs or is frozen is given up; what comes of it later changes nothing and breaks nothing."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest

from configsvc.model.errors import ConfigsvcError, Forbidden, Unavailable
from configsvc.model.names import Namespace
from configsvc_client import Snapshot
from configsvc_client._ports import ClockReading, FetchedSnapshot
from configsvc_client._refresh.flight import Flight, Flights, RefreshState
from tests.client.refresh.test_overdue import Context, loaded, refreshes
from tests.support.client.configs import Stage
from tests.support.client.fakes import FakeGateway
from tests.support.client.sealing import seal_values


class Held:
    """A request that the gateway holds until it is let go, and then answers as told."""

    def __init__(self) -> None:
        self.asked, self._go = threading.Event(), threading.Event()
        self._answer: Callable[[], dict[Namespace, FetchedSnapshot | ConfigsvcError]] = dict

    def wait(self) -> dict[Namespace, FetchedSnapshot | ConfigsvcError]:
        self.asked.set()
        assert self._go.wait(30)
        return self._answer()

    def answer(self, *found: FetchedSnapshot) -> None:
        self._answer = lambda: {Namespace(each.sealed.namespace): each for each in found}
        self._go.set()

    def fail(self, error: Exception) -> None:
        def failing() -> dict[Namespace, FetchedSnapshot | ConfigsvcError]:
            raise error

        self._answer = failing
        self._go.set()


class Holding(FakeGateway):
    """Holds the next requests, as many as there are in `held`."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Held] = []

    def fetch(
        self, known: Mapping[Namespace, str | None], deadline: float, while_waiting: Callable[[], None] | None = None
    ) -> dict[Namespace, FetchedSnapshot | ConfigsvcError]:
        if not self.held:
            return super().fetch(known, deadline, while_waiting)
        self.asked.append(dict(known))
        self.deadlines.append(deadline)
        return self.held.pop(0).wait()


def holding(**environ: str) -> tuple[Stage, Holding]:
    stage = Stage(**environ)
    gateway = Holding()
    stage.gateway = gateway
    stage.serve(seal_values({"a": "1"}))
    return stage, gateway


@contextlib.contextmanager
def reading(read: Callable[[], object], held: Held, gateway: Holding) -> Iterator[list[object]]:
    """A thread that reads while its request is held; what it got."""
    got: list[object] = []

    def run() -> None:
        try:
            got.append(read())
        except ConfigsvcError as error:
            got.append(type(error))

    gateway.held.append(held)
    thread = threading.Thread(target=run)
    thread.start()
    assert held.asked.wait(30)
    yield got
    thread.join(30)
    assert not thread.is_alive()


LATE: dict[str, Callable[[Held], None]] = {
    "an older revision": lambda held: held.answer(seal_values({"a": "0"}, revision=2)),
    "a newer revision": lambda held: held.answer(seal_values({"a": "9"}, revision=9)),
    "nothing new": lambda held: held.answer(),
    "an outage": lambda held: held.fail(Unavailable("down")),
    "a bug": lambda held: held.fail(ZeroDivisionError()),
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize(("wall", "up"), [(7200, 0), (0, 7200), (-3600, 67)])
def test_a_frozen_refresh_is_given_up_and_its_late_result_ignored(
    wall: float, up: float, late: Callable[[Held], None]
) -> None:
    (stage, gateway), told = holding(), list[frozenset[str]]()
    stage.config.snapshot()
    stage.config.on_change("", told.append)
    stage.clock.advance(67)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway) as got:
        stage.clock.at += wall
        stage.clock.up += up
        stage.serve(seal_values({"a": "3"}, revision=3))
        assert stage.config["a"] == "3"
        before = (
            stage.config.counts,
            stage.config.age,
            stage.config.last_error,
            stage.config.refused,
            list(told),
            list(stage.warnings),
        )
        late(held)
    assert got == ["3"]
    assert (
        stage.config.counts, stage.config.age, stage.config.last_error, stage.config.refused, told, stage.warnings
    ) == before  # fmt: skip
    assert (stage.config["a"], stage.config.revisions, len(gateway.asked)) == ("3", {"payments.prod": 3}, 3)


def test_an_answer_delayed_by_a_freeze_does_not_count_as_new() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    stage.clock.advance(67)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway) as got:
        stage.clock.at += 7200
        stage.serve(seal_values({"a": "3"}, revision=3))
        held.answer(seal_values({"a": "2"}, revision=2))
    assert got == ["3"]
    assert stage.config.age == 0


def test_a_frozen_first_load_is_given_up_and_its_late_failure_ignored() -> None:
    stage, gateway = holding()
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway) as got:
        stage.clock.at += 7200
        assert stage.config["a"] == "1"
        held.fail(Forbidden("no"))
    assert (got, stage.config["a"], stage.config.last_error) == (["1"], "1", None)


def test_a_refresh_that_was_asked_for_and_given_up_says_so() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    held = Held()
    with reading(stage.config.refresh, held, gateway) as got:
        stage.clock.advance(67)
        stage.config.snapshot()
        held.answer(seal_values({"a": "2"}, revision=2))
    assert got == [Unavailable]


@pytest.mark.parametrize("read", ["plainly", "in an invocation"])
def test_a_wait_for_a_hanging_refresh_is_bounded(
    read: str,
) -> None:
    stage, gateway = holding(CONFIGSVC_REFRESH_SECONDS="0.2" if read == "plainly" else "60")
    stage.config.snapshot()
    stage.clock.advance(3600)
    held = Held()
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"])[2])
    with reading(lambda: stage.config["a"], held, gateway) as got:
        value = stage.config["a"] if read == "plainly" else handler(None, Context(0.4))
        assert (value, got, len(gateway.asked)) == ("1", [], 2)
        assert stage.config.last_error is not None
        assert stage.config.last_error.members["reason"] == "deadline"
        held.answer()
    assert stage.config.last_error is None


def test_after_its_deadline_whoever_waited_for_a_refresh_begins_one() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(3600)
    held, second = Held(), Held()
    with reading(lambda: stage.config["a"], held, gateway):
        stage.clock.advance(0.9)  # its deadline, and an eighth in which its thread may end it
        with reading(lambda: stage.config["a"], second, gateway) as got:
            second.answer(seal_values({"a": "2"}, revision=2))
        assert got == ["2"]
        held.fail(Unavailable("down"))
    assert (stage.config["a"], stage.config.last_error) == ("2", None)


def test_a_reader_at_a_refresh_deadline_starts_no_second_request() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    stage.clock.advance(3600)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway) as got:
        stage.clock.advance(0.8)
        assert stage.config["a"] == "1"
        held.fail(Unavailable("did not answer in time", reason="deadline"))
    assert (got, stage.config["a"], stage.config.counts["failures"]) == (["1"], "1", 1)
    assert len(gateway.asked) == 2


def test_a_refresh_given_up_reports_its_deadline_until_the_next_ends() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    stage.clock.advance(67)
    held, seen = Held(), list[tuple[object, str]]()

    def look() -> None:
        error = stage.config.last_error
        assert error is not None
        seen.append((error.members["reason"], error.detail))

    with reading(lambda: stage.config["a"], held, gateway):
        stage.clock.advance(67)
        gateway.during = look
        assert stage.config["a"] == "1"
        held.answer()
    assert seen == [("deadline", "A refresh did not end within 0.8 seconds, and was given up.")]
    assert stage.config.last_error is None


def test_a_restored_copy_takes_nothing_of_a_refresh_that_was_under_way() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    stage.clock.advance(67)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway):
        stage.config._after_restore()  # noqa: SLF001  # what the runtime calls
        stage.serve(seal_values({"a": "3"}, revision=3))
        assert stage.config["a"] == "3"
        held.answer(seal_values({"a": "2"}, revision=2))
    assert stage.config["a"] == "3"


def test_an_interrupted_refresh_keeps_the_snapshot_and_the_next_read_refreshes() -> None:
    stage = loaded()
    stage.gateway.fail = [KeyboardInterrupt()]  # type: ignore[list-item]  # no Exception
    stage.clock.advance(67)
    with pytest.raises(KeyboardInterrupt):
        stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    assert (stage.config["a"], stage.config.counts["failures"], refreshes(stage)) == ("2", 0, 2)


def test_a_reader_refreshes_itself_when_a_slow_refresh_thread_never_returns() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    gateway.fail = [Unavailable("did not answer in time", reason="deadline")]
    stage.clock.advance(67)
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(67)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway):
        stage.clock.advance(2)
        assert stage.config["a"] == "2"
        assert gateway.deadlines[-1] == stage.clock.up + 0.8
        held.answer()


def test_a_bug_in_a_slow_refresh_thread_is_reported_and_contained() -> None:
    stage = loaded()
    stage.gateway.fail = [Unavailable("did not answer in time", reason="deadline")]
    stage.clock.advance(67)
    stage.config.snapshot()
    del stage.chance  # what it draws from fails, after the answer came
    with pytest.raises(Unavailable, match="interrupted"):
        stage.config.refresh()
    stage.chance = 0.5
    assert stage.config.refresh() is False


def test_a_refresh_whose_thread_has_not_run_yet_is_under_way() -> None:
    stage = loaded()
    keeper, interval = stage.config._made, sys.getswitchinterval()  # noqa: SLF001  # what reads call
    assert keeper is not None
    begun = Flight(keeper._state, stage.clock.now(), 8.0)  # noqa: SLF001  # as above
    sys.setswitchinterval(60)  # no other thread runs until this one waits
    try:
        assert keeper._fly_aside(begun, 8.0, everything=False)  # noqa: SLF001  # as above
        assert not begun.is_over(stage.clock.now())
    finally:
        sys.setswitchinterval(interval)
    assert begun.wait(30)


def live_snapshots() -> int:
    gc.collect()
    return sum(type(each) is Snapshot for each in gc.get_objects())


def see_changes(stage: Stage, revisions: Iterable[int]) -> None:
    for revision in revisions:
        stage.serve(seal_values({"a": str(revision)}, revision=revision))
        stage.clock.advance(67)
        assert stage.config["a"] == str(revision)


def test_a_hanging_refresh_keeps_no_later_snapshots_alive_across_forks() -> None:
    before = live_snapshots()
    stage, gateway = holding()
    stage.config.snapshot()
    stage.clock.advance(67)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway):
        see_changes(stage, range(2, 50))
        assert live_snapshots() <= before + 2
        child = os.fork()
        if child == 0:
            see_changes(stage, range(50, 100))
            os._exit(live_snapshots() > before + 2)
        assert os.waitpid(child, 0)[1] == 0
        held.answer()


def test_a_blocking_callback_keeps_no_later_snapshots_alive() -> None:
    before, go, called = live_snapshots(), threading.Event(), threading.Event()
    stage = loaded()

    def block(keys: frozenset[str]) -> None:
        if keys and not called.is_set():
            called.set()
            go.wait(30)

    stage.config.on_change("", block)
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(67)
    thread = threading.Thread(target=stage.config.snapshot)
    thread.start()
    assert called.wait(30)
    see_changes(stage, range(3, 50))
    assert live_snapshots() <= before + 3
    go.set()
    thread.join(30)


def live_flights() -> int:
    gc.collect()
    return sum(type(each) is Flight for each in gc.get_objects())


@pytest.mark.parametrize("refresh", [False, True], ids=["reads", "refreshes"])
def test_an_outage_that_lasts_keeps_nothing_alive_of_the_tries_before(*, refresh: bool) -> None:
    before, stage = live_flights(), loaded()
    for _ in range(50):
        stage.gateway.fail = [Unavailable("down")]
        stage.clock.advance(67)
        if refresh:
            with pytest.raises(Unavailable, match="down"):
                stage.config.refresh()
        assert stage.config["a"] == "1"
    assert live_flights() <= before + 1


@pytest.mark.parametrize("beginners", [2, 8])
def test_of_threads_that_begin_at_the_same_instruction_one_begins_each_flight(beginners: int) -> None:
    flights, begun = Flights(ended_flight()), list[tuple[int, int]]()

    def begin() -> None:
        for _ in range(2_000):
            last = flights.last()
            following = Flight(last.state, ClockReading(0.0, 0.0), 0.8)
            if last.ended and flights.follow(last, following):
                begun.append((last.number, following.number))
                following.end(following.before)

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=begin) for _ in range(beginners)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(switch)
    assert sorted(begun) == [(number - 1, number) for number in range(1, len(begun) + 1)]
    assert flights.last().number == len(begun)


def test_a_thread_that_slept_while_others_went_on_begins_nothing() -> None:
    flights = Flights(ended_flight())
    first, second = flights.last(), ended_flight()
    assert flights.follow(first, second)
    assert flights.follow(second, third := ended_flight())
    assert not flights.follow(first, ended_flight())
    assert not flights.follow(second, ended_flight())
    assert flights.last() is third


def ended_flight() -> Flight:
    flight = Flight(RefreshState(0.8), ClockReading(0.0, 0.0), 0.8)
    flight.end(flight.before)
    return flight


def test_closing_from_another_thread_waits_for_no_refresh() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    stage.clock.advance(67)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway):
        stage.config.close()
        assert stage.closed == 1
        held.answer()
