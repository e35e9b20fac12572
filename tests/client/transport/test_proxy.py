import contextlib
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._secret import unmask
from configsvc_client._transport.http import Connection
from configsvc_client._transport.proxy import find_proxy
from configsvc_client._transport.url import parse_url
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import Serve, answer_with, run_scripted, take_request

API = parse_url("https://abc.execute-api.eu-central-1.amazonaws.com/prod")
PROXY = "http://proxy.example:3128"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_https_uses_the_proxy_and_http_to_loopback_does_not(name: str) -> None:
    found = find_proxy(API, {name: PROXY})
    assert found == ("proxy.example", 3128, None)
    assert find_proxy(parse_url("http://127.0.0.1:8080"), {name: PROXY}) is None
    assert find_proxy(API, {}) is None


@pytest.mark.parametrize(
    ("names", "excepted"),
    [
        ("*", True),
        ("amazonaws.com", True),
        (".amazonaws.com", True),
        ("*.amazonaws.com", True),
        ("other.example, .EU-central-1.amazonaws.com", True),
        ("abc.execute-api.eu-central-1.amazonaws.com:443", True),
        ("amazonaws.com:8443", False),
        ("naws.com", False),
        ("", False),
        (",", False),
    ],
)
def test_no_proxy_excepts_hosts_and_domains(names: str, excepted: bool) -> None:  # noqa: FBT001  # a table
    assert (find_proxy(API, {"HTTPS_PROXY": PROXY, "NO_PROXY": names}) is None) is excepted


@pytest.mark.parametrize("host", ["api.example", "api.example."])
@pytest.mark.parametrize("names", ["api.example", "api.example.", "example.", ".example.", "api.example.:443"])
def test_no_proxy_ignores_trailing_dots(host: str, names: str) -> None:
    assert find_proxy(parse_url(f"https://{host}/"), {"HTTPS_PROXY": PROXY, "NO_PROXY": names}) is None


@pytest.mark.parametrize(
    "text", ["https://proxy:1", "socks5://proxy:1", "http://:canary@proxy", "proxy", "http://proxy:0"]
)
def test_unsupported_proxy_is_refused_without_showing_its_password(text: str) -> None:
    with pytest.raises(Misconfigured, match="HTTPS_PROXY") as caught:
        find_proxy(API, {"HTTPS_PROXY": text})
    assert "canary" not in str(caught.value)


def test_proxy_credentials_are_sent_and_not_shown() -> None:
    found = find_proxy(API, {"HTTPS_PROXY": "http://us%65r:can%3Aary@proxy:1"})
    assert found is not None
    assert unmask(found.authorization) == "Basic dXNlcjpjYW46YXJ5"
    assert "ary" not in repr(found)
    assert b"proxy-authorization: Basic dXNlcjpjYW46YXJ5\r\n\r\n" in found.build_connect_request(API).reveal()


def tunnel_to(to: int, seen: list[bytes]) -> Serve:
    """A proxy that records each CONNECT request and always connects to the same local port."""

    def serve(connection: socket.socket) -> None:
        seen.append(take_request(connection))
        with socket.create_connection(("127.0.0.1", to)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\nProxy-Agent: x\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, connection), daemon=True)
            back.start()
            pump(connection, onward)
            back.join(30)

    return serve


def pump(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


def test_tls_through_a_proxy_is_end_to_end_and_the_proxy_resolves(tmp_path: Path) -> None:
    seen: list[bytes] = []
    tls: ssl.SSLContext = make_server_context(tmp_path, "api.example")
    with run_scripted(answer_with(OK), tls=tls) as server, run_scripted(tunnel_to(server.port, seen)) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        connection = Connection(parse_url("https://api.example/prod"), environ)
        first, second = (connection.request("GET", "/", {}, b"", time.monotonic() + 20).body for _ in range(2))
        connection.close()
        assert (first, second, proxy.connections) == (b"hi", b"hi", 1)
    assert seen == [b"CONNECT api.example:443 HTTP/1.1\r\nhost: api.example:443\r\n\r\n"]


def test_refusing_proxy_is_reported_on_first_use_only() -> None:
    with run_scripted(answer_with(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 1)) as proxy:
        connection = Connection(API, {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
        connection.open_ahead(time.monotonic() + 20)  # an exception in its thread is a warning, which fails this test
        with pytest.raises(Unavailable, match="the proxy answered 403"):
            connection.request("GET", "/", {}, b"", time.monotonic() + 20)
    assert proxy.connections == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "the proxy answered 407"),
        (b"SSH-2.0\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\n", "no complete response"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 9000, "no complete response"),
    ],
)
def test_refusal_by_a_proxy_is_reported(answer: bytes, reason: str) -> None:
    with run_scripted(answer_with(answer, 1)) as proxy, pytest.raises(Unavailable, match=reason):
        Connection(API, {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}).request(
            "GET", "/", {}, b"", time.monotonic() + 20
        )
