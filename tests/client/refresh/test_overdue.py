"""How old a value may be without saying so: what is due, what is overdue, and what a reader waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from configsvc.model.errors import ConfigsvcError, Expired, Forbidden, NotFound, Throttled, Unavailable
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values


class Context:
    """An invocation's, with so many seconds left."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> float:
        return self._seconds * 1000


def loaded(**environ: str) -> Stage:
    stage = Stage(seal_values({"a": "1"}), **environ)
    stage.config.snapshot()
    return stage


def invoke(stage: Stage, seconds: float) -> object:
    """The value that an invocation with so much time left sees."""
    return stage.config.handler(lambda event, context: (event, context, stage.config["a"])[2])(None, Context(seconds))


def reason(stage: Stage) -> object:
    return stage.config.last_error and stage.config.last_error.members.get("reason")


def refreshes(stage: Stage) -> int:
    """Requests since the first load."""
    return len(stage.gateway.asked) - 1


@pytest.mark.parametrize("left", [0.01, 0.4, 1.5, 900])
def test_an_hourly_function_sees_each_change_however_little_time_is_left(left: float) -> None:
    stage = loaded()
    for hour in range(2, 26):
        stage.clock.advance(3600)
        stage.serve(seal_values({"a": str(hour)}, revision=hour))
        assert (invoke(stage, left), stage.config.last_error) == (str(hour), None)
    assert refreshes(stage) == 24


def test_a_due_refresh_without_time_is_put_off_and_reported() -> None:
    stage = loaded()
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(60)
    assert (invoke(stage, 1.5), reason(stage), refreshes(stage)) == ("1", "time_left", 0)
    stage.clock.advance(6.7)
    assert (invoke(stage, 1.5), reason(stage), refreshes(stage)) == ("1", "time_left", 0)
    stage.clock.advance(0.2)
    assert (invoke(stage, 1.5), reason(stage), refreshes(stage)) == ("2", None, 1)


def test_an_overdue_refresh_takes_at_most_half_of_the_remaining_time() -> None:
    stage = loaded()
    for left in (0.1, 1.0, 1.59, 2.0, 900.0):
        stage.clock.advance(67)
        invoke(stage, left)
        assert stage.gateway.deadlines[-1] == pytest.approx(stage.clock.up + min(left / 2, 0.8))


def test_a_refresh_that_timed_out_counts_as_this_intervals_failure() -> None:
    stage = loaded()
    stage.gateway.fail = [Unavailable("did not answer in time", reason="deadline")] * 2
    stage.clock.advance(3600)
    assert [invoke(stage, 0.2) for _ in range(10)] == ["1"] * 10
    assert (reason(stage), refreshes(stage), stage.config.age) == ("deadline", 1, 3600)


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
@pytest.mark.parametrize(
    "error", [Unavailable("down"), Forbidden("no"), NotFound("gone"), Throttled("slow down"), ZeroDivisionError()]
)
def test_a_healed_service_is_seen_within_an_interval(error: Exception, chance: float) -> None:
    stage = loaded()
    stage.chance = chance
    stage.gateway.fail = [error] * 10_000
    for _ in range(1800):
        assert stage.config["a"] == "1"
        stage.clock.advance(1)
    assert 1800 / 66 - 2 <= refreshes(stage) <= 1800 / 54 + 1
    assert stage.config.last_error is not None
    stage.gateway.fail = []
    stage.serve(seal_values({"a": "2"}, revision=2))
    waited = 0
    while stage.config["a"] == "1":
        stage.clock.advance(1)
        waited += 1
    assert waited <= 66
    assert stage.config.last_error is None


def test_kms_that_healed_is_seen_one_interval_later_however_long_it_failed() -> None:
    stage = loaded(CONFIGSVC_DATA_KEY_SECONDS="1")
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.kms.down = Unavailable("KMS is down")
    for _ in range(60):
        stage.clock.advance(60)
        assert stage.config["a"] == "1"
    stage.kms.down = None
    stage.clock.advance(66)
    assert stage.config["a"] == "2"


def test_an_outage_costs_one_request_an_interval_and_no_waits_between() -> None:
    stage = loaded()
    stage.gateway.fail = [Unavailable("down")] * 100
    for _ in range(10):
        stage.clock.advance(67)
        before = refreshes(stage)
        assert [stage.config["a"] for _ in range(50)] + [invoke(stage, 0.5) for _ in range(50)] == ["1"] * 100
        assert refreshes(stage) == before + 1
        assert isinstance(stage.config.last_error, Unavailable)


def test_overdue_reads_obey_retry_after_and_last_error_reports_it() -> None:
    stage = loaded()
    stage.gateway.fail = [Throttled("slow down", retry_after=200)]
    stage.clock.advance(3600)
    for _ in range(200):
        assert stage.config["a"] == "1"
        assert isinstance(stage.config.last_error, Throttled)
        stage.clock.advance(1)
    assert refreshes(stage) == 1
    stage.clock.advance(20)
    assert (stage.config["a"], stage.config.last_error, refreshes(stage)) == ("1", None, 2)


@pytest.mark.parametrize(
    ("wall", "up"),
    [(7200, 0), (0, 7200), (7200, 7200), (-3600, 7200), (7200, 1), (-3600, 61), (10 * 365 * 86400, 0), (61, 0)],
)
def test_whichever_clock_went_on_all_reads_see_the_new_value(wall: float, up: float) -> None:
    stage = loaded()
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.at += wall
    stage.clock.up += up
    assert [stage.config["a"] for _ in range(20)] == ["2"] * 20
    assert refreshes(stage) == 1


@pytest.mark.parametrize("back", [60, 3600, 10 * 365 * 86400])
def test_a_wall_clock_that_was_set_back_serves_no_old_value(back: float) -> None:
    stage = loaded()
    stage.clock.advance(30)
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.at -= back
    for _ in range(36):
        stage.clock.advance(1)
        stage.config["a"]
    assert [stage.config["a"] for _ in range(20)] == ["2"] * 20


@pytest.mark.parametrize("left", [0.5, 900])
def test_an_expired_snapshot_is_refreshed_however_little_time_is_left(left: float) -> None:
    stage = loaded(CONFIGSVC_MAX_STALE_SECONDS="60")
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(61)
    assert invoke(stage, left) == "2"
    stage.gateway.fail = [Unavailable("down")]
    stage.clock.advance(61)
    with pytest.raises(Expired, match="down"):
        invoke(stage, left)


def test_a_callback_reads_what_is_new_and_may_refresh() -> None:
    stage, told = loaded(), list[object]()

    def change(_: frozenset[str]) -> None:
        told.append(stage.config["a"])
        if told == ["2"]:
            stage.serve(seal_values({"a": "3"}, revision=3))
            told.append(stage.config.refresh())

    stage.config.on_change("", change)
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(67)
    assert (stage.config["a"], told) == ("3", ["2", "3", True])


def test_a_read_inside_a_refresh_returns_the_held_snapshot_at_once() -> None:
    stage, got = loaded(), list[object]()

    def within() -> None:
        stage.gateway.during = lambda: None
        got.append(stage.config["a"])
        with pytest.raises(Unavailable, match="under way"):
            stage.config.refresh()
        stage.config.close()

    stage.gateway.during = within
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(3600)
    assert (stage.config["a"], got, refreshes(stage)) == ("2", ["1"], 1)


def test_a_read_inside_the_first_load_raises_at_once() -> None:
    stage, got = Stage(seal_values({"a": "1"})), list[type]()

    def within() -> None:
        reads: list[Callable[[], object]] = [
            lambda: stage.config["a"],
            stage.config.snapshot,
            stage.config.refresh,
        ]
        for read in reads:
            with pytest.raises(ConfigsvcError, match="on this thread") as caught:
                read()
            got.append(caught.type)

    stage.gateway.during = within
    assert stage.config["a"] == "1"
    assert [each.__name__ for each in got] == ["ConfigUnavailable"] * 3


def test_threads_that_find_what_is_overdue_wait_for_the_one_that_refreshes() -> None:
    stage = loaded(CONFIGSVC_REFRESH_SECONDS="20")
    gate, inside, done, seen = threading.Barrier(101), threading.Event(), threading.Event(), list[object]()

    def slow() -> None:
        inside.set()
        assert done.wait(30)

    def read() -> None:
        gate.wait(30)
        seen.append(stage.config["a"])

    stage.gateway.during = slow
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.at += 7200  # thawed: the monotonic clock stood still
    threads = [threading.Thread(target=read) for _ in range(100)]
    for thread in threads:
        thread.start()
    gate.wait(30)
    assert inside.wait(30)
    assert seen == []
    done.set()
    for thread in threads:
        thread.join(30)
    assert (seen, refreshes(stage)) == (["2"] * 100, 1)
