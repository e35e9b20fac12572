"""A small HTTP/1.1 client over one keep-alive connection: one total deadline, one transparent reconnect.

It follows no redirects and keeps no cookies. Sockets and TLS are the standard library's; the parser is llhttp through
httptools. `http.client` would add about 8 ms to a cold start (docs/DECISIONS.md).
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc_client._process import start_thread
from configsvc_client._secret import Secret, hide_environ, unmask
from configsvc_client._transport.dial import Dialer, get_seconds_left
from configsvc_client._transport.keep_alive import BadAnswer, DeadConnection, KeptConnection, StrayAnswer, is_error
from configsvc_client._transport.url import Url

if TYPE_CHECKING:
    import threading

    from configsvc_client._transport.dial import LookUpHost
    from configsvc_client._transport.response import AnswerParser, Response
    from configsvc_client._transport.trust import Trust

    _Asked = tuple[str, str, Mapping[str, str | Secret], bytes | Secret]

_RECEIVE = 64 * 1024
_TOO_IDLE = 408  # load balancers send it on an idle connection, and it may cross with a request
_SECONDS = 300.0
_SCATTER = 0.1
_HEADERS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*(?:\r\n|\Z))*")


class Connection:
    """HTTP/1.1 to one origin over a keep-alive connection, opened on first use.

    Several threads may use it at once: a request takes the kept connection out and puts it back afterwards, and a
    request that finds none opens another. There is no lock, so no thread waits for another or for itself.

    Every request must be safe to repeat: reads, KMS calls, and writes with an Idempotency-Key. A request is repeated
    once if the kept connection turns out to be dead, or if the bytes received do not answer the request.

    A name may later point to other servers, which only a new connection discovers. So a connection is dropped after
    two errors in a row, and when it is five minutes old by either clock: the monotonic clock stops while a function is
    frozen. While errors continue, every second request opens a connection.

    Args:
        url: the origin.
        environ: the environment variables; those of the process by default.
        clock: returns monotonic seconds.
        trust: shared with other connections so that each store is loaded once; its own by default.
        wall: returns seconds since the epoch.
        chance: jitters the five minutes by a tenth, so that many connections are not reopened at once.
        fails: whether a status counts as an error of the server rather than of the request.
        find: looks up the addresses of a host; the system's resolver by default.
    """

    def __init__(  # noqa: PLR0917  # most are for tests
        self,
        url: Url,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        trust: Trust | None = None,
        wall: Callable[[], float] = time.time,
        chance: Callable[[], float] = lambda: 0.5,
        fails: Callable[[int], bool] = is_error,
        find: LookUpHost | None = None,
    ) -> None:
        self.url = url
        self._clock, self._wall, self._chance, self._fails = clock, wall, chance, fails
        self._dialer = Dialer(url, hide_environ(os.environ if environ is None else environ), clock, trust, find)
        self._idle: dict[int, KeptConnection] = {}  # at most one, at key 0, so that adding and removing are atomic
        self._generation = object()  # replaced by each `close`
        self._opening: threading.Thread | None = None
        self._polled: tuple[_Asked, Secret] | None = None  # the last request without a body, and its message

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
        while_waiting: Callable[[], None] | None = None,
    ) -> Response:
        """Sends one request and returns the complete response, whatever its status.

        Args:
            method: in upper case.
            target: the percent-encoded path and query; the URL's own path is not prepended.
            headers: all but Host and Content-Length; masked values are revealed here.
            body: empty for none; may be masked.
            deadline: in monotonic seconds; includes name resolution, connect and handshake.
            while_waiting: called once, after the request is sent and before its answer is awaited.

        Raises:
            Misconfigured: the CA certificates that SSL_CERT_FILE names cannot be loaded.
            Unavailable: no complete response in time; the error says why and shows no content.
            ValueError: a header or the target would break the request.
        """
        answered = self._try_twice(self._get_message((method, target, headers, body)), deadline, while_waiting)
        if isinstance(answered, BaseException):
            raise answered  # outside the `except`: its context would hold TLS frames with the sent bytes
        return answered

    def _try_twice(
        self, message: Secret, deadline: float, while_waiting: Callable[[], None] | None
    ) -> Response | BaseException:
        try:
            kept = self._take_kept(deadline)
            if kept is not None:
                response = self._exchange_if_alive(kept, message, deadline, while_waiting)
                if response is not None:
                    return response
                while_waiting = None
            return self._exchange(self._open(deadline, self._generation), message, deadline, while_waiting)
        except (OSError, BadAnswer, DeadConnection) as error:
            from configsvc_client._transport.unreachable import explain_failure

            return explain_failure(self.url, error)

    def _exchange_if_alive(
        self, kept: KeptConnection, message: Secret, deadline: float, while_waiting: Callable[[], None] | None
    ) -> Response | None:
        """Exchanges over a kept connection; returns None if that turns out to be dead."""
        try:
            response = self._exchange(kept, message, deadline, while_waiting)
        except (DeadConnection, StrayAnswer):
            return None
        return None if response.status == _TOO_IDLE else response

    def open_ahead(self, deadline: float) -> None:
        """Starts connecting in a short-lived thread. The next request waits for it and reports its failure.

        If no thread can start, the next request connects.
        """
        generation = self._generation

        def connect() -> None:
            with contextlib.suppress(Exception):
                self._put_back(self._open(deadline, generation))

        if not self._idle and not (self._opening and self._opening.is_alive()):
            self._opening = start_thread(connect, "configsvc connect")  # set last: whoever sees it may wait for it

    def close(self) -> None:
        """Closes the connection; the next request opens another.

        It does not wait for running requests, even if it interrupts one on its own thread. Each ends by its own
        deadline, and its connection is not kept.
        """
        self._generation, self._opening = object(), None
        self._drop()

    def _drop(self) -> None:
        kept = self._idle.pop(0, None)
        if kept is not None:
            kept.close()

    def _put_back(self, kept: KeptConnection) -> None:
        if self._idle.setdefault(0, kept) is not kept:
            kept.close()
        elif kept.generation is not self._generation:  # `close` may have run just before
            self._drop()

    def _take_kept(self, deadline: float) -> KeptConnection | None:
        """Takes out the kept connection; None if there is none or it must not be used again.

        Raises:
            TimeoutError: the connection is still being opened.
        """
        ahead = self._opening
        if ahead is not None:
            ahead.join(get_seconds_left(deadline, self._clock))
            if ahead.is_alive():
                raise TimeoutError("still being opened")
            self._opening = None
        kept = self._idle.pop(0, None)
        if kept is None or self._may_be_used(kept):
            return kept
        kept.close()
        return None

    def _may_be_used(self, kept: KeptConnection) -> bool:
        return kept.generation is self._generation and kept.is_young(self._read_clocks()) and kept.is_idle()

    def _read_clocks(self) -> tuple[float, float]:
        return self._clock(), self._wall()

    def _open(self, deadline: float, generation: object) -> KeptConnection:
        seconds = _SECONDS * (1 + _SCATTER * (2 * self._chance() - 1))
        now = self._read_clocks()
        made = self._dialer.open(deadline)
        try:
            return KeptConnection(made, now, seconds, generation)
        except BaseException:  # raised by a signal handler
            made.close()
            raise

    def _exchange(
        self, kept: KeptConnection, message: Secret, deadline: float, while_waiting: Callable[[], None] | None
    ) -> Response:
        whole = False
        try:
            self._send(kept.socket, message, deadline)
            if while_waiting:
                while_waiting()
            answer = self._receive(kept.socket, deadline)
            response = answer.build_response()
            status = response.status
            keeps = answer.keeps_alive and status != _TOO_IDLE
            whole = kept.record_answer(status, self._fails) and keeps
            return response
        finally:
            if whole:
                self._put_back(kept)
            else:
                kept.close()

    def _send(self, to: socket.socket, message: Secret, deadline: float) -> None:
        sent, size = 0, len(message.reveal())
        try:
            while sent < size:
                to.settimeout(get_seconds_left(deadline, self._clock))
                sent += to.send(memoryview(message.reveal())[sent:])
        except OSError as error:
            from configsvc_client._transport.unreachable import classify_break

            failed = classify_break(error)
        else:
            return
        raise failed

    def _receive(self, source: socket.socket, deadline: float) -> AnswerParser:
        from configsvc_client._transport.response import AnswerParser

        answer = AnswerParser()
        while not answer.complete:
            source.settimeout(get_seconds_left(deadline, self._clock))
            try:
                data = self._receive_more(source, started=answer.started)
            except OSError as error:
                if isinstance(error, TimeoutError) or not answer.is_too_idle:
                    raise
                from configsvc_client._interrupts import reraise_interrupt

                reraise_interrupt(error)
                data = Secret(b"")  # a reset also ends a 408
            if not data.reveal() and not answer.started:
                raise DeadConnection("closed without a response")
            answer.feed(data.reveal())
        return answer

    @staticmethod
    def _receive_more(source: socket.socket, *, started: bool) -> Secret:
        try:
            return Secret(source.recv(_RECEIVE))
        except OSError as error:
            if started:
                raise
            from configsvc_client._transport.unreachable import classify_break

            failed = classify_break(error)
        raise failed

    def _get_message(self, asked: _Asked) -> Secret:
        """Returns the bytes of a request. Polls repeat one request, so the last one without a body is kept."""
        polled = self._polled
        if polled is not None and polled[0] == asked:
            return polled[1]
        method, target, headers, body = asked
        made = self._build_message(method, target, headers, body)
        if not body:
            self._polled = (method, target, dict(headers), body), made
        return made

    def _build_message(
        self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret
    ) -> Secret:
        size = len(unmask(body))
        length = [f"content-length: {size}"] if size or method not in ("GET", "HEAD", "DELETE") else []
        head = Secret(
            "\r\n".join((f"host: {self.url.authority}", *map(_format_header, headers, headers.values()), *length))
        )
        lines = 1 + len(headers) + len(length)
        if not _is_target(target) or not _is_head(head, lines):
            raise ValueError("a target or header with characters that HTTP does not allow")
        head = Secret(f"{method} {target} HTTP/1.1\r\n{head.reveal()}")
        return Secret(f"{head.reveal()}\r\n\r\n".encode("latin-1") + unmask(body))


def _is_target(target: str) -> bool:
    """Whether a target is a path of visible ASCII, which cannot end the request line."""
    return target.startswith("/") and target.isascii() and target.isprintable() and " " not in target


def _is_head(head: Secret, lines: int) -> bool:
    """Whether the text is exactly that many headers, with none smuggled in."""
    return _HEADERS.fullmatch(head.reveal()) is not None and head.reveal().count("\r\n") == lines - 1


def _format_header(name: str, value: str | Secret) -> str:
    return f"{name}: {unmask(value)}"
