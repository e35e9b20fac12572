"""The answer of a proxy to CONNECT: 2xx opens the tunnel, anything else is said. llhttp parses it (httptools)."""

from __future__ import annotations

import socket
from collections.abc import Callable

from httptools import HttpParserError, HttpResponseParser

from configsvc_client._kept import NoTunnel
from configsvc_client._secret import Secret

_HEAD_BYTES = 16 * 1024
_END = b"\r\n\r\n"
_SUCCESS = range(200, 300)


class _Head:
    """What llhttp is told to call: nothing but the status is of interest."""


def open_tunnel(to: socket.socket, request: Secret, left: Callable[[], float]) -> None:
    """Asks a proxy for a tunnel on a connected socket.

    Args:
        to: connected to the proxy.
        request: the whole CONNECT request.
        left: seconds until the deadline; raises TimeoutError beyond it.

    Raises:
        OSError: the connection ended, or the deadline passed (TimeoutError).
        NoTunnel: the proxy refused, or what it said is no answer.
    """
    to.settimeout(left())
    to.sendall(request.reveal())
    head = b""
    while _END not in head:
        to.settimeout(left())
        data = to.recv(_HEAD_BYTES)
        if not data or len(head) + len(data) > _HEAD_BYTES:
            raise NoTunnel("the proxy gave no whole answer")
        head += data
    parser = HttpResponseParser(_Head())
    try:
        parser.feed_data(head.partition(_END)[0] + _END)
    except HttpParserError:
        raise NoTunnel("the proxy's answer is malformed") from None
    if parser.get_status_code() not in _SUCCESS or not head.endswith(_END):
        raise NoTunnel(f"the proxy answered {parser.get_status_code()}")
