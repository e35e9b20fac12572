"""Responses that no request asked for, and that cross with a request."""

import contextlib
import gzip
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from configsvc.model.errors import Unavailable
from configsvc.model.snapshot import render
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url
from tests.support.client.certificates import make_server_context
from tests.support.client.sealing import NS, make_plain_entry, make_snapshot
from tests.support.client.stub_servers import answer_with, run_scripted, take_request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
TOO_IDLE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def crossing(said: bytes) -> Callable[[socket.socket], None]:
    """Answers the first request, and in place of an answer to the second says something else and closes."""

    def serve(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(OK)
        take_request(connection)
        connection.sendall(said)

    return serve


CROSSING = {
    "a 408": TOO_IDLE,
    "a 408 that would be kept": TOO_IDLE.replace(b"Connection: close\r\n", b""),
    "a 408 and an answer": TOO_IDLE.replace(b"Connection: close\r\n", b"") + OK,
    "a 408 that ends with the connection": b"HTTP/1.0 408 Request Time-out\r\nCache-Control: no-cache\r\n"
    b"Connection: close\r\nContent-Type: text/html\r\n\r\n<html><body><h1>408 Request Time-out</h1></body></html>\n",
    "an answer too many": OK + OK,
    "no http": b"\0\1\2\r\n\r\n",
    "half of a head, and no http": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n",
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("said", CROSSING.values(), ids=CROSSING)
def test_a_response_that_crosses_with_a_request_costs_only_a_reconnect(
    said: bytes, scheme: str, tmp_path: Path
) -> None:
    tls = make_server_context(tmp_path) if scheme == "https" else None
    with run_scripted(crossing(said), answer_with(OK), tls=tls) as server:
        environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        with contextlib.closing(Connection(parse_url(f"{scheme}://localhost:{server.port}"), environ)) as connection:
            for _ in range(3):
                assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("said", "times"),
    [
        (TOO_IDLE.replace(b"Connection: close\r\n", b""), 2),
        (CROSSING["a 408 that ends with the connection"], 1),
        (b"HTTP/1.1 408 Request Timeout\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nhi", 1),
    ],
    ids=["kept", "ends with the connection", "cut short"],
)
def test_a_408_on_a_new_connection_is_an_answer_that_drops_it(said: bytes, times: int) -> None:
    with (
        run_scripted(answer_with(said, times)) as server,
        contextlib.closing(Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})) as connection,
    ):
        assert [connection.request("GET", "/", {}, b"", soon()).status for _ in range(2)] == [408, 408]
    assert server.connections == 2


def test_a_reset_after_a_408_costs_another_connection_and_no_error() -> None:
    """A balancer that has closed answers further bytes with a reset, which arrives before the end of the 408."""

    def resets(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(OK)
        take_request(connection)
        connection.sendall(CROSSING["a 408 that ends with the connection"])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with (
        run_scripted(resets, answer_with(OK)) as server,
        contextlib.closing(Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})) as connection,
    ):
        assert [connection.request("GET", "/", {}, b"", soon()).body for _ in range(3)] == [b"hi"] * 3
    assert server.connections == 2


def test_after_a_304_that_answers_no_condition_the_connection_is_dropped() -> None:
    late = as_answer(make_snapshot([make_plain_entry("p", "1")], revision=4))

    def stray(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(as_answer(make_snapshot([make_plain_entry("p", "1")], revision=3)))
        take_request(connection)
        connection.sendall(UNCHANGED.replace(b"x", b'"other"'))
        take_request(connection)
        connection.sendall(late)

    with (
        run_scripted(stray, answer_with(as_answer(make_snapshot([make_plain_entry("p", "1")], revision=5)))) as server,
        contextlib.closing(Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})) as connection,
    ):
        gateway = ApiGateway(connection, "k" * 40)
        assert [each.etag for each in gateway.fetch({NS: None}, soon()).values() if isinstance(each, FetchedSnapshot)]
        with pytest.raises(Unavailable, match="304 for an ETag we did not send"):
            gateway.fetch({NS: '"3-0a1b"'}, soon())
        assert [
            each.etag for each in gateway.fetch({NS: None}, soon()).values() if isinstance(each, FetchedSnapshot)
        ] == ['"5-0a1b"']
    assert server.connections == 2


def as_answer(served: FetchedSnapshot) -> bytes:
    body = render(served.sealed).encode()
    head = f"Content-Type: application/json\r\nETag: {served.etag}\r\nContent-Length: {len(body)}\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\n" + head.encode() + body


@pytest.mark.parametrize("said", [OK + OK, b"\0\r\n\r\n"], ids=["two answers", "no http"])
def test_on_a_new_connection_what_is_no_answer_is_refused(said: bytes) -> None:
    with (
        run_scripted(answer_with(said, 1)) as server,
        contextlib.closing(Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})) as connection,
        pytest.raises(Unavailable, match="sent an unreadable response"),
    ):
        connection.request("GET", "/", {}, b"", soon())
    assert server.connections == 1


def test_an_answer_cut_short_or_too_large_is_not_retried() -> None:
    bomb = gzip.compress(bytes(9_000_000))
    large = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(bomb), bomb)
    for said in (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhi", large):
        with (
            run_scripted(crossing(said), answer_with(OK)) as server,
            contextlib.closing(Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})) as connection,
        ):
            connection.request("GET", "/", {}, b"", soon())
            with pytest.raises(Unavailable):
                connection.request("GET", "/", {}, b"", soon())
        assert server.connections == 1
