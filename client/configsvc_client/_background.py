"""A thread that refreshes while nobody reads, for long-lived processes. Never in Lambda, where threads freeze."""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref

from configsvc_client._hooks import started
from configsvc_client._keeper import Keeper

_SHARE = 0.01
_JOIN_SECONDS = 5.0


class Background:
    """A daemon thread that asks whenever it is due. It ends with `stop`, or when its Config is gone."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = weakref.ref(keeper)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        keeper.attended = self.runs

    def runs(self) -> bool:
        """Whether the thread refreshes now."""
        return not self._stop.is_set() and self._thread is not None and self._thread.is_alive()

    def ensure(self) -> None:
        """Starts the thread where it does not run: at the first use, and in a child process, which has none."""
        if self._stop.is_set() or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = started(functools.partial(_refreshing, self._keeper, self._stop), "configsvc refresh")

    def stop(self) -> None:
        """Ends the thread; a refresh under way is waited for, within its deadline."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)


def _refreshing(alive: weakref.ref[Keeper], stop: threading.Event) -> None:
    while (seconds := _next(alive)) is not None and not stop.wait(seconds):
        keeper = alive()
        if keeper is not None:
            with contextlib.suppress(Exception):  # told to who reads; the thread goes on
                keeper.poll()
        del keeper


def _next(alive: weakref.ref[Keeper]) -> float | None:
    keeper = alive()
    return None if keeper is None else max(keeper.left(), _SHARE * keeper.interval)
