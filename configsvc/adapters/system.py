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


def to_moment(seconds: float) -> WallMoment:
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


AsideResult = TypeVar("AsideResult")


class Aside(Generic[AsideResult]):
    """Something that is made for whoever can wait that long, by one thread at a time.

    Who cannot goes away with TimeoutError, and the making goes on: the next one finds it further, or done. What failed
    before somebody asks is begun again for them.

    Args:
        make: makes it; called in a daemon thread.
        kept: whether it is made once; if not, it is made again for whoever asks after the last making ended.
    """

    def __init__(self, make: Callable[[], AsideResult], *, kept: bool = True) -> None:
        self._make = make
        self._kept = kept
        self._lock = Lock()
        self._making: _Making[AsideResult] | None = None

    def result(self, seconds: float) -> AsideResult:
        """What was made, after waiting for at most `seconds`.

        Raises:
            TimeoutError: it is not made yet; its cause is what the making before raised.
            Exception: whatever making it raised.
        """
        with self._lock:
            if self._making is None or self._making.over(kept=self._kept):
                self._making = _Making(self._make, self._making.fault if self._making else None)
            making = self._making
        if not making.ended.wait(max(0.0, seconds)):
            raise TimeoutError from making.before
        if making.fault is not None:
            raise making.fault
        return making.made[0]

    def under_way(self) -> bool:
        """Whether it is being made now."""
        return self._making is not None and not self._making.ended.is_set()


class _Making(Generic[AsideResult]):
    def __init__(self, make: Callable[[], AsideResult], before: BaseException | None) -> None:
        self.before = before
        self.ended = Event()
        self.made: list[AsideResult] = []
        self.fault: BaseException | None = None
        Thread(target=self._run, args=(make,), daemon=True).start()

    def over(self, *, kept: bool) -> bool:
        """Whether it is of no use to whoever asks now."""
        return self.ended.is_set() and (self.fault is not None or not kept)

    def _run(self, make: Callable[[], AsideResult]) -> None:
        try:
            self.made.append(make())
        except BaseException as error:  # noqa: BLE001  # it is raised to whoever waits
            self.fault = error
        finally:
            self.ended.set()
