"""Lean HTTP/1.1 over one kept connection: no redirects, no cookies, one total deadline, one transparent reconnect.

Sockets and TLS are the standard library's, the parser is llhttp through httptools. `http.client` would cost a cold
start about 8 ms more (docs/DECISIONS.md).
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import Unavailable
from configsvc_client._dial import Dialler, left
from configsvc_client._faults import BadAnswer, Dead, NoTunnel
from configsvc_client._hidden import hidden
from configsvc_client._secret import Secret, bare
from configsvc_client._url import Url

if TYPE_CHECKING:
    from configsvc_client._answer import Answer, Response
    from configsvc_client._trust import Trust

_RECEIVE = 64 * 1024
_TARGET = re.compile(r"/[!-~]*")
_HEADERS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*(?:\r\n|\Z))*")


def is_idle(kept: socket.socket) -> bool:
    """Whether nothing has come on a connection since its last answer; else what came would pass for the next one.

    Read, not only looked at: over TLS what came may be a message of the protocol alone, such as a session ticket. What
    comes between this look and the request cannot be told from its answer.
    """
    if not _has_come(kept):
        return True
    kept.settimeout(0)
    try:
        kept.recv(1)
    except BlockingIOError:
        return True
    except OSError as error:
        return type(error).__name__ == "SSLWantReadError"  # `ssl` is not loaded where there is only http
    return False


def _has_come(kept: socket.socket) -> bool:
    """Whether bytes wait, in the system or decrypted by TLS. Asked first: reading nothing over TLS takes longer."""
    pending = getattr(kept, "pending", None)
    if pending is not None and pending():
        return True
    waiting = select.poll()
    waiting.register(kept, select.POLLIN)
    return bool(waiting.poll(0))


class Connection:
    """One HTTP/1.1 connection to one origin, opened when first needed and kept. One thread at a time uses it.

    Every request that goes through here must be safe to repeat, because it is repeated once when a kept connection
    turns out to be dead: reads, KMS calls, and writes that carry an Idempotency-Key.

    Args:
        url: the origin.
        environ: the variables; the process's own when left out.
        clock: monotonic seconds.
        trust: shared with other connections, so that each store is loaded once; its own when left out.
    """

    def __init__(
        self,
        url: Url,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        trust: Trust | None = None,
    ) -> None:
        self.url = url
        self._clock = clock
        self._dialler = Dialler(url, hidden(os.environ if environ is None else environ), clock, trust)
        self._socket: socket.socket | None = None
        self._opening: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"Connection({self.url.origin})"

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str | Secret],
        body: bytes | Secret,
        deadline: float,
        *,
        meanwhile: Callable[[], None] | None = None,
    ) -> Response:
        """One request and its whole answer, whatever its status.

        Args:
            method: upper case.
            target: the path and query, percent-encoded; the URL's own path is not put before it.
            headers: all but Host and Content-Length; what is masked is revealed here.
            body: empty for none; may be masked.
            deadline: monotonic seconds; name resolution, connect and handshake count.
            meanwhile: done once, after the request is sent and before its answer is awaited.

        Raises:
            Misconfigured: the CA certificates that SSL_CERT_FILE names cannot be loaded.
            Unavailable: no whole answer came in time; says what went wrong and nothing of the content.
            ValueError: a header or the target would break the request apart.
        """
        answered = self._tried(self._message(method, target, headers, body), deadline, meanwhile)
        if isinstance(answered, Unavailable):
            raise answered  # here: as its context, what failed would bring the frames of TLS, which hold what was sent
        return answered

    def _tried(self, message: Secret, deadline: float, meanwhile: Callable[[], None] | None) -> Response | Unavailable:
        try:
            self._settle(deadline)
            if self._socket is not None and not is_idle(self._socket):
                self.close()
            kept = self._socket is not None
            try:
                return self._exchange(message, deadline, meanwhile)
            except Dead:
                if not kept:
                    raise
                return self._exchange(message, deadline, None)
        except (OSError, BadAnswer, Dead) as error:
            return self._failed(error)

    def open_ahead(self, deadline: float) -> None:
        """Begins to connect, in a thread that ends with that; the next use waits for it. A failure is met then."""

        def connect() -> None:
            with contextlib.suppress(Exception):
                self._socket = self._dialler.open(deadline)

        if self._socket is None and not (self._opening and self._opening.is_alive()):
            self._opening = threading.Thread(target=connect, daemon=True)
            self._opening.start()

    def close(self) -> None:
        """Drops the connection; the next request opens another."""
        self._settle()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _settle(self, deadline: float | None = None) -> None:
        """Waits for what is being opened ahead, to its own deadline or to an earlier one.

        Raises:
            TimeoutError: it is still being opened.
        """
        if self._opening is not None:
            self._opening.join(None if deadline is None else left(deadline, self._clock))
            if self._opening.is_alive():
                raise TimeoutError("still being opened")
            self._opening = None

    def _exchange(self, message: Secret, deadline: float, meanwhile: Callable[[], None] | None) -> Response:
        whole = False
        try:
            self._socket = self._socket or self._dialler.open(deadline)
            self._send(self._socket, message, deadline)
            if meanwhile:
                meanwhile()
            answer = self._receive(self._socket, deadline)
            response = answer.response()
            whole = answer.keeps_alive
            return response
        finally:
            if not whole:
                self.close()

    def _send(self, to: socket.socket, message: Secret, deadline: float) -> None:
        """What fails, but for time, is a dead connection: over TLS a reset is an SSLError and no ConnectionError."""
        sent, size = 0, len(message.reveal())
        try:
            while sent < size:
                to.settimeout(left(deadline, self._clock))
                sent += to.send(memoryview(message.reveal())[sent:])
        except TimeoutError:
            raise
        except OSError as error:
            raise Dead(_why(error)) from None

    def _receive(self, source: socket.socket, deadline: float) -> Answer:
        from configsvc_client._answer import Answer

        answer = Answer()
        while not answer.complete:
            source.settimeout(left(deadline, self._clock))
            data = self._more(source, started=answer.started)
            if not data.reveal() and not answer.started:
                raise Dead("closed without an answer")
            answer.feed(data.reveal())
        return answer

    @staticmethod
    def _more(source: socket.socket, *, started: bool) -> Secret:
        try:
            return Secret(source.recv(_RECEIVE))
        except OSError as error:
            if started or isinstance(error, TimeoutError):
                raise
            raise Dead(_why(error)) from None

    def _message(self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret) -> Secret:
        size = len(bare(body))
        length = [f"content-length: {size}"] if size or method not in ("GET", "HEAD", "DELETE") else []
        head = Secret("\r\n".join((f"host: {self.url.authority}", *map(_line, headers, headers.values()), *length)))
        lines = 1 + len(headers) + len(length)
        if not _TARGET.fullmatch(target) or not _is_head(head, lines):
            raise ValueError("a target or header with characters that HTTP does not allow")
        head = Secret(f"{method} {target} HTTP/1.1\r\n{head.reveal()}")
        return Secret(f"{head.reveal()}\r\n\r\n".encode("latin-1") + bare(body))

    def _failed(self, error: Exception) -> Unavailable:
        if isinstance(error, BadAnswer) and not isinstance(error, NoTunnel):
            return Unavailable(f"{self.url.origin} gave no answer that can be read: {error}.", reason="connection")
        if isinstance(error, TimeoutError):
            return Unavailable(f"{self.url.origin} did not answer in time.", reason="deadline")
        if type(error).__name__ == "SSLCertVerificationError":
            return Unavailable(
                f"The certificate of {self.url.host} does not verify. If a CA of your own signs it, set SSL_CERT_FILE.",
                reason="certificate",
            )
        return Unavailable(f"{self.url.origin} could not be reached ({_why(error)}).", reason="connection")


def _why(error: Exception) -> str:
    """The system's words for it, such as Connection refused; those of OpenSSL are a name and a line of its source."""
    if isinstance(error, (BadAnswer, Dead)):
        return str(error)
    words = "" if type(error).__name__.startswith("SSL") else getattr(error, "strerror", None)
    return str(words or type(error).__name__)


def _is_head(head: Secret, lines: int) -> bool:
    """Whether it is so many headers, and none of them brings another one along."""
    return _HEADERS.fullmatch(head.reveal()) is not None and head.reveal().count("\r\n") == lines - 1


def _line(name: str, value: str | Secret) -> str:
    return f"{name}: {bare(value)}"
