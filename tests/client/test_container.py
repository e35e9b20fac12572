from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._container import FULL, RELATIVE, fetch
from configsvc_client._credentials import Credentials, Provider, find
from tests.client.stub_servers import Answer, as_json, stub

GIVEN = {"AccessKeyId": "AKID", "SecretAccessKey": "canary", "Token": "t", "Expiration": "2026-01-01T01:00:00Z"}
EXPIRES = 1767229200.0


def test_a_container_gets_its_credentials_from_the_endpoint_it_is_told_of() -> None:
    with stub(lambda *_: as_json(200, GIVEN)) as server:
        found = find({FULL: f"{server.url}/v1/creds?x=1"})
    assert found == Credentials("AKID", "canary", "t", EXPIRES)
    assert "canary" not in repr(found)
    ((method, path, headers, _),) = server.requests
    assert (method, path, "authorization" in headers) == ("GET", "/v1/creds?x=1", False)


def test_the_token_is_sent_and_its_file_is_read_each_time_and_wins(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with stub(lambda *_: as_json(200, GIVEN)) as server:
        environ = {FULL: server.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "fixed"}
        fetch(environ)
        environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(file)
        for token in ("one\n", "two"):
            file.write_text(token)
            fetch(environ)
        file.write_text("two\r\nlines")
        with pytest.raises(Misconfigured):
            fetch(environ)
        file.unlink()
        with pytest.raises(Misconfigured, match="cannot be read"):
            fetch(environ)
    assert [headers["authorization"] for _, _, headers, _ in server.requests] == ["fixed", "one", "two"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example/",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1@evil/",
        "",
    ],
)
def test_plain_http_goes_to_this_computer_ecs_or_eks_and_nowhere_else(uri: str) -> None:
    with pytest.raises(Misconfigured, match=FULL):
        fetch({FULL: uri})


def test_a_relative_uri_cannot_leave_the_ecs_endpoint() -> None:
    with pytest.raises(Misconfigured, match=RELATIVE):
        fetch({RELATIVE: "@evil.example/"})


@pytest.mark.parametrize(
    "answer", [as_json(404, {}), as_json(200, {}), (200, {}, b"<html>"), as_json(200, {**GIVEN, "Expiration": "soon"})]
)
def test_an_endpoint_that_gives_no_credentials_is_unavailable(answer: Answer) -> None:
    with stub(lambda *_: answer) as server, pytest.raises(Unavailable) as caught:
        fetch({FULL: server.url})
    assert "canary" not in str(caught.value)


class Source:
    """Gives out credentials that end an hour after they were asked for."""

    def __init__(self) -> None:
        self.now, self.asked, self.down = 0.0, 0, False

    def find(self, _: object) -> Credentials:
        self.asked += 1
        if self.down:
            raise Unavailable("down")
        return Credentials(f"AKID{self.asked}", "s", "t", self.now + 3600)

    def provider(self) -> Provider:
        return Provider({}, lambda: self.now, self.find)


def test_credentials_are_kept_and_replaced_before_they_end() -> None:
    source = Source()
    provider = source.provider()
    assert [provider().access_key, provider().access_key] == ["AKID1", "AKID1"]
    source.now = 3301
    assert provider().access_key == "AKID2"


def test_credentials_that_still_hold_serve_while_their_source_is_down_and_no_longer() -> None:
    source = Source()
    provider = source.provider()
    provider()
    source.now, source.down = 3500, True
    assert provider().access_key == "AKID1"
    source.now = 3600
    with pytest.raises(Unavailable):
        provider()


def test_credentials_that_were_refused_are_found_anew() -> None:
    source = Source()
    provider = source.provider()
    provider()
    provider.forget()
    assert provider().access_key == "AKID2"
    assert "AKID" not in repr(provider)


def test_credentials_without_an_end_are_looked_up_each_time() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "s"}
    provider = Provider(environ, lambda: 0.0)
    assert provider().access_key == "one"
    environ["AWS_ACCESS_KEY_ID"] = "two"
    assert provider().access_key == "two"
