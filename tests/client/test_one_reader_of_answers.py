"""Readers and writers take every answer for the same: one place decides what is an answer and what is an error."""

from __future__ import annotations

import json

import pytest

from configsvc.model.errors import ConfigsvcError
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import parse_url
from configsvc_client.admin.wire.api import AdminApi, ApiAnswer
from tests.support.admin.fakes import ports
from tests.support.client.fakes import FakeClock
from tests.support.client.sealing import NS

URL = parse_url("https://api.example/prod")
PATH = f"/namespaces/{NS}/snapshot"
PROBLEM = {"content-type": "application/problem+json"}
INTERNAL = json.dumps({"code": "internal", "detail": "API Gateway could not run the service."}).encode()


class OneAnswer:
    """A connection over which the same answer comes each time."""

    url = URL

    def __init__(self, response: Response) -> None:
        self._response = response

    def request(self, *_: object, **__: object) -> Response:
        return self._response

    def close(self) -> None:
        """Nothing is held."""


def read_snapshot(answer: ApiAnswer) -> None:
    answer.members.snapshot()


def errors_of(response: Response) -> list[ConfigsvcError]:
    """Returns what a reader and a writer raise for the same answer."""
    line = OneAnswer(response)
    api = AdminApi(URL, "key", "eu-central-1", ports(line, clock=FakeClock()))  # type: ignore[arg-type]  # all that is used
    gateway = ApiGateway(line, "key")  # type: ignore[arg-type]  # as above
    caught: list[ConfigsvcError] = []
    for ask in (lambda: gateway.fetch({NS: None}, 1e9), lambda: api.read(PATH, read_snapshot)):
        with pytest.raises(ConfigsvcError) as raised:
            ask()
        caught.append(raised.value)
    return caught


@pytest.mark.parametrize(
    "response",
    [
        Response(302, {"location": "https://portal.example"}, b""),
        Response(403, {"content-type": "text/html"}, b"<html>a proxy"),
        Response(403, {"x-amzn-errortype": "ForbiddenException"}, b'{"message":"Forbidden"}'),
        Response(404, PROBLEM, b'{"code":"not_found","detail":"none such"}'),
        Response(404, {}, b"nothing here"),
        Response(429, {"retry-after": "7"}, b""),
        Response(429, {"retry-after": "Wed, 21 Oct 2026 12:00:05 GMT", "date": "Wed, 21 Oct 2026 12:00:00 GMT"}, b""),
        Response(500, PROBLEM, INTERNAL),
        Response(502, PROBLEM, INTERNAL),
        Response(504, PROBLEM, INTERNAL),
        Response(503, {"content-type": "text/html"}, b"later"),
    ],
    ids=lambda response: str(response.status),
)
def test_an_error_is_the_same_to_readers_and_writers(response: Response) -> None:
    reader, writer = errors_of(response)
    assert (type(reader), reader.detail, reader.members) == (type(writer), writer.detail, writer.members)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<html>a captive portal"), ("application/json", b"["), ("application/json", b"[]"),
        ("application/json", b'{"a":1,"a":2}'), ("application/json", b'{"a":NaN}'),
        ("application/json", b'{"a":1e999}'), ("application/json", b"{}"),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_ours_is_none_to_either(content_type: str, body: bytes) -> None:
    reader, writer = errors_of(Response(200, {"content-type": content_type, "etag": '"1-0a"'}, body))
    assert (type(reader), reader.members) == (type(writer), writer.members)
    assert reader.members["reason"] == "not_ours"
