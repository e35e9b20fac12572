"""One flight: when the next may begin, who waits for its end, and what a read during a step sees."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from configsvc_client._ports import ClockReading
from configsvc_client._refresh.flight import Flight, Flights, RefreshState
from tests.client.refresh.test_background import wait_until

if TYPE_CHECKING:
    from _typeshed import TraceFunction

BEGAN = ClockReading(0.0, 0.0)
LATER = RefreshState(1.6)


def begun(seconds: float = 8.0) -> Flight:
    return Flight(RefreshState(0.8), BEGAN, seconds)


def traced(of: Callable[..., object], look: Callable[[], object], do: Callable[[], object]) -> None:
    """Looks before each line of a function, as a signal handler may."""

    def trace(frame: FrameType, event: str, argument: object) -> TraceFunction | None:
        del argument
        if frame.f_code is not of.__code__:
            return None
        if event == "line":
            sys.settrace(None)
            look()
            sys.settrace(trace)
        return trace

    sys.settrace(trace)
    try:
        do()
    finally:
        sys.settrace(None)


def test_a_flight_that_has_not_flown_changed_nothing() -> None:
    flying = begun()
    assert (flying.kept, flying.changed, flying.ended) == (False, False, False)


def test_the_next_may_begin_an_eighth_after_another_threads_deadline_not_before() -> None:
    other = begun()
    other.add_thread(-1)  # no thread has this number
    assert other.is_over(ClockReading(8.5, 8.5)) is False
    assert other.is_over(ClockReading(9.0, 8.5)) is True
    assert other.is_over(ClockReading(8.5, 9.0)) is True


def test_a_flight_may_follow_one_that_this_thread_abandoned() -> None:
    left = begun()

    def beside(flight: Flight) -> bool:
        return left.is_over(BEGAN) and not flight.is_over(BEGAN)

    def within(flight: Flight) -> bool:
        return flight.is_over(BEGAN)

    assert left.is_over(BEGAN) is True
    assert beside(begun()) is True
    assert within(left) is False


def test_a_flight_belongs_to_the_threads_that_request_or_run_it() -> None:
    flying, seen = begun(), list[bool]()

    def look() -> None:
        seen.append(flying.is_mine())
        flying.add_thread()
        seen.append(flying.is_mine())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(30)
    assert (seen, flying.is_mine()) == ([False, True], True)


def test_a_flight_ends_once_and_the_first_end_counts() -> None:
    flying = begun()
    assert flying.end(LATER) is True
    assert flying.end(RefreshState(3.2)) is False
    assert flying.state is LATER


def test_an_ended_flight_always_shows_its_result() -> None:
    flying, seen = begun(), list[tuple[bool, bool]]()
    traced(Flight.end, lambda: seen.append((flying.ended, flying.state is LATER)), lambda: flying.end(LATER))
    assert set(seen) == {(False, False), (True, True)}


def test_all_who_wait_for_a_flight_go_on_when_it_ends() -> None:
    flying, got = begun(), list[bool]()
    waiting = [threading.Thread(target=lambda: got.append(flying.wait(300)), daemon=True) for _ in range(3)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: all(_stands_in(thread, "wait") for thread in waiting))
    flying.end(LATER)
    for thread in waiting:
        thread.join(10)
    assert got == [True] * 3


def _stands_in(thread: threading.Thread, function: str) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001  # documented
    return frame is not None and frame.f_code.co_name == function


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_who_has_no_time_left_waits_for_nothing(seconds: float) -> None:
    flying, interval = begun(), sys.getswitchinterval()
    sys.setswitchinterval(60)  # no other thread runs unless this one waits
    try:
        _thread.start_new_thread(flying.end, (LATER,))
        assert flying.wait(seconds) is False
    finally:
        sys.setswitchinterval(interval)
    assert flying.wait(30) is True


def test_a_signal_handler_may_begin_flights_while_one_begins() -> None:
    def ended() -> Flight:
        made = begun()
        made.end(LATER)
        return made

    flights = Flights(ended())
    traced(
        Flights.follow,
        lambda: flights.follow(flights.last(), ended()),
        lambda: flights.follow(flights.last(), ended()),
    )
    number = flights.last().number
    assert number > 1
    assert flights.follow(flights.last(), latest := ended()) is True
    assert (flights.last() is latest, latest.number) == (True, number + 1)


def test_only_the_first_that_follows_a_flight_does() -> None:
    flights = Flights(first := begun())
    assert flights.follow(first, begun()) is True
    assert flights.follow(first, begun()) is False
