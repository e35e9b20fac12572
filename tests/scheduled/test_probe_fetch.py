"""The probe against real servers on loopback: wrong certificates, and servers that are not the API."""

from __future__ import annotations

import contextlib
import gzip
import json
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from configsvc.scheduled.probe import Report, describe, list_metrics
from configsvc.scheduled.probe_checks import BODY_BYTES
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import Serve, answer_with, run_scripted, take_request
from tests.support.scheduled.probing import KEY, make_http, make_snapshot, probe

HEALTHY = make_http(json.dumps(make_snapshot()).encode())
SHORT = 0.5
BOUND = 5.0
"""Seconds that a run with the deadline SHORT may take on a busy machine. Without a deadline they never end."""


def drip_on(connection: socket.socket, text: bytes) -> None:
    """Sends the text every 50 ms until the other side closes."""
    with contextlib.suppress(OSError):
        while not select.select([connection], [], [], 0.05)[0]:
            connection.sendall(text)


def drip_head(connection: socket.socket) -> None:
    take_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-filler: ")
    drip_on(connection, b"a")


def drip_body(connection: socket.socket) -> None:
    take_request(connection)
    connection.sendall(make_http(b"", {"content-length": "1000"}))
    drip_on(connection, b" ")


def fall_silent(connection: socket.socket) -> None:
    take_request(connection)
    connection.recv(1)


def hang_up(connection: socket.socket) -> None:
    take_request(connection)


def flood(connection: socket.socket) -> None:
    """Ten times the largest body, in chunks."""
    take_request(connection)
    head = make_http(b"", {"transfer-encoding": "chunked"}).replace(b"content-length: 0\r\n", b"")
    with contextlib.suppress(OSError):
        connection.sendall(head)
        for _ in range(10):
            connection.sendall(f"{BODY_BYTES:x}\r\n".encode() + b"x" * BODY_BYTES + b"\r\n")


def hundreds(connection: socket.socket) -> None:
    take_request(connection)
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def echo_key(connection: socket.socket) -> None:
    """Sends the request back wherever a response has room for text."""
    key = KEY.encode()
    take_request(connection)
    connection.sendall(b"HTTP/1.1 200 " + key + b"\r\ncontent-type: " + key + b"\r\netag: " + key + b"\r\n\r\n" + key)


BOMB = gzip.compress(b"0" * 50_000_000)
HTML = b"<!doctype html><title>Parked</title>"

HOSTILE: dict[str, tuple[Serve, str]] = {
    "slow drip of the head": (drip_head, "timeout"),
    "slow drip of the body": (drip_body, "timeout"),
    "silence": (fall_silent, "timeout"),
    "endless 100": (hundreds, "timeout"),
    "body that never ends": (flood, "too_large"),
    "length beyond the cap": (answer_with(make_http(b"x" * (BODY_BYTES + 1))), "too_large"),
    "redirect": (answer_with(make_http(b"", {"location": "https://example.com/"}, "302 Found")), "status"),
    "HTML": (answer_with(make_http(HTML, {"content-type": "text/html"})), "content_type"),
    "HTML as JSON": (answer_with(make_http(HTML)), "shape"),
    "another namespace": (
        answer_with(make_http(json.dumps(make_snapshot(namespace="payments.prod")).encode())),
        "namespace",
    ),
    "gzip bomb": (answer_with(make_http(BOMB, {"content-encoding": "gzip"})), "content_type"),
    "closes at once": (lambda _: None, "connect"),
    "closes after the request": (hang_up, "connect"),
    "ends early": (answer_with(HEALTHY[:-5], 1), "http"),
    "ends early in a chunk": (
        answer_with(make_http(b"ff\r\nx", {"transfer-encoding": "chunked"}).replace(b"content-length: 5\r\n", b""), 1),
        "http",
    ),
    "not HTTP": (answer_with(b"SSH-2.0-OpenSSH_9.6\r\n", 1), "http"),
    "line too long": (answer_with(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000, 1), "http"),
    "headers without end": (answer_with(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, 1), "http"),
    "echo of the key": (echo_key, "content_type"),
}


def run_against(serve: Serve) -> tuple[Report, float]:
    with run_scripted(serve) as server:
        began = time.monotonic()
        report = probe(f"http://127.0.0.1:{server.port}", seconds=SHORT)
        return report, time.monotonic() - began


@pytest.mark.parametrize("name", HOSTILE)
def test_a_server_that_is_not_the_api_fails_within_the_deadline(name: str) -> None:
    serve, code = HOSTILE[name]

    report, seconds = run_against(serve)

    assert report.code == code
    assert list_metrics(report)["ProbeFailed"] == (1, "Count")
    assert seconds < BOUND
    assert KEY not in json.dumps(describe(report))


def test_a_healthy_server_passes_and_each_run_connects_again() -> None:
    with run_scripted(answer_with(HEALTHY)) as server:
        reports = [probe(f"http://127.0.0.1:{server.port}/base") for _ in range(2)]

        assert [report.code for report in reports] == [None, None]
        assert server.connections == 2


def test_a_redirect_is_not_followed() -> None:
    with run_scripted(answer_with(HEALTHY)) as other:
        moved = make_http(b"", {"location": f"http://127.0.0.1:{other.port}/"}, "307 Temporary Redirect")

        report, _ = run_against(answer_with(moved))

        assert (report.code, other.connections) == ("status", 0)


def test_a_chunked_snapshot_is_read() -> None:
    body = json.dumps(make_snapshot()).encode()
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    head = make_http(b"", {"transfer-encoding": "chunked"}).replace(b"content-length: 0\r\n", b"")

    assert run_against(answer_with(head + chunked))[0].code is None


def test_the_request_is_that_of_a_consumer() -> None:
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        heard.append(take_request(connection))
        connection.sendall(HEALTHY)

    with run_scripted(listen) as server:
        probe(f"http://127.0.0.1:{server.port}/prod/")

    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "GET /prod/v1/namespaces/configsvc.probe/snapshot HTTP/1.1"
    assert {f"Host: 127.0.0.1:{server.port}", f"x-api-key: {KEY}", "Accept-Encoding: identity"} <= set(lines)


def test_a_port_that_nobody_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert probe(f"http://127.0.0.1:{port}").code == "connect"


def test_a_name_that_does_not_exist_is_not_resolved() -> None:
    assert probe("https://configsvc-probe.invalid").code == "dns"  # RFC 6761, 6.4: never exists


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes OpenSSL trust the CA of this folder, and no other."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    return lambda folder: monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))


def run_over_tls(folder: Path, host: str = "localhost", days: float = 90) -> Report:
    with run_scripted(answer_with(HEALTHY), tls=make_server_context(folder, host, days)) as server:
        return probe(f"https://localhost:{server.port}")


def test_a_certificate_that_is_right_passes_with_its_days(tmp_path: Path, trust: Callable[[Path], None]) -> None:
    trust(tmp_path)

    report = run_over_tls(tmp_path)

    assert report.code is None
    assert report.certificate_days is not None


def test_a_certificate_of_an_unknown_authority_fails(tmp_path: Path, trust: Callable[[Path], None]) -> None:
    del trust

    report = run_over_tls(tmp_path)

    assert (report.code, report.certificate_days) == ("tls", None)


@pytest.mark.parametrize(
    ("host", "days", "words"), [("api.example.com", 90, "Hostname mismatch"), ("localhost", -1, "has expired")]
)
def test_a_wrong_certificate_fails_and_is_described(
    tmp_path: Path, trust: Callable[[Path], None], host: str, days: float, words: str
) -> None:
    trust(tmp_path)

    report = run_over_tls(tmp_path, host, days)

    assert report.code == "tls"
    assert words in (report.detail or "")


def test_a_server_without_tls_fails_the_handshake() -> None:
    with run_scripted(answer_with(HEALTHY)) as server:
        report = probe(f"https://localhost:{server.port}", seconds=SHORT)

    assert report.code in ("tls", "timeout")


def test_the_key_is_not_sent_before_the_certificate_is_verified(tmp_path: Path, trust: Callable[[Path], None]) -> None:
    del trust
    heard: list[bytes] = []

    with run_scripted(
        lambda connection: heard.append(take_request(connection)), tls=make_server_context(tmp_path)
    ) as it:
        probe(f"https://localhost:{it.port}")

    assert not heard or heard == [b""]
