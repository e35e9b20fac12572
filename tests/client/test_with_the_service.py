"""Config against the service behind the loopback gateway: what a poll weighs, and several namespaces at once."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from configsvc_client import Config
from tests.support.admin.loopback import Loopback, loopback

OWN_HEADERS = ("date", "server", "connection", "x-amz", "content-length")
"""Headers that API Gateway adds, and the tests' HTTP server in its place."""


@pytest.fixture
def running() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def test_an_unchanged_polls_answer_is_at_most_300_bytes(running: Loopback) -> None:
    running.namespace("payments.prod")
    url = urlsplit(running.url)
    path = f"{url.path}/v1/namespaces/payments.prod/snapshot"
    lines = [f"GET {path} HTTP/1.1", f"host: {url.netloc}", "x-api-key: value-of-reader", "accept-encoding: gzip"]
    with socket.create_connection((str(url.hostname), int(url.port or 0)), 30) as connection:
        etag = answer(connection, lines)["etag"]
        unchanged = answer(connection, [*lines, f"if-none-match: {etag}"])
    assert unchanged.pop("") == "HTTP/1.1 304 Not Modified"
    own = {name: value for name, value in unchanged.items() if not name.startswith(OWN_HEADERS)}
    sent = ["HTTP/1.1 304 Not Modified", *(f"{name}: {value}" for name, value in own.items())]
    assert len("\r\n".join(sent)) + len("\r\n\r\n") <= 300


def answer(connection: socket.socket, lines: list[str]) -> dict[str, str]:
    """The headers of an answer, the status line under no name."""
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.decode().partition("\r\n\r\n")
    first, *rest = head.split("\r\n")
    headers = {"": first, **{line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in rest}}
    left = int(headers.get("content-length", 0)) - len(body.encode())
    while left > 0:
        left -= len(connection.recv(65536))
    return headers


def test_several_namespaces_are_one_request_whether_new_changed_or_unchanged(running: Loopback) -> None:
    admin = running.admin("owner")
    names = ("payments.prod", "shared.prod", "third.prod")
    for name in names:
        running.namespace(name)
        admin.values.put(name, "at", name)
    running.requests.clear()
    environ = {"AWS_ENDPOINT_URL_KMS": running.kms.url, "AWS_REGION": "us-east-1", **KEYS}
    config = Config(
        *names, url=running.url, api_key="value-of-reader", kms_keys="*", environ=environ,
        start_seconds=20, refresh_seconds=20,
    )  # fmt: skip
    with contextlib.closing(config):
        assert config["at"] == "payments.prod"
        assert config.refresh() is False
        admin.values.put("shared.prod", "other", "changed")
        running.requests.clear()
        assert config.refresh() is True
        assert (config["other"], config["at"]) == ("changed", "payments.prod")
        assert running.requests == ["GET /v1/snapshots"]
        assert config.revisions["shared.prod"] > config.revisions["third.prod"]


KEYS = {"AWS_ACCESS_KEY_ID": "AKIAREADER", "AWS_SECRET_ACCESS_KEY": "secret-of-reader"}
