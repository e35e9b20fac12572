"""A connection that is kept, when it no longer is, and why an exchange over one failed."""

from __future__ import annotations

import select
import socket
import weakref
from collections.abc import Callable
from typing import TypeVar

_ERROR = 400
_LATER = 429
_ERRORS = 2

NewSocket = TypeVar("NewSocket", bound=socket.socket)


class BadAnswer(Exception):
    """What came is no complete HTTP answer within the limits; names the fault, never the content."""


class NoTunnel(BadAnswer):
    """A proxy gave no connection to the other side, so nothing reached that."""


class StrayAnswer(BadAnswer):
    """What came is no answer to what was asked, so that it may have been on its way before: on a kept connection."""


class DeadConnection(Exception):
    """A connection gave nothing of an answer: the other side had closed it."""


class KeptConnection:
    """An open socket and what decides how long it is kept.

    It is closed when nobody holds it any more: on a connection that is collected, or by a request that a signal ended.
    A finalizer does that, and not `__del__`: collected in a cycle, the socket would complain before its turn came.

    Args:
        opened: the socket.
        now: when it was opened, by the monotonic clock and the wall's.
        seconds: how long it is kept.
        generation: of its connection; another one has begun where that was closed since.
    """

    __slots__ = ("__weakref__", "_errors", "_opened", "_seconds", "close", "generation", "socket")

    def __init__(self, opened: socket.socket, now: tuple[float, float], seconds: float, generation: object) -> None:
        self.socket = opened
        self.close = weakref.finalize(self, opened.close)
        self.close.atexit = False  # a thread may be using it, and other handlers of the exit may read
        self.generation = generation
        self._opened = now
        self._seconds = seconds
        self._errors = 0

    def is_young(self, now: tuple[float, float]) -> bool:
        """Whether neither clock says that it was kept for long enough."""
        return max(now[0] - self._opened[0], now[1] - self._opened[1]) < self._seconds

    def record_answer(self, status: int, fails: Callable[[int], bool]) -> bool:
        """Whether to keep it after an answer of that status: it is not the second error in a row.

        One that asks to come later counts neither way.
        """
        if status != _LATER:
            self._errors = self._errors + 1 if fails(status) else 0
        return self._errors < _ERRORS

    def is_idle(self) -> bool:
        """Whether nothing has come since the last answer; else what came would pass for the next one.

        Read, not only looked at: over TLS what came may be a message of the protocol alone, such as a session ticket.
        What comes between this look and the request cannot be told from its answer.
        """
        if not _has_pending_bytes(self.socket):
            return True
        self.socket.setblocking(False)  # noqa: FBT003  # by settimeout(0), eventlet's would wait
        try:
            self.socket.recv(1)
        except OSError as error:
            if type(error).__name__ == "SSLWantReadError":  # `ssl` is not loaded where there is only http
                return True
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            if isinstance(error, BlockingIOError):
                return True
        finally:
            self.socket.setblocking(True)  # noqa: FBT003  # as above
        return False


def make_quiet_class(kind: type[NewSocket]) -> type[NewSocket]:
    """A class of sockets of which one that is lost is closed without a complaint.

    A signal handler may strike between the making of a socket and its being held by anything.
    """
    plain: object = socket.SocketType
    if socket.SocketType.__module__ != "_socket" or plain not in kind.__mro__:  # gevent's, eventlet's
        return kind
    return type(kind.__name__, (kind,), {"__slots__": (), "__del__": socket.SocketType.close})


def is_error(status: int) -> bool:
    """Whether a status is an error: a server that is no longer meant may refuse as well as fail."""
    return status >= _ERROR


def _has_pending_bytes(kept: socket.socket) -> bool:
    """Whether bytes wait, in the system or decrypted by TLS. Asked first: reading nothing over TLS takes longer."""
    pending = getattr(kept, "pending", None)
    if (pending is not None and pending()) or not hasattr(select, "poll"):  # Windows has none, eventlet takes it away
        return True
    waiting = select.poll()
    waiting.register(kept, select.POLLIN)
    return bool(waiting.poll(0))
