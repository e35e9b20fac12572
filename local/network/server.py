"""A threaded HTTP/1.1 server on loopback that stops at once, connections that are kept alive included."""

import socket
import socketserver
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread, current_thread
from typing import Any

from local.network.loopback import LOOPBACK, claim_port

_JOIN_SECONDS = 2.0


class LoopbackServer(ThreadingHTTPServer):
    """Listens once made; start() begins to answer, stop() ends every connection. Raises PortBusy.

    Args:
        handler: created for each connection.
        port: 0 takes a free one; `port` then has it.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type["Handler"], port: int = 0) -> None:
        self._live: dict[Thread, socket.socket] = {}
        self._lock = Lock()
        self._serving: Thread | None = None
        super().__init__((LOOPBACK, claim_port(port)), handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def live(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._live)

    def start(self) -> None:
        """Start answering, on a separate thread."""
        self._serving = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._serving.start()

    def stop(self) -> None:
        """Stops listening, ends every connection and waits for their threads (2 s each at most)."""
        if self._serving:  # else shutdown() would wait for ever
            self.shutdown()
        self.server_close()
        with self._lock:
            live = dict(self._live)
        for connection in live.values():
            with suppress(OSError):  # the other side was faster
                connection.shutdown(socket.SHUT_RDWR)
        for thread in live:
            thread.join(_JOIN_SECONDS)

    def server_bind(self) -> None:
        """As the base class, without its look-up of our name, which can ask the network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.port

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- as the base class
        """One connection, from its first request to its end."""
        with self._lock:
            self._live[current_thread()] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._live[current_thread()]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- as the base class
        """Ignore a client that went away; report anything else as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler, ABC):
    """HTTP/1.1 with keep-alive, silent, without the delays of Nagle's algorithm; every method goes to answer()."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
        """Silent: nothing of a request belongs on the terminal."""

    def body(self) -> bytes:
        """The request's body, by its Content-Length."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    @abstractmethod
    def answer(self) -> None:
        """Answers one request; to be written by each server."""

    def _any(self) -> None:
        self.answer()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _any  # noqa: N815 -- the base class's names
    do_TRACE = do_QUERY = _any  # noqa: N815 -- the base class's names
