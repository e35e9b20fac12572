"""One deadline, set when a read begins, covers all its work: waiting for another thread, fetching, decrypting."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from configsvc.model.errors import ConfigsvcError, Throttled, Unavailable
from configsvc_client import ConfigUnavailable
from configsvc_client._ports import ClockReading
from tests.support.client.configs import Stage
from tests.support.client.fakes import FakeClock
from tests.support.client.sealing import seal_values

BEGAN = 1_000.0
DOWN = Unavailable("down")
FILE = {"CONFIGSVC_FALLBACK": "fallback.json"}


class CountingClock(FakeClock):
    """A clock that counts the readings of the thread named `late`, to detect that it is about to wait."""

    def __init__(self) -> None:
        super().__init__(up=BEGAN)
        self.looks = threading.Semaphore(0)

    def now(self) -> ClockReading:
        if threading.current_thread().name == "late":
            self.looks.release()
        return super().now()


def run_late(
    stage: Stage, clock: CountingClock, first: Callable[[], object], second: Callable[[], object], takes: float = 0.5,
    *, fault: ConfigsvcError = DOWN,
) -> None:  # fmt: skip
    """Runs two threads: the first fetches and fails after some seconds, and the second waits for it until then."""
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        inside.set()
        assert go_on.wait(30)
        clock.advance(takes)

    def expect_failure(act: Callable[[], object]) -> None:
        with pytest.raises((Unavailable, ConfigUnavailable)):
            act()

    stage.gateway.during = slow
    stage.gateway.fail = [fault] * 20
    threads = [
        threading.Thread(target=expect_failure, args=(act,), name=name)
        for act, name in ((first, "early"), (second, "late"))
    ]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    for _ in range(2):
        assert clock.looks.acquire(timeout=30)
    go_on.set()
    for thread in threads:
        thread.join(30)


def test_waiting_for_another_cold_start_does_not_extend_the_deadline() -> None:
    stage, clock = Stage(seal_values({"a": "1"})), CountingClock()
    stage.clock = clock
    busy = Throttled("slow down", retry_after=60)
    run_late(stage, clock, lambda: stage.config["a"], lambda: stage.config["a"], fault=busy)
    assert stage.gateway.deadlines == [BEGAN + 8] * 2


def test_waiting_for_another_refresh_does_not_extend_the_deadline() -> None:
    stage, clock = Stage(seal_values({"a": "1"})), CountingClock()
    stage.clock = clock
    stage.config.snapshot()
    run_late(stage, clock, stage.config.refresh, stage.config.refresh)
    assert stage.gateway.deadlines[1:] == [BEGAN + 0.8] * 2


def test_waiting_until_little_time_is_left_neither_asks_nor_counts_failure() -> None:
    stage, clock = Stage(seal_values({"a": "1"})), CountingClock()
    stage.clock = clock
    stage.config.snapshot()
    said: list[str] = []

    def second() -> None:
        try:
            stage.config.refresh()
        except Unavailable as error:
            said.append(error.detail)
            raise

    run_late(stage, clock, stage.config.refresh, second, 0.75)
    assert stage.gateway.deadlines[1:] == [BEGAN + 0.8]
    assert stage.config.counts["failures"] == 1
    assert said == ["Another refresh is under way. Try again."]
    stage.gateway.fail = []
    stage.gateway.during = lambda: None
    assert stage.config.refresh() is False  # the lock is free


class Context:
    """An invocation with one second left."""

    def get_remaining_time_in_millis(self) -> int:
        return 1000


@pytest.mark.parametrize(("context", "service", "file"), [(None, 2, 4), (Context(), 0.45, 0.9)])
def test_fallback_file_is_opened_in_the_time_reserved_for_it(context: object, service: float, file: float) -> None:
    stage = Stage(seal_values({"a": "1"}), **FILE)
    stage.save(seal_values({"a": "saved"}))
    stage.gateway.fail = [Unavailable("down")] * 20
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"])[2])
    assert handler(None, context) == "saved"
    assert set(stage.gateway.deadlines) == {BEGAN + service}
    assert stage.kms.deadlines == [BEGAN + file]
