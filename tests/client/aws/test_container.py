import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import dateutil.parser  # type: ignore[import-untyped]  # botocore parses times with it
import pytest

from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._aws.container import FULL, RELATIVE, fetch_credentials
from configsvc_client._aws.credentials import CredentialSources, CredentialsProvider
from configsvc_client._aws.sigv4 import Credentials
from tests.support.client.error_texts import collect_texts
from tests.support.client.stub_servers import Answer, make_json_answer, run_stub

GIVEN = {"AccessKeyId": "AKID", "SecretAccessKey": "canary", "Token": "t", "Expiration": "2026-01-01T01:00:00Z"}
EXPIRES = 1767229200.0


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def test_container_credentials_come_from_the_configured_endpoint() -> None:
    with run_stub(lambda *_: make_json_answer(200, GIVEN)) as server:
        found = CredentialSources({FULL: f"{server.url}/v1/creds?x=1"}).find(soon())
    assert found == Credentials("AKID", "canary", "t", EXPIRES)
    assert "canary" not in repr(found)
    ((method, path, headers, _),) = server.requests
    assert (method, path, "authorization" in headers) == ("GET", "/v1/creds?x=1", False)


def test_token_file_is_read_each_time_and_overrides_the_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with run_stub(lambda *_: make_json_answer(200, GIVEN)) as server:
        environ = {FULL: server.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "fixed"}
        fetch_credentials(environ, soon())
        environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(file)
        for token in ("one\n", "two"):
            file.write_text(token)
            fetch_credentials(environ, soon())
        file.write_text("two\r\nlines")
        with pytest.raises(Misconfigured):
            fetch_credentials(environ, soon())
        file.unlink()
        with pytest.raises(Misconfigured, match="Cannot read"):
            fetch_credentials(environ, soon())
    assert [headers["authorization"] for _, _, headers, _ in server.requests] == ["fixed", "one", "two"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example/",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1@evil/",
        "http://127.0.0.999/",
        "http://127.1/",
        "http://2130706433/",
        "http://169.254.170.2.evil/",
        "",
    ],
)
def test_plain_http_is_allowed_only_to_loopback_ecs_and_eks(uri: str) -> None:
    with pytest.raises(Misconfigured, match=FULL):
        fetch_credentials({FULL: uri}, soon())


def test_a_relative_uri_cannot_leave_the_ecs_endpoint() -> None:
    with pytest.raises(Misconfigured, match=RELATIVE):
        fetch_credentials({RELATIVE: "@evil.example/"}, soon())


@pytest.mark.parametrize(
    "answer",
    [
        make_json_answer(404, {}),
        make_json_answer(200, {}),
        (200, {}, b"<html>"),
        (200, {}, b'{"SecretAccessKey": "canary"'),
        make_json_answer(200, {**GIVEN, "Expiration": "soon"}),
        make_json_answer(200, {**GIVEN, "Expiration": 1767229200}),
        make_json_answer(200, {**GIVEN, "Expiration": "2026-01-01T25:00:00Z"}),
        make_json_answer(200, {**GIVEN, "Expiration": ["2026-01-01T01:00:00Z"]}),
        (200, {}, b"[" * 100_000),
        make_json_answer(200, {**GIVEN, "Token": "canary\r\nx"}),
    ],
)
def test_endpoint_without_credentials_is_unavailable(answer: Answer) -> None:
    with run_stub(lambda *_: answer) as server, pytest.raises(Unavailable) as caught:
        fetch_credentials({FULL: server.url}, soon())
    assert "canary" not in collect_texts(caught.value)


ENDS = {
    "2026-01-01T01:00:00": EXPIRES,
    "2026-01-01T01:00:00Z": EXPIRES,
    "2026-01-01T01:00:00z": EXPIRES,
    "2026-01-01t01:00:00z": EXPIRES,
    "2026-01-01 01:00:00": EXPIRES,
    "2026-01-01 01:00:00Z": EXPIRES,
    " 2026-01-01T01:00:00Z\n": EXPIRES,
    "2026-01-01T01:00:00+00:00": EXPIRES,
    "2026-01-01T01:00:00+0000": EXPIRES,
    "2026-01-01T03:30:00+02:30": EXPIRES,
    "2025-12-31T19:00:00-06:00": EXPIRES,
    "20260101T010000Z": EXPIRES,
    "2026-01-01T01:00:00.123": EXPIRES + 0.123,
    "2026-01-01T01:00:00.123Z": EXPIRES + 0.123,
    "2026-01-01T01:00:00.123456Z": EXPIRES + 0.123456,
    "2026-01-01T01:00:00.1234567Z": EXPIRES + 0.123456,
    "2026-01-01T01:00:00.123456789Z": EXPIRES + 0.123456,
}


@pytest.fixture(params=["America/Los_Angeles", "Asia/Kolkata", "UTC"])
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_zone")
def test_expiration_is_parsed_like_botocore_with_utc_as_default_zone() -> None:
    given = [""]
    with run_stub(lambda *_: make_json_answer(200, {**GIVEN, "Expiration": given[0]})) as server:
        for text, ends in ENDS.items():
            given[0] = text
            theirs = dateutil.parser.parse(text)
            assert fetch_credentials({FULL: server.url}, soon()).expires == pytest.approx(ends, abs=1e-5), text
            assert theirs.replace(tzinfo=theirs.tzinfo or UTC).timestamp() == pytest.approx(ends, abs=1e-5)


@pytest.mark.parametrize("none", [None, "", 0])
def test_credentials_without_expiration_are_fetched_each_time(none: object) -> None:
    with run_stub(lambda *_: make_json_answer(200, {**GIVEN, "Expiration": none})) as server:
        provider = CredentialsProvider(CredentialSources({FULL: server.url}).find, time.time, lambda: None)
        assert [provider(soon()).expires, provider(soon()).expires] == [None, None]
        assert len(server.requests) == 2


def test_container_endpoint_is_not_called_after_the_deadline() -> None:
    with run_stub(lambda *_: make_json_answer(200, GIVEN)) as server, pytest.raises(Unavailable, match="in time"):
        fetch_credentials({FULL: server.url}, soon(-1))
    assert server.connections == 0


class Source:
    """Returns credentials that expire an hour after each request."""

    def __init__(self) -> None:
        self.now, self.asked, self.down = 0.0, 0, False

    def find(self, _: float) -> Credentials:
        self.asked += 1
        if self.down:
            raise Unavailable("down")
        return Credentials(f"AKID{self.asked}", "s", "t", self.now + 3600)

    def provider(self) -> CredentialsProvider:
        return CredentialsProvider(self.find, lambda: self.now, lambda: None)


def test_credentials_are_cached_and_replaced_before_they_expire() -> None:
    source = Source()
    provider = source.provider()
    assert [provider(soon()).access_key, provider(soon()).access_key] == ["AKID1", "AKID1"]
    source.now = 3301
    assert provider(soon()).access_key == "AKID2"


def test_valid_credentials_are_used_while_their_source_is_down() -> None:
    source = Source()
    provider = source.provider()
    provider(soon())
    source.now, source.down = 3500, True
    assert provider(soon()).access_key == "AKID1"
    source.now = 3600
    with pytest.raises(Unavailable):
        provider(soon())


def test_refused_credentials_are_replaced() -> None:
    source = Source()
    provider = source.provider()
    provider(soon())
    provider.forget()
    assert provider(soon()).access_key == "AKID2"
    assert "AKID" not in repr(provider)


def test_credentials_found_before_a_refusal_are_not_cached() -> None:
    source, refusing = Source(), [True]

    def find_during_refusal(deadline: float) -> Credentials:
        found = source.find(deadline)
        if refusing and refusing.pop():
            provider.forget()  # AWS refused another thread's signature in the meantime
        return found

    provider = CredentialsProvider(find_during_refusal, lambda: 0.0, lambda: None)
    assert [provider(soon()).access_key for _ in range(3)] == ["AKID1", "AKID2", "AKID2"]


def test_credentials_in_variables_are_read_each_time() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "s"}
    provider = CredentialsProvider(CredentialSources(environ).find, lambda: 0.0, lambda: None)
    assert provider(soon()).access_key == "one"
    environ["AWS_ACCESS_KEY_ID"] = "two"
    assert provider(soon()).access_key == "two"
