"""How often reads look at the clocks."""

from __future__ import annotations

from configsvc_client._ports import ClockReading
from tests.support.client.configs import Stage
from tests.support.client.fakes import FakeClock
from tests.support.client.sealing import make_plain_entry, make_snapshot


class CountingClock(FakeClock):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def wall(self) -> float:
        self.reads.append("wall")
        return super().wall()

    def monotonic(self) -> float:
        self.reads.append("monotonic")
        return super().monotonic()

    def now(self) -> ClockReading:
        self.reads.append("both")
        return super().now()


def _loaded() -> tuple[Stage, CountingClock]:
    stage, clock = Stage(make_snapshot([make_plain_entry("a", "1")])), CountingClock()
    stage.clock = clock
    assert stage.config["a"] == "1"
    clock.reads.clear()
    return stage, clock


def test_a_cached_read_looks_at_each_clock_once() -> None:
    stage, clock = _loaded()
    assert stage.config["a"] == "1"
    assert clock.reads == ["wall", "monotonic"]


def test_an_invocation_with_nothing_due_reads_both_clocks_once() -> None:
    stage, clock = _loaded()
    stage.config.handler(lambda *_: None)(None, None)
    assert clock.reads == ["both"]


def test_an_unchanged_poll_reads_both_clocks_before_and_after_the_request() -> None:
    stage, clock = _loaded()
    clock.advance(70)
    stage.gateway.during = lambda: clock.reads.append("request")
    stage.config.handler(lambda *_: None)(None, None)
    # Before it; then for the window that is published, and by the reader, whose thread need not be the one that asked.
    assert clock.reads == ["both", "request", "both", "both"]
