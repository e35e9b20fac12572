"""A loopback reverse proxy that counts what passes: the proof of 1 request and 1 KMS call, not by the client.

It changes nothing that matters to either side: method, target, headers (`Host` word for word, because SigV4 signs
it) and body go through as they came, and connections are kept alive on both sides. HTTP/1.1 without TLS.
"""

import http.client
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from http import HTTPMethod, HTTPStatus
from select import select
from threading import Lock
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from local.network.server import Handler, LoopbackServer

# RFC 9110, 7.6.1: these belong to one connection and are never forwarded.
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
_NO_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
_UPSTREAM_SECONDS = 60.0

Counts = dict[tuple[str, str], int]
Headers = list[tuple[str, str]]


class Tally:
    """Counts by upstream and operation; safe to use from many threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def add(self, upstream: str, operation: str) -> None:
        """One more request."""
        with self._lock:
            self._counts[upstream, operation] += 1

    def read(self, *, reset: bool) -> Counts:
        """The counts so far; `reset` also restarts counting without losing a request."""
        with self._lock:
            counts = dict(self._counts)
            if reset:
                self._counts.clear()
            return counts


def operation(method: str, target: str, amz_target: str | None) -> str:
    """Name a request for counting: `Decrypt` by X-Amz-Target, else `GET /v1/health` without the query."""
    return amz_target.rpartition(".")[2] if amz_target else f"{method} {urlsplit(target).path}"


class CountingProxy:
    """One listening port per upstream; listens from the start, forwards as a context manager.

    Args:
        upstreams: base URL by the name that it is counted under; only scheme, host and port are used.
        ports: ports to listen on by the same names; a free one where left out.
    """

    def __init__(self, upstreams: Mapping[str, str], ports: Mapping[str, int] | None = None) -> None:
        self._upstreams = dict(upstreams)
        self._ports = dict(ports or {})
        self._tally = Tally()
        self._servers: dict[str, _Server] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises PortBusy."""
        with ExitStack() as opening:
            for name, url in self._upstreams.items():
                server = _Server(name, urlsplit(url).netloc, self._tally, self._ports.get(name, 0))
                server.start()
                opening.callback(server.stop)
                self._servers[name] = server
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def url(self, upstream: str) -> str:
        """The URL to use instead of the upstream's."""
        return self._servers[upstream].url

    @property
    def counts(self) -> Counts:
        """Requests by (upstream, operation) since the start or the last reset."""
        return self._tally.read(reset=False)

    def reset(self) -> Counts:
        """Restart counting; return the counts so far."""
        return self._tally.read(reset=True)


class _Server(LoopbackServer):
    def __init__(self, name: str, netloc: str, tally: Tally, port: int) -> None:
        super().__init__(_Forwarder, port)
        self.name, self.netloc, self.tally = name, netloc, tally


class _Forwarder(Handler):
    """One client connection, with its own upstream connection."""

    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.netloc, timeout=_UPSTREAM_SECONDS)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def answer(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        amz_target = self.headers.get("X-Amz-Target")
        self.server.tally.add(self.server.name, operation(self.command, self.path, amz_target))
        try:
            answer = self._ask(self.body())
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._upstream.close()
            self.send_error(HTTPStatus.BAD_GATEWAY, explain=f"{self.server.name} did not answer: {error!r}")
            return
        self._pass_on(answer, content)

    def _ask(self, body: bytes) -> http.client.HTTPResponse:
        kept = self._upstream.sock
        if kept and select([kept], [], [], 0)[0]:  # an idle connection has news: it was closed
            self._upstream.close()
        self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in _end_to_end(self.headers.items()):
            self._upstream.putheader(name, value)
        self._upstream.endheaders(body or None)
        return self._upstream.getresponse()

    def _pass_on(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status, answer.reason)
        headers = _end_to_end(answer.getheaders())
        for name, value in headers:
            self.send_header(name, value)
        told = any(name.lower() == "content-length" for name, _ in headers)
        if not told and answer.status not in _NO_BODY and self.command != HTTPMethod.HEAD:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
