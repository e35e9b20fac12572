"""A thread that refreshes while nobody reads, for long-lived processes. Never in Lambda, where threads freeze."""

from __future__ import annotations

import _thread
import contextlib
import functools
import os
import sys
import threading
import weakref

from configsvc_client._process import start_thread
from configsvc_client._refresh.keeper import Keeper

_SHARE = 0.01
_LONGEST = 86_400.0
_JOIN_SECONDS = 1.0


class Background:
    """A daemon thread that refreshes whenever that is due. It ends with `stop`, or when its Config is gone.

    If the process cannot start threads, readers refresh.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._prepare(keeper)
        keeper.attended = self.runs

    def _prepare(self, keeper: Keeper | None) -> None:
        # A bare lock is held as long as the thread runs: unlike an Event, a signal handler may end it at any moment.
        self._going = _thread.allocate_lock()
        self._going.acquire()
        self._keeper = None if keeper is None else weakref.ref(keeper, functools.partial(_end_thread, self._going))

    def runs(self) -> bool:
        """Whether the thread refreshes now."""
        return not self._stopped and self._thread is not None and self._thread.is_alive()

    def ensure(self) -> None:
        """Starts the thread where it does not run: at the first use, or after what it met ended it."""
        if not self._stopped and not self.runs() and self._keeper is not None and not _is_master_of_uwsgi():
            run = functools.partial(_refresh_repeatedly, self._keeper, self._going)
            self._thread = start_thread(run, "configsvc refresh")

    def after_fork(self) -> None:
        """In a child process, which has no thread: starts one where the parent had one, without waiting for a read."""
        had_one, self._thread = self._thread is not None, None
        self._prepare(None if self._keeper is None else self._keeper())
        if had_one:
            self.ensure()

    def stop(self) -> None:
        """Ends the thread. A refresh or callback under way is waited for, but no longer than a second."""
        self._stopped = True
        _end_thread(self._going)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)


def _is_master_of_uwsgi() -> bool:
    """Whether uWSGI forks its workers from this process.

    It forks without holding the interpreter's lock. If a thread holds it at that moment, the worker hangs for ever.
    """
    master = getattr(sys.modules.get("uwsgi"), "masterpid", None)
    return master is not None and master() == os.getpid()


def _end_thread(going: _thread.LockType, _: object = None) -> None:
    with contextlib.suppress(RuntimeError):  # it was ended before
        going.release()


def _refresh_repeatedly(alive: weakref.ref[Keeper], going: _thread.LockType) -> None:
    while (seconds := _find_wait(alive)) is not None and not going.acquire(timeout=min(seconds, _LONGEST)):
        keeper = alive()
        if keeper is not None:
            with contextlib.suppress(Exception):  # readers see it in `last_error`; the thread goes on
                keeper.poll()
        del keeper


def _find_wait(alive: weakref.ref[Keeper]) -> float | None:
    keeper = alive()
    return None if keeper is None else max(keeper.seconds_left(), _SHARE * keeper.poll_seconds)
