"""The clocks, the randomness and the threads of this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from configsvc.service.engine.ports import WallMoment


class SystemClock:
    """Wall clock and monotonic clock of this machine."""

    def now(self) -> WallMoment:
        """The wall clock."""
        return to_moment(time.time())

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Elapsed:
    """Elapsed seconds, counted from call to call by the wall clock or the monotonic clock, whichever advanced further.

    While Lambda keeps a process frozen, its monotonic clock may stop, and a wall clock may be set back. So whatever is
    cached for ten seconds expires by either clock; at worst it is read again too early.

    Two threads must not call it at once.

    Args:
        monotonic: seconds of a clock that never goes back.
        wall: seconds of the wall clock.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._seen = (monotonic(), wall())
        self._seconds = 0.0

    def __call__(self) -> float:
        """Seconds since it was created."""
        now = (self._monotonic(), self._wall())
        self._seconds += max(0.0, now[0] - self._seen[0], now[1] - self._seen[1])
        self._seen = now
        return self._seconds


def to_moment(seconds: float) -> WallMoment:
    """Converts seconds since the epoch to a moment."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return WallMoment(seconds, text.replace("+00:00", "Z"))


_BYTES = 8


class SystemRandomness:
    """Tags and jitter."""

    def tag(self) -> str:
        """8 random bytes in hex."""
        return os.urandom(_BYTES).hex()

    def uniform(self, most: float) -> float:
        """A number in [0, most)."""
        # A float in [0, 1) represents 53 bits exactly; with one more it would sometimes round up to 1.
        return (int.from_bytes(os.urandom(_BYTES)) >> 11) / 2**53 * most


AsideResult = TypeVar("AsideResult")


class Aside(Generic[AsideResult]):
    """The result of a slow call, which one thread makes at a time and others wait for as long as they can.

    A caller who cannot wait any longer gets TimeoutError, and the call goes on: the next caller finds it further, or
    done. A call that failed is started again for the next caller.

    Args:
        make: the slow call; made in a daemon thread.
        kept: whether one success is enough; if not, the call is made again for each caller after the last one ended.
    """

    def __init__(self, make: Callable[[], AsideResult], *, kept: bool = True) -> None:
        self._make = make
        self._kept = kept
        self._lock = Lock()
        self._making: _Making[AsideResult] | None = None

    def result(self, seconds: float) -> AsideResult:
        """The result, after waiting for at most `seconds`.

        Raises:
            TimeoutError: the call has not ended; the cause is the error of the previous call.
            Exception: any error of the call.
        """
        with self._lock:
            if self._making is None or self._making.is_over(kept=self._kept):
                self._making = _Making(self._make, self._making.fault if self._making else None)
            making = self._making
        if not making.ended.wait(max(0.0, seconds)):
            raise TimeoutError from making.before
        if making.fault is not None:
            raise making.fault
        return making.made[0]

    def under_way(self) -> bool:
        """Whether a call is being made now."""
        return self._making is not None and not self._making.ended.is_set()


class _Making(Generic[AsideResult]):
    def __init__(self, make: Callable[[], AsideResult], before: BaseException | None) -> None:
        self.before = before
        self.ended = Event()
        self.made: list[AsideResult] = []
        self.fault: BaseException | None = None
        Thread(target=self._run, args=(make,), daemon=True).start()

    def is_over(self, *, kept: bool) -> bool:
        """Whether the call ended without a result that new callers can use."""
        return self.ended.is_set() and (self.fault is not None or not kept)

    def _run(self, make: Callable[[], AsideResult]) -> None:
        try:
            self.made.append(make())
        except BaseException as error:  # noqa: BLE001  # raised for the callers that wait
            self.fault = error
        finally:
            self.ended.set()
