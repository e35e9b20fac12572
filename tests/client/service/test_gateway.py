import json
import socket
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from configsvc.model import errors
from configsvc.model.names import Namespace
from configsvc.model.snapshot import render
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._service.gateway import USER_AGENT, ApiGateway
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url
from tests.support.client.sealing import NS, seal_values
from tests.support.client.stub_servers import Answer, Stub, make_json_answer, run_scripted, run_stub, take_request

SERVED = seal_values({"a": "1"}, revision=7)


def snapshot_or_unchanged(_: str, path: str, headers: dict[str, str], __: bytes) -> Answer:
    assert path == "/prod/v1/namespaces/payments.prod/snapshot"
    if headers.get("if-none-match") == SERVED.etag:
        return 304, {"etag": SERVED.etag}, b""
    return 200, {"content-type": "application/json", "etag": SERVED.etag}, render(SERVED.sealed).encode()


def fetch(
    server: Stub, known: dict[Namespace, str | None]
) -> Mapping[Namespace, FetchedSnapshot | errors.ConfigsvcError]:
    connection = Connection(parse_url(f"{server.url}/prod"), {})
    try:
        return ApiGateway(connection, "key-1").fetch(known, time.monotonic() + 20)
    finally:
        connection.close()


def test_a_snapshot_is_one_unsigned_get_with_the_api_key() -> None:
    with run_stub(snapshot_or_unchanged) as server:
        assert fetch(server, {NS: None}) == {NS: SERVED}
    ((method, path, headers, body),) = server.requests
    assert (method, path, body) == ("GET", "/prod/v1/namespaces/payments.prod/snapshot", b"")
    assert set(headers) == {"host", "x-api-key", "accept-encoding", "user-agent"}
    assert headers["x-api-key"] == "key-1"


def test_the_user_agent_names_the_client_and_its_version() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    name, _, version = USER_AGENT.partition("/")
    assert (name, version) == ("configsvc-client", project["project"]["version"])


def test_a_polls_request_is_under_300_bytes_on_aws() -> None:
    sent: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        sent.append(take_request(connection))
        connection.sendall(b'HTTP/1.1 304 Not Modified\r\nETag: "1234-0123456789abcdef"\r\nConnection: close\r\n\r\n')

    with run_scripted(serve) as server:
        gateway = ApiGateway(Connection(parse_url(f"http://127.0.0.1:{server.port}/prod"), {}), "k" * 40)
        assert gateway.fetch({NS: '"1234-0123456789abcdef"'}, time.monotonic() + 20) == {}
    host = b"abcdefghij.execute-api.ap-southeast-1.amazonaws.com"
    assert len(sent[0].replace(b"127.0.0.1:%d" % server.port, host)) <= 300


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (make_json_answer(403, {"message": "Forbidden"}), errors.Forbidden),
        (make_json_answer(404, {"code": "not_found", "detail": "none such"}), errors.NotFound),
        (make_json_answer(429, {"message": "Too Many Requests"}), errors.Throttled),
        (make_json_answer(500, {}), errors.Internal),
        ((502, {}, b"<html>bad gateway"), errors.Unavailable),
        ((302, {"location": "http://127.0.0.1:1"}, b""), errors.ConfigsvcError),
        ((304, {}, b""), errors.Unavailable),
        ((200, {"etag": '"1-a"'}, b"<html>a captive portal"), errors.Unavailable),
        ((200, {"etag": '"1-a"'}, b"[" * 100_000), errors.Unavailable),
        ((200, {}, render(SERVED.sealed).encode()), errors.Unavailable),
        (make_json_answer(200, {"namespace": "payments.prod"}, etag='"1-a"'), errors.Unavailable),
    ],
)
def test_anything_but_a_sound_snapshot_is_an_error_of_ours(answer: Answer, error: type[errors.ConfigsvcError]) -> None:
    with run_stub(lambda *_: answer) as server, pytest.raises(error):
        fetch(server, {NS: None})


def test_what_is_unchanged_is_left_out() -> None:
    with run_stub(snapshot_or_unchanged) as server:
        assert fetch(server, {NS: SERVED.etag}) == {}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("7", 7), (" 7 ", 7), ("007", 7), ("0", 0), ("9" * 10, 999_999_999), ("9" * 5000, 999_999_999),
        ("-1", None), ("1.5", None), ("soon", None), ("", None),
    ],
)  # fmt: skip
def test_what_retry_after_says_in_seconds_goes_with_the_error(header: str, said: int | None) -> None:
    answer = make_json_answer(429, {"message": "Too Many Requests", "retry_after": 10**9}, **{"retry-after": header})
    with run_stub(lambda *_: answer) as server, pytest.raises(errors.Throttled) as caught:
        fetch(server, {NS: None})
    assert caught.value.members.get("retry_after") == said


def test_unchanged_since_something_else_than_what_is_held_is_an_error() -> None:
    with run_stub(lambda *_: (304, {"etag": '"6-old"'}, b"")) as server, pytest.raises(errors.Unavailable):
        fetch(server, {NS: SERVED.etag})


def test_members_that_are_not_known_yet_are_passed_over() -> None:
    later = {**json.loads(render(SERVED.sealed)), "signature": "x"}
    with run_stub(lambda *_: make_json_answer(200, later, etag=SERVED.etag)) as server:
        assert fetch(server, {NS: None}) == {NS: SERVED}


@pytest.mark.parametrize(
    "etag",
    [
        '"7-' + "a" * 60_000 + '"', '"7-' + "a" * 33 + '"', '"7-0a 1b"', '"7-0a,1b"', "7-0a1b", '"8-0a1b"', '"-0a1b"',
        '"7"', '"99999999999999999-0a"', '"\u0667-0a1b"', "", '"', '"7-"',
    ],
)  # fmt: skip
def test_an_etag_that_is_not_the_service_s_is_never_kept(etag: str) -> None:
    answer = make_json_answer(200, json.loads(render(SERVED.sealed)), etag=etag.encode().decode("latin-1"))
    with (
        run_stub(lambda *_: answer) as server,
        pytest.raises(errors.Unavailable, match=r"ETag|could not be reached|asked for"),
    ):
        fetch(server, {NS: None})


@pytest.mark.parametrize("status", [400, 413, 431])
def test_what_is_refused_for_its_condition_is_asked_for_once_without(status: int) -> None:
    def minds_the_condition(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if "if-none-match" in headers:
            return status, {}, b""
        return snapshot_or_unchanged(method, path, headers, body)

    with run_stub(minds_the_condition) as server:
        assert fetch(server, {NS: '"6-ffff"'}) == {NS: SERVED}
    assert len(server.requests) == 2
    with run_stub(lambda *_: (status, {}, b"")) as server, pytest.raises(errors.Unavailable):
        fetch(server, {NS: '"6-ffff"'})
    assert len(server.requests) == 2
