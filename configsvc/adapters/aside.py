"""What cannot be interrupted, in a thread of its own: name resolution, and fetching credentials."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Aside(Generic[Made]):
    """Something that is made once, for whoever can wait that long.

    Who cannot goes away with TimeoutError, and the making goes on: the next one finds it further, or done. What failed
    is begun again by the next one.

    Args:
        make: makes it; called in a daemon thread, by the first who asks.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._lock = Lock()
        self._making: _Making[Made] | None = None

    def result(self, seconds: float) -> Made:
        """What was made, after waiting for at most `seconds`.

        Raises:
            TimeoutError: it is not made yet.
            Exception: whatever making it raised.
        """
        with self._lock:
            making = self._making = self._making or _Making(self._make)
        if not making.ended.wait(max(0.0, seconds)):
            raise TimeoutError
        if making.fault is not None:
            with self._lock:
                self._making = None if self._making is making else self._making
            raise making.fault
        return making.made[0]


class _Making(Generic[Made]):
    def __init__(self, make: Callable[[], Made]) -> None:
        self.ended = Event()
        self.made: list[Made] = []
        self.fault: BaseException | None = None
        Thread(target=self._run, args=(make,), daemon=True).start()

    def _run(self, make: Callable[[], Made]) -> None:
        try:
            self.made.append(make())
        except BaseException as error:  # noqa: BLE001  # it is raised to whoever waits
            self.fault = error
        finally:
            self.ended.set()
