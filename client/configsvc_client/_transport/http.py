"""Lean HTTP/1.1 over one kept connection: no redirects, no cookies, one total deadline, one transparent reconnect.

Sockets and TLS are the standard library's, the parser is llhttp through httptools. `http.client` would cost a cold
start about 8 ms more (docs/DECISIONS.md).
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

_RECEIVE = 64 * 1024
_TOO_IDLE = 408  # load balancers say so on an idle connection, which may cross with a request
_SECONDS = 300.0
_SCATTER = 0.1
_TARGET = re.compile(r"/[!-~]*")
_HEADERS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*(?:\r\n|\Z))*")


class Connection:
    """HTTP/1.1 to one origin over a connection that is opened when first needed and kept.

    Several threads may use it at once: the kept connection is taken out for a request and put back after, and a request
    that finds none opens its own. Nothing here holds a lock, so nothing waits for another thread or for its own.

    Every request that goes through here must be safe to repeat, because it is repeated once when a kept connection
    turns out to be dead, or what came over it to be no answer to the request: reads, KMS calls, and writes that carry
    an Idempotency-Key.

    A name may come to mean other servers, which only a new connection finds out. So one is dropped after its second
    error in a row, and when it is five minutes old, by whichever clock says more: the monotonic one stands still while
    a function is frozen. Under errors that stay, every second request opens a connection.

    Args:
        url: the origin.
        environ: the variables; the process's own when left out.
        clock: monotonic seconds.
        trust: shared with other connections, so that each store is loaded once; its own when left out.
        wall: seconds since the epoch.
        chance: scatters the five minutes by a tenth, so that many connections are not opened again at once.
        fails: whether an answer of that status counts as an error of the server; else it is one about the request.
        find: looks up the addresses of a host; the system's resolver when left out.
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
        self._dialler = Dialer(url, hide_environ(os.environ if environ is None else environ), clock, trust, find)
        self._idle: dict[int, KeptConnection] = {}  # at most one, at 0: put in and taken out in one step each
        self._generation = object()  # another one after each `close`
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
        while_waiting: Callable[[], None] | None = None,
    ) -> Response:
        """One request and its whole answer, whatever its status.

        Args:
            method: upper case.
            target: the path and query, percent-encoded; the URL's own path is not put before it.
            headers: all but Host and Content-Length; what is masked is revealed here.
            body: empty for none; may be masked.
            deadline: monotonic seconds; name resolution, connect and handshake count.
            while_waiting: called once, after the request is sent and before its answer is awaited.

        Raises:
            Misconfigured: the CA certificates that SSL_CERT_FILE names cannot be loaded.
            Unavailable: no whole answer came in time; says what went wrong and nothing of the content.
            ValueError: a header or the target would break the request apart.
        """
        answered = self._tried(self._message(method, target, headers, body), deadline, while_waiting)
        if isinstance(answered, BaseException):
            raise answered  # here: as its context, what failed would bring the frames of TLS, which hold what was sent
        return answered

    def _tried(
        self, message: Secret, deadline: float, while_waiting: Callable[[], None] | None
    ) -> Response | BaseException:
        try:
            kept = self._taken(deadline)
            if kept is not None:
                with contextlib.suppress(DeadConnection, StrayAnswer):
                    response = self._exchange(kept, message, deadline, while_waiting)
                    if response.status != _TOO_IDLE:
                        return response
                while_waiting = None
            return self._exchange(self._opened(deadline, self._generation), message, deadline, while_waiting)
        except (OSError, BadAnswer, DeadConnection) as error:
            from configsvc_client._transport.unreachable import explain_failure

            return explain_failure(self.url, error)

    def open_ahead(self, deadline: float) -> None:
        """Begins to connect, in a thread that ends with that; the next use waits for it. A failure is met then.

        Where no thread can start the next use connects.
        """
        generation = self._generation

        def connect() -> None:
            with contextlib.suppress(Exception):
                self._put_back(self._opened(deadline, generation))

        if not self._idle and not (self._opening and self._opening.is_alive()):
            self._opening = start_thread(connect, "configsvc connect")  # only now: who meets it there may wait for it

    def close(self) -> None:
        """Drops the connection; the next request opens another.

        It does not wait for requests under way, also when it interrupts one on its own thread: each ends by its own
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
        elif kept.generation is not self._generation:  # `close` may have looked before
            self._drop()

    def _taken(self, deadline: float) -> KeptConnection | None:
        """The kept connection, where there is one that may be used.

        Raises:
            TimeoutError: it is still being opened.
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
        return kept.generation is self._generation and kept.is_young(self._now()) and kept.is_idle()

    def _now(self) -> tuple[float, float]:
        return self._clock(), self._wall()

    def _opened(self, deadline: float, generation: object) -> KeptConnection:
        seconds = _SECONDS * (1 + _SCATTER * (2 * self._chance() - 1))
        now = self._now()
        made = self._dialler.open(deadline)
        try:
            return KeptConnection(made, now, seconds, generation)
        except BaseException:  # of a signal handler
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
            keeps = answer.keeps_alive and response.status != _TOO_IDLE
            whole = kept.record_answer(response.status, self._fails) and keeps
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
                data = self._more(source, started=answer.started)
            except OSError as error:
                if isinstance(error, TimeoutError) or not answer.is_too_idle:
                    raise
                from configsvc_client._interrupts import reraise_interrupt

                reraise_interrupt(error)
                data = Secret(b"")  # a reset ends a 408 as well
            if not data.reveal() and not answer.started:
                raise DeadConnection("closed without an answer")
            answer.feed(data.reveal())
        return answer

    @staticmethod
    def _more(source: socket.socket, *, started: bool) -> Secret:
        try:
            return Secret(source.recv(_RECEIVE))
        except OSError as error:
            if started:
                raise
            from configsvc_client._transport.unreachable import classify_break

            failed = classify_break(error)
        raise failed

    def _message(self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret) -> Secret:
        size = len(unmask(body))
        length = [f"content-length: {size}"] if size or method not in ("GET", "HEAD", "DELETE") else []
        head = Secret(
            "\r\n".join((f"host: {self.url.authority}", *map(_format_header, headers, headers.values()), *length))
        )
        lines = 1 + len(headers) + len(length)
        if not _TARGET.fullmatch(target) or not _is_head(head, lines):
            raise ValueError("a target or header with characters that HTTP does not allow")
        head = Secret(f"{method} {target} HTTP/1.1\r\n{head.reveal()}")
        return Secret(f"{head.reveal()}\r\n\r\n".encode("latin-1") + unmask(body))


def _is_head(head: Secret, lines: int) -> bool:
    """Whether it is so many headers, and none of them brings another one along."""
    return _HEADERS.fullmatch(head.reveal()) is not None and head.reveal().count("\r\n") == lines - 1


def _format_header(name: str, value: str | Secret) -> str:
    return f"{name}: {unmask(value)}"
