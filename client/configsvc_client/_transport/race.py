"""Happy Eyeballs: tries several addresses of one host in parallel until one answers (RFC 8305), without an event loop.

Loaded only if the first address does not answer at once. An attempt is a generator: it yields what it waits for, and
closes its socket when it fails or is closed.
"""

from __future__ import annotations

import math
import os
import select
import socket
from collections.abc import Callable, Generator, Iterable, Sequence
from errno import EINPROGRESS, EWOULDBLOCK
from itertools import zip_longest
from typing import TYPE_CHECKING

from configsvc_client._interrupts import reraise_interrupt
from configsvc_client._transport.keep_alive import make_quiet_class

if TYPE_CHECKING:
    import ssl

SocketAddress = tuple[socket.AddressFamily, "tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]"]

Secure = Callable[[socket.socket], "ssl.SSLSocket"]
"""Wraps a connected socket in TLS; the handshake is still to be done."""

Attempt = Generator[tuple[socket.socket, bool], None, socket.socket]
"""Yields its socket and whether it waits to read (else to write); returns the socket when it is ready for use."""


def start_connect(address: SocketAddress, secure: Secure | None) -> Attempt:
    """Starts a connect, then finishes it."""
    made = make_quiet_class(socket.socket)(address[0], socket.SOCK_STREAM)
    try:
        made.setblocking(False)  # noqa: FBT003  # with settimeout(0), eventlet's socket would wait
        code = made.connect_ex(address[1])
        _check(0 if code in (EINPROGRESS, EWOULDBLOCK) else code)
    except BaseException:
        made.close()
        raise
    return (yield from finish_connect(made, secure))


def finish_connect(made: socket.socket, secure: Secure | None) -> Attempt:
    """Continues once the connect has started."""
    try:
        made.setblocking(False)  # noqa: FBT003  # as above
        yield made, False
        _check(made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secure is None:
            made.setblocking(True)  # noqa: FBT003  # as above
            return made
        secured = secure(made)
    except BaseException:
        made.close()
        raise
    return (yield from finish_handshake(secured))


def finish_handshake(made: ssl.SSLSocket) -> Attempt:
    """Starts or continues the TLS handshake."""
    try:
        made.setblocking(False)  # noqa: FBT003  # as above
        while (reads := _shake(made)) is not None:
            yield made, reads
        made.setblocking(True)  # noqa: FBT003  # as above
    except BaseException:
        made.close()
        raise
    return made


def _shake(made: ssl.SSLSocket) -> bool | None:
    """Advances the handshake. Returns whether it waits to read (else to write); None when it is complete."""
    import ssl

    try:
        made.do_handshake()
    except ssl.SSLWantReadError:
        return True
    except ssl.SSLWantWriteError:
        return False
    return None


def _check(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))


class Race:
    """Parallel attempts: the next starts after a pause, or at once when one fails.

    Args:
        others: the attempts to start, in order.
        left: returns the seconds until the deadline; raises TimeoutError after it.
        pause: seconds between two starts.
        patience: given the seconds left, returns how long a handshake may take before the next attempt starts.
    """

    def __init__(
        self,
        others: Iterable[Attempt],
        left: Callable[[], float],
        pause: float,
        patience: Callable[[float], float],
    ) -> None:
        self._others = list(others)
        self._left = left
        self._pause = pause
        self._patience = patience
        self._running: dict[Attempt, tuple[socket.socket, bool]] = {}
        self._next = math.inf  # the next attempt starts when only this many seconds are left
        self._failed: OSError | None = None

    def run(self, begun: Attempt | None, failed: OSError | None) -> socket.socket:
        """Returns the socket of the first attempt to succeed and closes the others.

        Args:
            begun: an attempt already started, if any.
            failed: the error of an attempt already failed, if any.

        Raises:
            OSError: all failed (a refused connection is preferred, else the last error), or the deadline passed.
        """
        self._failed = failed
        try:
            made = self._step(begun) if begun else None
            while made is None:
                made = self._advance()
            return made
        finally:
            for each in (*self._running, *self._others):
                each.close()

    def _advance(self) -> socket.socket | None:
        if self._others and (not self._running or self._left() <= self._next):
            self._next = self._left() - self._pause
            return self._step(self._others.pop(0))
        if not self._running:
            raise self._failed or TimeoutError("no address")
        seconds = self._left() - (max(self._next, 0.0) if self._others else 0.0)
        for each in wait_until_ready(self._running, seconds):
            made = self._step(each)
            if made is not None:
                return made
        return None

    def _step(self, attempt: Attempt) -> socket.socket | None:
        shook = self._running.pop(attempt, (None, False))[1]
        try:
            waits = next(attempt)
        except StopIteration as ended:
            reraise_interrupt(ended)
            made: socket.socket = ended.value
            return made
        except OSError as error:
            if type(error).__name__ == "SSLCertVerificationError":  # the others would fail the same way
                raise
            reraise_interrupt(error)
            self._note_failure(error)
            return None
        self._running[attempt] = waits
        if waits[1] and not shook:
            self._next = self._left() - self._patience(self._left())
        return None

    def _note_failure(self, error: OSError) -> None:
        self._next = math.inf
        if not isinstance(self._failed, ConnectionError):
            self._failed = error


def wait_until_ready(waiting: dict[Attempt, tuple[socket.socket, bool]], seconds: float) -> list[Attempt]:
    """Waits up to that many seconds and returns the attempts whose socket is ready."""
    attempts = {made.fileno(): attempt for attempt, (made, _) in waiting.items()}
    reads = [made for made, reads in waiting.values() if reads]
    writes = [made for made, reads in waiting.values() if not reads]
    seconds = max(seconds, 0.0)
    if not hasattr(select, "poll"):  # eventlet removes it
        readable, writable, _ = select.select(reads, writes, [], seconds)
        return [attempts[made.fileno()] for made in (*readable, *writable)]
    polling = select.poll()
    for made in (*reads, *writes):
        polling.register(made, select.POLLIN if made in reads else select.POLLOUT)
    return [attempts[number] for number, _ in polling.poll(math.ceil(seconds * 1000))]


def interleave(addresses: Sequence[SocketAddress]) -> list[SocketAddress]:
    """Alternates the first address family with the others and keeps the order within each (RFC 8305, 4)."""
    first = [each for each in addresses if each[0] == addresses[0][0]]
    others = [each for each in addresses if each[0] != addresses[0][0]]
    return [each for pair in zip_longest(first, others) for each in pair if each is not None]
