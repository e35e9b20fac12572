"""A read is one that a published window allows, by both clocks, whatever is published at whatever moment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from configsvc.model.names import Namespace
from configsvc_client import Snapshot
from configsvc_client._freshness import Window
from configsvc_client._opening.snapshot import NamespaceLayer
from configsvc_client._ports import ClockReading
from configsvc_client._refresh.reads import Reads
from configsvc_client._world import SystemClocks
from tests.support.client.configs import Stage
from tests.support.client.fakes import FakeClock
from tests.support.client.sealing import seal_values

START = ClockReading(1_000.0, 50.0)
LATER = 1e12  # open by the clock that stands, and by the system's
CLOCKS: dict[str, FakeClock | SystemClocks] = {"fake": FakeClock(*START), "system": SystemClocks()}
ASKED = "asked"


def snapshot(value: str) -> Snapshot:
    return Snapshot([NamespaceLayer(Namespace("a.b"), 1, '"1"', {"a": value}, frozenset(), {}, 0)])


def until(wall: float, monotonic: float) -> Window:
    return Window(START, ClockReading(wall, monotonic))


OPEN, CLOSED = until(LATER, LATER), until(0.0, 0.0)
CLOSED_BY_ONE = (until(LATER, 0.0), until(0.0, LATER))
KINDS: dict[str, Callable[[Reads], object]] = {
    "config[key]": lambda reads: reads["a"],
    "get": lambda reads: reads.get("a"),
    "snapshot": lambda reads: reads.snapshot()["a"],
    "dict": lambda reads: dict(reads)["a"],
}


class Read(Reads):
    """Reads what is published, and otherwise "asks"."""

    def __init__(self, clock: FakeClock | SystemClocks) -> None:
        super().__init__()
        self._use_clocks(clock.wall, clock.monotonic)

    def _read_current(self, remaining: float = 0.0) -> Snapshot:
        del remaining
        return snapshot(ASKED)


def at_opcode(step: int, kind: str, clock: str, first: Window, then: Window) -> tuple[object, bool]:
    """Returns what a read gives when a value is published before its opcode of that number, if it has as many."""
    reads, seen = Read(CLOCKS[clock]), 0
    reads._publish(snapshot("1"), first)  # noqa: SLF001  # as the keeper does

    def trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401  # itself
        nonlocal seen
        if frame.f_code.co_filename != Reads.__getitem__.__code__.co_filename:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            seen += 1
            if seen == step:
                sys.settrace(None)
                reads._publish(snapshot("2"), then)  # noqa: SLF001  # as the keeper does
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return KINDS[kind](reads), seen >= step
    finally:
        sys.settrace(before)


@pytest.mark.parametrize(("kind", "clock"), [("config[key]", "system"), ("config[key]", "fake"), ("get", "fake")])
@pytest.mark.parametrize(
    ("first", "then", "allowed"),
    [
        (OPEN, CLOSED, {"1", ASKED}),
        *((OPEN, each, {"1", ASKED}) for each in CLOSED_BY_ONE),
        *((each, OPEN, {"2", ASKED}) for each in (CLOSED, *CLOSED_BY_ONE)),
        (*CLOSED_BY_ONE, {ASKED}),
        (*reversed(CLOSED_BY_ONE), {ASKED}),
        (OPEN, OPEN, {"1", "2"}),
    ],
)
def test_a_read_never_mixes_a_value_with_another_window(
    kind: str, clock: str, first: Window, then: Window, allowed: set[str]
) -> None:
    results, step, more = set[object](), 0, True
    while more:
        step += 1
        result, more = at_opcode(step, kind, clock, first, then)
        results.add(result)
    assert step > 10
    assert results <= allowed


def test_reading_threads_never_see_values_whose_window_is_closed() -> None:
    reads, ended, wrong = Read(SystemClocks()), threading.Event(), list[object]()
    shown = [(snapshot("open"), OPEN), *((snapshot("closed"), each) for each in (CLOSED, *CLOSED_BY_ONE))]
    reads._publish(*shown[0])  # noqa: SLF001  # as the keeper does

    def read() -> None:
        while not ended.is_set():
            wrong.extend(value for value in (reads["a"] for _ in range(500)) if value not in {"open", ASKED})

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    with often_switched():
        for number in range(20_000):
            reads._publish(*shown[number % len(shown)])  # noqa: SLF001  # as the keeper does
    ended.set()
    for thread in threads:
        thread.join(30)
    assert wrong == []


class often_switched:  # noqa: N801  # reads as a word
    """Threads take turns as often as the interpreter lets them."""

    def __enter__(self) -> None:
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)

    def __exit__(self, *_: object) -> None:
        sys.setswitchinterval(self._before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("wall", "up"), [(-3600, 66), (-5, 66), (0, 66), (66, 0), (66, -3600), (3600 * 24 * 365, 0), (-30, 66)]
)
def test_the_first_read_after_an_interval_by_either_clock_is_new(kind: str, wall: float, up: float) -> None:
    stage = Stage(seal_values({"a": "1"}))
    read = KINDS[kind]
    assert read(stage.config) == "1"
    stage.clock.at += wall
    stage.clock.up += up
    stage.serve(seal_values({"a": "2"}, revision=2))
    assert [read(stage.config) for _ in range(20)] == ["2"] * 20
    assert len(stage.gateway.asked) == 2


def test_a_wall_clock_set_back_does_not_lengthen_a_window() -> None:
    stage = Stage(seal_values({"a": "1"}))
    assert stage.config["a"] == "1"
    stage.clock.advance(30)
    stage.clock.at -= 3600
    assert stage.config["a"] == "1"
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(30)
    assert stage.config["a"] == "2"


def test_a_monotonic_clock_that_stands_still_does_not_lengthen_a_window() -> None:
    stage = Stage(seal_values({"a": "1"}))
    assert stage.config["a"] == "1"
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.at += 60
    assert stage.config["a"] == "2"
