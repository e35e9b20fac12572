"""Servers on loopback: one that sends exactly what a test scripts, and HTTP stubs that count requests."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Serve = Callable[[socket.socket], None]
Answer = tuple[int, dict[str, str], bytes]


class Scripted:
    """Serves one connection at a time, each with the next script; the last script repeats."""

    def __init__(self, *scripts: Serve, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts)
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.connections = 0
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self.ended.is_set():
            try:
                made, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            with contextlib.suppress(OSError), self._secure(made) as connection:
                script(connection)

    def _secure(self, made: socket.socket) -> socket.socket:
        try:
            return self._tls.wrap_socket(made, server_side=True) if self._tls else made
        except OSError:
            made.close()
            raise

    def close(self) -> None:
        self.ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(30)


@contextlib.contextmanager
def run_scripted(*scripts: Serve, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    server = Scripted(*scripts, tls=tls)
    try:
        yield server
    finally:
        server.close()


def take_request(connection: socket.socket) -> bytes:
    """Reads the next request with its body; empty if the other side closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65536)
        if not data:
            return b""
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer_with(answer: bytes, times: int = 10**6) -> Serve:
    """Returns a script that answers that many requests on a connection with the same bytes, then closes."""

    def serve(connection: socket.socket) -> None:
        for _ in range(times):
            if not take_request(connection):
                return
            connection.sendall(answer)

    return serve


class Stub:
    """An HTTP server that answers with a function and counts requests and connections."""

    def __init__(
        self, answer: Callable[[str, str, dict[str, str], bytes], Answer], tls: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                stub.connections += 1
                super().setup()

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = (self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                stub.requests.append(asked)
                status, headers, text = answer(*asked)
                self.send_response_only(status)
                for name, value in {**headers, "content-length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # http.server looks up these names

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket.listen(128)  # more than its 5: beyond the backlog, Linux delays a connect by a second
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if tls else 'http'}://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)


@contextlib.contextmanager
def run_stub(
    answer: Callable[[str, str, dict[str, str], bytes], Answer], tls: ssl.SSLContext | None = None
) -> Iterator[Stub]:
    server = Stub(answer, tls)
    try:
        yield server
    finally:
        server.close()


def make_json_answer(status: int, members: object, **headers: str) -> Answer:
    kind = "application/json" if status < 400 else "application/problem+json"
    return status, {"content-type": kind, **headers}, json.dumps(members).encode()
