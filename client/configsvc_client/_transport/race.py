"""Several addresses of one host, tried beside each other until one answers (RFC 8305, without an event loop).

Loaded only when the first address did not answer at once. An attempt is a generator: it yields what it waits for, and
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
"""Wraps a connected socket in TLS, whose handshake is still to be made."""

Attempt = Generator[tuple[socket.socket, bool], None, socket.socket]
"""Yields its socket, and whether it waits for bytes (else for being connected); returns it when it is ready for use."""


def start_connect(address: SocketAddress, secure: Secure | None) -> Attempt:
    """From the beginning."""
    made = make_quiet_class(socket.socket)(address[0], socket.SOCK_STREAM)
    try:
        made.setblocking(False)  # noqa: FBT003  # by settimeout(0), eventlet's would wait
        code = made.connect_ex(address[1])
        _check(0 if code in (EINPROGRESS, EWOULDBLOCK) else code)
    except BaseException:
        made.close()
        raise
    return (yield from finish_connect(made, secure))


def finish_connect(made: socket.socket, secure: Secure | None) -> Attempt:
    """From where the connect is under way."""
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
    """From where the TLS handshake is under way, or to be begun."""
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
    """None when it is done, else whether it waits for bytes."""
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
    """Attempts beside each other: the next begins after a pause, or at once when one fails.

    Args:
        others: the attempts to begin, in this order.
        left: seconds until the deadline; raises TimeoutError beyond it.
        pause: seconds between two beginnings.
        patience: how many of the seconds left one that is connected may shake hands before the next begins.
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
        self._next = math.inf  # begins when no more seconds than these are left
        self._failed: OSError | None = None

    def run(self, begun: Attempt | None, failed: OSError | None) -> socket.socket:
        """The socket of the first that succeeds; the others' are closed.

        Args:
            begun: under way already.
            failed: why there is none.

        Raises:
            OSError: all failed: one that was refused says so, else the last; or the deadline passed (TimeoutError).
        """
        self._failed = failed
        try:
            made = self._step(begun) if begun else None
            while made is None:
                made = self._turn()
            return made
        finally:
            for each in (*self._running, *self._others):
                each.close()

    def _turn(self) -> socket.socket | None:
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
            if type(error).__name__ == "SSLCertVerificationError":  # so would the others'
                raise
            reraise_interrupt(error)
            self._note(error)
            return None
        self._running[attempt] = waits
        if waits[1] and not shook:
            self._next = self._left() - self._patience(self._left())
        return None

    def _note(self, error: OSError) -> None:
        self._next = math.inf
        if not isinstance(self._failed, ConnectionError):
            self._failed = error


def wait_until_ready(waiting: dict[Attempt, tuple[socket.socket, bool]], seconds: float) -> list[Attempt]:
    """Those whose socket is ready, after so many seconds at most."""
    attempts = {made.fileno(): attempt for attempt, (made, _) in waiting.items()}
    reads = [made for made, reads in waiting.values() if reads]
    writes = [made for made, reads in waiting.values() if not reads]
    seconds = max(seconds, 0.0)
    if not hasattr(select, "poll"):  # eventlet takes it away
        readable, writable, _ = select.select(reads, writes, [], seconds)
        return [attempts[made.fileno()] for made in (*readable, *writable)]
    polling = select.poll()
    for made in (*reads, *writes):
        polling.register(made, select.POLLIN if made in reads else select.POLLOUT)
    return [attempts[number] for number, _ in polling.poll(math.ceil(seconds * 1000))]


def interleave(addresses: Sequence[SocketAddress]) -> list[SocketAddress]:
    """In turns of one family and the others; the order within each stays (RFC 8305, 4)."""
    first = [each for each in addresses if each[0] == addresses[0][0]]
    others = [each for each in addresses if each[0] != addresses[0][0]]
    return [each for pair in zip_longest(first, others) for each in pair if each is not None]
