"""The clocks and the randomness of this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from configsvc.service.engine.ports import WallMoment


class SystemClock:
    """Wall clock and monotonic clock of this machine."""

    def now(self) -> WallMoment:
        """The wall clock."""
        return moment(time.time())

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Elapsed:
    """Seconds passed, counted from one call to the next by the wall or the monotonic clock, whichever says more.

    While Lambda keeps a process frozen its monotonic clock may stand still, and a wall clock may be set back. So what
    is kept for ten seconds is kept no longer than that by either; at most it is read again sooner.

    It is not to be called by two threads at once.

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
        """Seconds since it was made."""
        now = (self._monotonic(), self._wall())
        self._seconds += max(0.0, now[0] - self._seen[0], now[1] - self._seen[1])
        self._seen = now
        return self._seconds


def moment(seconds: float) -> WallMoment:
    """The moment at so many seconds since the epoch."""
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
        # 53 bits are what a float in [0, 1) holds exactly; one more would round up to 1 now and then.
        return (int.from_bytes(os.urandom(_BYTES)) >> 11) / 2**53 * most
