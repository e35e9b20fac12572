"""Servers in place of DynamoDB that stay silent, drip or break off: every call ends by its deadline.

Without the limit on the whole exchange, dripping servers would block forever.
"""

from __future__ import annotations

import socket
import struct
import threading
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.dynamo_client import connect
from configsvc.adapters.dynamo_credentials import renew_credentials
from configsvc.adapters.dynamo_http import HttpExchange, get_seconds_left
from configsvc.adapters.system import Aside, SystemClock
from configsvc.service.engine import records
from configsvc.service.engine.ports import StoreUnavailable, Write
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import Scripted, Serve, answer_with, run_scripted, take_request
from tests.support.contracts.samples import NS, make_head
from tests.support.journeys.waiting import until

pytestmark = pytest.mark.timeout(60)

SECONDS = 1.2
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


def stay_silent(connection: socket.socket) -> None:
    """Reads a request and does nothing until the client disconnects."""
    take_request(connection)
    connection.recv(1)


def read_nothing(connection: socket.socket) -> None:
    """Reads nothing; over TLS not even the handshake."""
    threading.Event().wait(SECONDS / 4)
    while connection.recv(65536):
        pass


def drip(head: bytes) -> Serve:
    """Starts a response and sends it byte by byte forever, so that no single wait is long."""

    def serve(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(head)
        while True:
            connection.sendall(b"x")
            threading.Event().wait(0.02)

    return serve


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


SERVERS = {
    "silent": stay_silent,
    "drips a head": drip(b"HTTP/1.1 200 OK\r\nX-Drip: "),
    "drips a body": drip(LONG),
    "resets": reset,
    "breaks off": answer_with(LONG, 1),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    given = {"DEFAULT_REGION": "eu-central-1", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return monkeypatch


def reach_table(environment: pytest.MonkeyPatch, server: Scripted, ca: Path | None = None) -> DynamoRepository:
    """The table behind the server, through the product's own client."""
    if ca:
        environment.setenv("AWS_CA_BUNDLE", str(ca))
    environment.setenv("AWS_ENDPOINT_URL", f"{'https' if ca else 'http'}://localhost:{server.port}")
    repository = DynamoRepository(connect(), "table")
    return repository.within(SystemClock().monotonic() + SECONDS)


@pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)
def test_s51_a_read_ends_with_its_deadline(environment: pytest.MonkeyPatch, serve: Serve) -> None:
    with run_scripted(serve) as server:
        with pytest.raises(StoreUnavailable):
            reach_table(environment, server).get([records.head(NS)])
        assert server.connections >= 1


@pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)
def test_s51_a_commit_over_tls_ends_with_its_deadline_as_unknown(
    environment: pytest.MonkeyPatch, tmp_path: Path, serve: Serve
) -> None:
    with run_scripted(serve, tls=make_server_context(tmp_path)) as server:
        with pytest.raises(StoreUnavailable, match="may or may not have happened"):
            reach_table(environment, server, tmp_path / "ca.pem").commit([Write(make_head(2), 1)])
        assert server.connections >= 1


@pytest.mark.parametrize("body", [b"", b'{"It', b'{"Item": {"pk'], ids=["nothing", "a little", "the item's key"])
def test_s51_a_truncated_response_is_retried_and_no_missing_record(
    environment: pytest.MonkeyPatch, body: bytes
) -> None:
    with run_scripted(answer_with(LONG + body, 1), answer_with(EMPTY, 1)) as server:
        assert reach_table(environment, server).get([records.head(NS)]) == {}
        assert server.connections == 2


def test_s51_a_response_with_a_wrong_checksum_is_retried(environment: pytest.MonkeyPatch) -> None:
    damaged = EMPTY.replace(b"\r\n\r\n", b"\r\nx-amz-crc32: 1\r\n\r\n")
    right = EMPTY.replace(b"\r\n\r\n", b"\r\nx-amz-crc32: %d\r\n\r\n" % zlib.crc32(b"{}"))
    answers, requests = iter([damaged, right]), list[bytes]()

    def serve(connection: socket.socket) -> None:
        for answer in answers:
            requests.append(take_request(connection))
            connection.sendall(answer)

    with run_scripted(serve) as server:
        assert reach_table(environment, server).get([records.head(NS)]) == {}
    assert len([request for request in requests if request]) == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_connections_are_reused_and_broken_ones_replaced(
    environment: pytest.MonkeyPatch, tmp_path: Path, scheme: str
) -> None:
    tls, ca = (make_server_context(tmp_path), tmp_path / "ca.pem") if scheme == "https" else (None, None)
    with run_scripted(reset, answer_with(EMPTY, 5), tls=tls) as server:
        repository = reach_table(environment, server, ca)
        for _ in range(5):
            assert repository.get([records.head(NS)]) == {}
        assert server.connections == 2


def test_s51_a_server_that_ignores_the_tls_handshake_blocks_nobody(environment: pytest.MonkeyPatch) -> None:
    with run_scripted(read_nothing) as server:
        environment.setenv("AWS_ENDPOINT_URL", f"https://localhost:{server.port}")
        repository = DynamoRepository(connect(), "table").within(SystemClock().monotonic() + SECONDS)
        with pytest.raises(StoreUnavailable):
            repository.get([records.head(NS)])
        assert server.connections >= 1


def test_a_name_that_does_not_resolve_is_given_up(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid:1")
    repository = DynamoRepository(connect(), "table").within(SystemClock().monotonic() + SECONDS)
    with pytest.raises(StoreUnavailable):
        repository.get([records.head(NS)])


class Provider:
    """Provides credentials for this many seconds; from the second call on, only after it is released."""

    def __init__(self, lasting: float) -> None:
        self.lasting = lasting
        self.let_go = threading.Event()

    def __call__(self) -> dict[str, Any]:
        self.let_go.wait(30)
        return self.given()

    def given(self) -> dict[str, Any]:
        expires = datetime.now(UTC) + timedelta(seconds=self.lasting)
        return {"access_key": "a", "secret_key": "s", "token": "t", "expiry_time": expires.isoformat()}


def test_s51_a_silent_credential_provider_delays_a_call_only_until_its_deadline() -> None:
    provider = Provider(lasting=60)
    credentials = RefreshableCredentials.create_from_metadata(provider.given(), provider, "test")
    renewal = Aside(credentials.get_frozen_credentials, kept=False)
    threads = threading.active_count()
    for _ in range(5):
        with HttpExchange(0.05), pytest.raises(TimeoutError):
            renew_credentials(credentials, renewal)
    assert threading.active_count() <= threads + 1
    provider.lasting = 3600
    provider.let_go.set()
    with HttpExchange(30):
        renew_credentials(credentials, renewal)
    assert not credentials.refresh_needed()


def test_credentials_still_valid_are_used_while_the_provider_is_silent() -> None:
    provider = Provider(lasting=800)
    credentials = RefreshableCredentials.create_from_metadata(provider.given(), provider, "test")
    renewal = Aside(credentials.get_frozen_credentials, kept=False)
    for _ in range(2):  # the second does not wait for the first
        with HttpExchange(0.1):
            renew_credentials(credentials, renewal)
            assert get_seconds_left() > 0
    assert credentials.refresh_needed()
    provider.let_go.set()


def test_a_call_aside_is_made_once_and_outlasts_impatient_callers() -> None:
    let_go, made = threading.Event(), list[int]()

    def make() -> list[int]:
        let_go.wait(30)
        made.append(1)
        return made

    aside = Aside(make)
    with pytest.raises(TimeoutError):
        aside.result(0.01)
    let_go.set()
    assert aside.result(30) is aside.result(0) is made
    assert made == [1]


def test_a_failed_call_aside_is_raised_and_started_again() -> None:
    outcomes = [ValueError("first"), ValueError("second")]

    def make() -> str:
        if outcomes:
            raise outcomes.pop(0)
        return "made"

    aside = Aside(make)
    for text in ("first", "second"):
        with pytest.raises(ValueError, match=text):
            aside.result(30)
    assert aside.result(30) == "made"


def test_a_failure_without_callers_is_not_raised_later() -> None:
    let_go, tries = threading.Event(), list[int]()

    def make() -> str:
        tries.append(1)
        if len(tries) > 1:
            return "made"
        let_go.wait(30)
        raise ValueError

    aside = Aside(make)
    with pytest.raises(TimeoutError):
        aside.result(0)
    let_go.set()
    until(lambda: not aside.under_way())
    assert aside.result(30) == "made"


def test_a_timeout_has_the_previous_failure_as_its_cause() -> None:
    let_go, faults = threading.Event(), [ValueError("first")]

    def make() -> None:
        if faults:
            raise faults.pop()
        let_go.wait(30)

    aside = Aside(make)
    with pytest.raises(ValueError, match="first"):
        aside.result(30)
    with pytest.raises(TimeoutError) as late:
        aside.result(0)
    assert isinstance(late.value.__cause__, ValueError)
    let_go.set()


def test_a_call_that_is_not_kept_is_made_again() -> None:
    made = list[int]()
    aside = Aside(lambda: made.append(1), kept=False)
    aside.result(30)
    aside.result(30)
    assert made == [1, 1]


WITHOUT_SENSE = [b'{"Item": {"pk', b"<html>Sign in</html>", b"[]", b'"x"', b"7", b"null", b"\xff{}", b'{"Item": 7}']


@pytest.mark.parametrize("body", WITHOUT_SENSE)
def test_a_complete_response_that_is_not_dynamodbs_is_retried(environment: pytest.MonkeyPatch, body: bytes) -> None:
    """Without a checksum, as from a proxy that responds instead."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with run_scripted(answer_with(whole, 1), answer_with(EMPTY, 1)) as server:
        assert reach_table(environment, server).get([records.head(NS)]) == {}
        assert server.connections == 2


@pytest.mark.parametrize("body", [b'{"Ite', b"", b"[]"])
def test_a_foreign_response_does_not_confirm_a_commit(environment: pytest.MonkeyPatch, body: bytes) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with run_scripted(answer_with(whole, 1), answer_with(EMPTY, 1)) as server:
        reach_table(environment, server).commit([Write(make_head(2), 1)])
        assert server.connections == 2
