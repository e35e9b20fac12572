"""What cannot be interrupted, in a thread of its own: name resolution, and fetching credentials."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

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
