import contextlib
import gzip
import select
import socket
import threading
import time
from pathlib import Path

import pytest

from configsvc.model.errors import Unavailable
from configsvc_client._transport.dial import resolve
from configsvc_client._transport.http import Connection
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import parse_url
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import Scripted, Serve, answer_with, run_scripted, take_request

OK = b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 2\r\n\r\nhi"


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def connection_to(server: Scripted) -> Connection:
    return Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})


def test_connection_is_kept_for_the_next_request() -> None:
    with run_scripted(answer_with(OK)) as server:
        connection = connection_to(server)
        first, second = (connection.request("GET", "/", {}, b"", soon()) for _ in range(2))
        connection.close()
    assert first == second == Response(200, {"etag": "x", "content-length": "2"}, b"hi")
    assert server.connections == 1


def test_request_has_only_the_necessary_headers() -> None:
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        seen.append(take_request(connection))
        connection.sendall(OK)

    with run_scripted(serve) as server:
        with contextlib.closing(connection_to(server)) as connection:
            connection.request("GET", "/a/b?c=d", {"x-api-key": "k"}, b"", soon())
            connection.request("POST", "/", {}, b"body", soon())
        port = server.port
    assert seen[0] == f"GET /a/b?c=d HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nx-api-key: k\r\n\r\n".encode()
    assert seen[1].endswith(b"content-length: 4\r\n\r\nbody")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_dead_kept_connection_is_replaced_transparently(how: str, scheme: str, tmp_path: Path) -> None:
    read, gone = threading.Event(), threading.Event()
    tls = make_server_context(tmp_path) if scheme == "https" else None

    def once(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(OK)
        read.wait(30)
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        gone.set()

    with run_scripted(once, answer_with(OK), tls=tls) as server:
        environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        connection = Connection(parse_url(f"{scheme}://localhost:{server.port}"), environ)
        connection.request("GET", "/", {}, b"", soon())
        read.set()
        assert gone.wait(30)
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        connection.close()
    assert server.connections == 2


def test_new_connection_closed_without_response_is_not_retried() -> None:
    def close_without_response(connection: socket.socket) -> None:
        take_request(connection)

    with run_scripted(close_without_response) as server, pytest.raises(Unavailable, match="without a response"):
        connection_to(server).request("GET", "/", {}, b"", soon())
    assert server.connections == 1


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_request_is_not_resent_once_its_response_began(how: str) -> None:
    def half_of_the_second(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(OK)
        take_request(connection)
        connection.sendall(OK[:40])
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with (
        run_scripted(half_of_the_second, answer_with(OK)) as server,
        contextlib.closing(connection_to(server)) as connection,
    ):
        connection.request("GET", "/", {}, b"", soon())
        with pytest.raises(Unavailable):
            connection.request("PUT", "/", {}, b"", soon())
        assert server.connections == 1


def test_connection_close_header_ends_the_connection() -> None:
    with run_scripted(answer_with(OK.replace(b"ETag: x", b"Connection: close"), 1)) as server:
        connection = connection_to(server)
        connection.request("GET", "/", {}, b"", soon())
        connection.request("GET", "/", {}, b"", soon())
    assert server.connections == 2


BROKEN = {
    "truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhi",
    "truncated chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    "no length": b"HTTP/1.1 200 OK\r\n\r\nhi",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "not http": b"SSH-2.0-OpenSSH_9.6\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "two answers": OK + OK,
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
    "headers cut off": b"HTTP/1.1 200 OK\r\nETag",
    "huge": b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000,
    "not gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
    "other encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nhi",
}


def make_gzip_response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


BROKEN["gzip bomb"] = make_gzip_response(gzip.compress(bytes(9_000_000)))
BROKEN["gzip truncated"] = make_gzip_response(gzip.compress(b"hi" * 100)[:-9])
BROKEN["gzip and more"] = make_gzip_response(gzip.compress(b"hi") + b"more")


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_incomplete_invalid_or_oversized_response_is_refused(answer: bytes) -> None:
    with run_scripted(answer_with(answer, 1)) as server, pytest.raises(Unavailable) as caught:
        connection_to(server).request("GET", "/", {}, b"", soon())
    assert caught.value.members["reason"] == "connection"


SOUND = {
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", 200, b"hi"),
    "gzip": (make_gzip_response(gzip.compress(b"hi")), 200, b"hi"),
    "gzip of close_without_response": (make_gzip_response(b""), 200, b""),
    "unchanged": (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304, b""),
    "after an interim": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, b"hi"),
    "elsewhere": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, b""),
}


@pytest.mark.parametrize(("answer", "status", "body"), SOUND.values(), ids=SOUND)
def test_valid_response_is_returned_and_redirects_are_not_followed(answer: bytes, status: int, body: bytes) -> None:
    with run_scripted(answer_with(answer)) as server:
        connection = connection_to(server)
        for _ in range(2):
            response = connection.request("GET", "/", {}, b"", soon())
            assert (response.status, response.body) == (status, body)
        connection.close()
    assert server.connections == 1


def stalls(server_ended: list[Scripted], first: bytes = b"") -> Serve:
    def serve(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(first)
        server_ended[0].ended.wait(30)

    return serve


def drips(server_ended: list[Scripted]) -> Serve:
    def serve(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000:
            connection.sendall(bytes([byte]))
            if server_ended[0].ended.wait(0.01):
                return

    return serve


@pytest.mark.parametrize("how", ["silence", "half an answer", "a slow drip"])
def test_deadline_covers_the_whole_response(how: str) -> None:
    held: list[Scripted] = []
    script = {"silence": stalls(held), "half an answer": stalls(held, OK[:30]), "a slow drip": drips(held)}[how]
    with run_scripted(script) as server:
        held.append(server)
        with pytest.raises(Unavailable, match="in time"):
            connection_to(server).request("GET", "/", {}, b"", soon(0.2))
        server.ended.set()


def test_passed_deadline_opens_no_connection() -> None:
    with run_scripted(answer_with(OK)) as server, pytest.raises(Unavailable, match="in time"):
        connection_to(server).request("GET", "/", {}, b"", soon(-1))
    assert server.connections == 0


def test_refused_connection_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable, match="Connection refused"):
        Connection(parse_url(f"http://127.0.0.1:{port}"), {}).request("GET", "/", {}, b"", soon())


def test_name_resolution_counts_toward_the_deadline() -> None:
    ended = threading.Event()

    def hangs(host: str, port: int) -> list[object]:
        del host, port
        ended.wait(30)
        return []

    with pytest.raises(TimeoutError):
        resolve("name.example", 443, 0.01, hangs)  # type: ignore[arg-type]  # never answers
    ended.set()
    assert resolve("name.example", 443, 20, lambda host, port: [(socket.AF_INET, (host, port))]) == [
        (socket.AF_INET, ("name.example", 443))
    ]


@pytest.mark.parametrize("target", ["/a b", "/a\r\nx: y", "a", "/é"])
def test_target_that_would_break_the_request_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="does not allow"):
        Connection(parse_url("http://127.0.0.1:1"), {}).request("GET", target, {}, b"", soon())


@pytest.mark.parametrize("header", [("a", "b\r\nc: d"), ("a b", "c"), ("", "c"), ("a", "\0")])
def test_header_that_would_break_the_request_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="does not allow"):
        Connection(parse_url("http://127.0.0.1:1"), {}).request("GET", "/", dict([header]), b"", soon())


def test_request_uses_the_connection_opened_ahead() -> None:
    with run_scripted(answer_with(OK)) as server:
        connection = connection_to(server)
        connection.open_ahead(soon())
        assert connection.request("GET", "/", {}, b"", soon()).status == 200
        connection.close()
    assert server.connections == 1


def test_slowly_opened_connection_serves_the_next_request(tmp_path: Path) -> None:
    with run_scripted(answer_with(OK), tls=make_server_context(tmp_path)) as server:
        connection = Connection(
            parse_url(f"https://localhost:{server.port}"), {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        )
        with socket.create_connection(("127.0.0.1", server.port)):  # the server shakes hands with this one first
            connection.open_ahead(soon())
            with pytest.raises(Unavailable, match="in time"):
                connection.request("GET", "/", {}, b"", soon(0.1))
        assert connection.request("GET", "/", {}, b"", soon()).status == 200
        connection.close()
    assert server.connections == 2


def test_while_waiting_runs_once_after_the_request_is_sent() -> None:
    sent, ran = threading.Event(), list[bool]()

    def serve(connection: socket.socket) -> None:
        take_request(connection)
        sent.set()
        connection.sendall(OK)

    with run_scripted(serve) as server, contextlib.closing(connection_to(server)) as connection:
        connection.request("GET", "/", {}, b"", soon(), while_waiting=lambda: ran.append(sent.wait(20)))
    assert ran == [True]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("planted", [OK.replace(b"hi", b"no"), b"H", b"\r\n", b"\x00" * 70_000])
def test_bytes_on_an_idle_connection_do_not_answer_the_next_request(
    planted: bytes, scheme: str, tmp_path: Path
) -> None:
    tls = make_server_context(tmp_path) if scheme == "https" else None
    read, ended = threading.Event(), threading.Event()

    def plants(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(OK)
        read.wait(20)
        connection.sendall(planted)
        ended.wait(20)

    with run_scripted(plants, answer_with(OK), tls=tls) as server:
        environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        connection = Connection(parse_url(f"{scheme}://localhost:{server.port}"), environ)
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        read.set()
        kept = connection._idle[0].socket  # noqa: SLF001  # where the bytes arrive
        assert select.select([kept], [], [], 20)[0]
        ended.set()
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        connection.close()
    assert server.connections == 2


def test_idle_tls_connection_with_only_protocol_messages_is_kept(tmp_path: Path) -> None:
    with run_scripted(answer_with(OK), tls=make_server_context(tmp_path)) as server:
        connection = Connection(
            parse_url(f"https://localhost:{server.port}"), {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        )
        connection.open_ahead(soon())  # session tickets arrive before any response
        for _ in range(3):
            assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        connection.close()
    assert server.connections == 1


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-le", b"\0\1\2\r\n\r\n"])
def test_unreadable_response_is_not_reported_as_unreachable(answer: bytes) -> None:
    with (
        run_scripted(answer_with(answer, 1)) as server,
        pytest.raises(Unavailable, match="sent an unreadable response") as caught,
    ):
        Connection(parse_url(f"http://127.0.0.1:{server.port}"), {}).request("GET", "/", {}, b"", time.monotonic() + 20)
    assert "Error" not in str(caught.value)
