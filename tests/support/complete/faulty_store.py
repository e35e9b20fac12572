"""A proxy in front of DynamoDB that forwards, or stays silent, drips, breaks off or resets."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable
from http.client import HTTPConnection
from typing import Literal
from urllib.parse import urlsplit

from local.network.server import Handler, LoopbackServer

Fault = Literal["silent", "drips", "half", "resets", "committed, then silent"]

_DRIP_SECONDS = 0.05
_LINGER = struct.pack("ii", 1, 0)


class FaultyStore(LoopbackServer):
    """Forwards to a table. The configured operations fail in one way.

    Args:
        upstream: the table's URL.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__(_Between)
        self.netloc = urlsplit(upstream).netloc
        self.fault: Fault | None = None
        self.operations: frozenset[str] = frozenset()
        self.hit = 0
        self.let_go = threading.Event()

    def breaks(self, fault: Fault, operations: Iterable[str]) -> None:
        """Makes these operations fail."""
        self.let_go.clear()
        self.fault, self.operations, self.hit = fault, frozenset(operations), 0

    def works(self) -> None:
        """Stops all failures and releases blocked calls."""
        self.operations = frozenset()
        self.let_go.set()


class _Between(Handler):
    server: FaultyStore

    def answer(self) -> None:
        content = self.body()
        operation = (self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
        if operation not in self.server.operations:
            self._forward(content)
            return
        self.server.hit += 1
        self.close_connection = True
        if self.server.fault == "committed, then silent":
            self._asked(content)
        getattr(self, f"_{(self.server.fault or '').rpartition(' ')[2]}")()

    def _silent(self) -> None:
        self.server.let_go.wait(30)

    def _drips(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not self.server.let_go.wait(_DRIP_SECONDS):
            self.wfile.write(b"x")

    def _half(self) -> None:
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Item": {')

    def _resets(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)

    def _asked(self, content: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = HTTPConnection(self.server.netloc, timeout=30)
        try:
            upstream.request(self.command, self.path, content, dict(self.headers.items()))
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _forward(self, content: bytes) -> None:
        status, headers, answer = self._asked(content)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
