"""Virtual time: real threads that run the real client, one at a time, in the order of the moments they wait for."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

from configsvc_client._ports import ClockReading

_EPOCH = 1_700_000_000.0


class VirtualTime:
    """A clock that goes on to the next moment that somebody waits for. The same draws give the same history."""

    def __init__(self) -> None:
        self._now = 0.0
        self._waiting: list[tuple[float, int, threading.Semaphore]] = []
        self._order = itertools.count()
        self._paused = threading.Semaphore(0)

    def wall(self) -> float:
        """Seconds since the epoch."""
        return _EPOCH + self._now

    def monotonic(self) -> float:
        """Monotonic seconds."""
        return self._now

    def now(self) -> ClockReading:
        """Both clocks."""
        return ClockReading(_EPOCH + self._now, self._now)

    def pause(self, seconds: float) -> None:
        """Lets everybody run who is due before then."""
        mine = threading.Semaphore(0)
        self._wait(self._now + seconds, mine)
        self._paused.release()
        mine.acquire()

    def at(self, moment: float, run: Callable[[], None]) -> None:
        """A thread that begins at that moment."""
        mine = threading.Semaphore(0)

        def begin() -> None:
            mine.acquire()
            try:
                run()
            finally:
                self._paused.release()

        threading.Thread(target=begin, daemon=True).start()
        self._wait(moment, mine)

    def run(self) -> None:
        """Until nobody waits for anything."""
        while self._waiting:
            self._now, _, next_one = heapq.heappop(self._waiting)
            next_one.release()
            assert self._paused.acquire(timeout=60), "a thread waits for something else than this clock"

    def _wait(self, moment: float, mine: threading.Semaphore) -> None:
        heapq.heappush(self._waiting, (moment, next(self._order), mine))
