"""An upstream that answers what it received, with the number of connections it got."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from local.network.server import Handler, LoopbackServer


class EchoServer(LoopbackServer):
    def __init__(self, port: int = 0) -> None:
        super().__init__(_Echo, port)
        self.connections = 0
        self.close_after_answer = False


class _Echo(Handler):
    server: EchoServer

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def answer(self) -> None:
        seen = {
            "method": self.command,
            "target": self.path,
            "headers": self.headers.items(),
            "body": self.body().decode("latin-1"),
        }
        content = b"" if self.path == "/304" else json.dumps(seen).encode()
        self.send_response_only(304 if self.path == "/304" else 200)
        self.send_header("ETag", '"42-9f3c"')
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        if content:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = self.server.close_after_answer


@contextmanager
def echo_server() -> Iterator[EchoServer]:
    server = EchoServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
