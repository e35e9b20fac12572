"""Keep-alive: how long an open connection is kept, and the errors of an exchange over one."""

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
    """The bytes received are not a complete HTTP response within the limits. Names the fault, never the content."""


class NoTunnel(BadAnswer):
    """A proxy did not connect to the origin, so nothing reached the origin."""


class StrayAnswer(BadAnswer):
    """The bytes received do not answer the request. On a kept connection they may have been sent before it."""


class DeadConnection(Exception):
    """The other side closed the connection before its response began."""


class KeptConnection:
    """An open socket and the state that decides how long it is kept.

    The socket is closed when nothing refers to it any more: its connection was collected, or a signal ended the
    request. A finalizer closes it, not `__del__`: in a collected cycle the socket would warn before `__del__` ran.

    Args:
        opened: the socket.
        now: when it was opened, by the monotonic and the wall clock.
        seconds: how long it is kept.
        generation: that of its connection, which starts a new one when it is closed.
    """

    __slots__ = ("__weakref__", "_errors", "_opened", "_seconds", "close", "generation", "socket")

    def __init__(self, opened: socket.socket, now: tuple[float, float], seconds: float, generation: object) -> None:
        self.socket = opened
        self.close = weakref.finalize(self, opened.close)
        self.close.atexit = False  # a thread may be using it, and other exit handlers may still read
        self.generation = generation
        self._opened = now
        self._seconds = seconds
        self._errors = 0

    def is_young(self, now: tuple[float, float]) -> bool:
        """Whether it has not reached its maximum age by either clock."""
        return max(now[0] - self._opened[0], now[1] - self._opened[1]) < self._seconds

    def record_answer(self, status: int, fails: Callable[[int], bool]) -> bool:
        """Records the status of a response and returns whether to keep the connection: not after two errors in a row.

        A 429 counts neither way.
        """
        if status != _LATER:
            self._errors = self._errors + 1 if fails(status) else 0
        return self._errors < _ERRORS

    def is_idle(self) -> bool:
        """Whether nothing arrived since the last response; otherwise it would be taken for the next response.

        It reads rather than only polls, because over TLS the bytes may be a protocol message such as a session ticket.
        Bytes that arrive between this check and the request cannot be distinguished from its response.
        """
        if not _has_pending_bytes(self.socket):
            return True
        self.socket.setblocking(False)  # noqa: FBT003  # with settimeout(0), eventlet's socket would wait
        try:
            self.socket.recv(1)
        except OSError as error:
            if type(error).__name__ == "SSLWantReadError":  # `ssl` is not loaded for plain http
                return True
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            if isinstance(error, BlockingIOError):
                return True
        finally:
            self.socket.setblocking(True)  # noqa: FBT003  # as above
        return False


def make_quiet_class(kind: type[NewSocket]) -> type[NewSocket]:
    """Returns a subclass of a socket class whose sockets do not warn when they are collected while open.

    A signal handler may raise after a socket is created and before anything refers to it.
    """
    plain: object = socket.SocketType
    if socket.SocketType.__module__ != "_socket" or plain not in kind.__mro__:  # gevent's, eventlet's
        return kind
    return type(kind.__name__, (kind,), {"__slots__": (), "__del__": socket.SocketType.close})


def is_error(status: int) -> bool:
    """Whether a status is an error. 4xx count too: a server that a name no longer points to may refuse requests."""
    return status >= _ERROR


def _has_pending_bytes(kept: socket.socket) -> bool:
    """Whether bytes are waiting, in the system or decrypted by TLS. Cheaper than reading nothing over TLS."""
    pending = getattr(kept, "pending", None)
    if (pending is not None and pending()) or not hasattr(select, "poll"):  # not on Windows; eventlet removes it
        return True
    waiting = select.poll()
    waiting.register(kept, select.POLLIN)
    return bool(waiting.poll(0))
