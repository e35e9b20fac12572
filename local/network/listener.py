"""A server of an attacker: it records every byte that is sent to it, and answers nothing of use."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import NamedTuple

_ANSWER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Listener(NamedTuple):
    """Where it listens; `connections` counts, `received` holds what came."""

    url: str
    connections: list[object]
    received: list[bytes]


@contextmanager
def listen() -> Iterator[Listener]:
    """A listener on loopback until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Listener(f"http://127.0.0.1:{server.getsockname()[1]}/api", [], [])
        thread = Thread(target=_serve, args=(server, made), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _serve(server: socket.socket, made: Listener) -> None:
    while True:
        try:
            connection, address = server.accept()
        except OSError:  # shut down
            return
        made.connections.append(address)
        with connection, suppress(OSError):
            connection.settimeout(1)
            made.received.append(connection.recv(65536))
            connection.sendall(_ANSWER)
