"""A minimal HTTP/1.1 server on loopback, so that the client is what is measured."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from local.network.server import Handler, LoopbackServer


class Asked(NamedTuple):
    """A request as it came, header names in lower case, and its size on the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    size: int


class Told(NamedTuple):
    """The answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def message(self) -> bytes:
        """As it is sent; a 304 has no length (RFC 9110, 8.6)."""
        headers = dict(self.headers)
        if self.status != 304:  # noqa: PLR2004  # Not Modified
            headers["content-length"] = str(len(self.body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} -\r\n{lines}\r\n".encode() + self.body


Answering = Callable[[Asked], bytes]


@contextmanager
def serve(answering: Answering, tls: ssl.SSLContext | None) -> Iterator[str]:
    """Its URL while it serves. Handshakes happen on the connection's own thread."""

    class Lean(Handler):
        def handle_one_request(self) -> None:
            try:
                self.answer()
            except OSError:  # the other side is done with us
                self.close_connection = True

        def answer(self) -> None:
            line = self.rfile.readline()
            self.close_connection = not line
            if line:
                self.wfile.write(answering(self._asked(line)))

        def _asked(self, line: bytes) -> Asked:
            size, headers = len(line), dict[str, str]()
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
                size += len(header)
            body = self.rfile.read(int(headers.get("content-length", 0)))
            method, path, _ = line.decode("latin-1").split()
            return Asked(method, path, headers, body, size + 2 + len(body))

    server = LoopbackServer(Lean)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.start()
    try:
        yield f"{'https' if tls else 'http'}://localhost:{server.port}"
    finally:
        server.stop()
