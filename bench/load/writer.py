"""The writer: one sealed value every second, in one namespace after the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event, Thread
from types import TracebackType
from typing import NamedTuple, Self

from bench.load.service import Filled


class Written(NamedTuple):
    """A committed write, the seconds it took, and how it was answered."""

    namespace: str
    status: int
    seconds: float


class Writer:
    """Writes from a separate thread while the block runs; `written` is complete when it ends."""

    def __init__(self, namespaces: Sequence[Filled], every: float = 1.0) -> None:
        self._namespaces, self._every = namespaces, every
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self.written: list[Written] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        """The n-th write is due n intervals after the start, however long those before it took."""
        began = time.monotonic()
        while not self._stop.wait(max(0.0, began + len(self.written) * self._every - time.monotonic())):
            self.written.append(self._write(len(self.written)))

    def _write(self, number: int) -> Written:
        turn, place = divmod(number, len(self._namespaces))
        story, data_key, keys = self._namespaces[place]
        # Each round writes the next key, and each time round them all the next version.
        version = 2 + turn // len(keys)
        began = time.monotonic()
        reply = story.seal(data_key, keys[turn % len(keys)], version, f"change {number}")
        return Written(story.namespace, reply.status, time.monotonic() - began)
