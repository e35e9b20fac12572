from __future__ import annotations

import json

import pytest

from configsvc.model import errors
from configsvc_client.admin.wire.api import AdminApi, ApiAnswer
from tests.support.admin.fakes import URL, FakeTransport, answer, api, ports, slow_credentials
from tests.support.client.fakes import FakeClock


def whole(answer: ApiAnswer) -> ApiAnswer:
    return answer


def revision(answer: ApiAnswer) -> int:
    return answer.members.number("revision")


_LATER = {"code": "unavailable", "detail": "later"}


def test_a_read_carries_the_api_key_and_no_signature() -> None:
    transport = FakeTransport(answer(200, {"a": 1}, etag='"4"'))
    found = api(transport).read("/namespaces", whole, {"prefix": "pay", "cursor": None})
    assert (found.members.number("a"), found.etag) == (1, '"4"')
    (sent,) = transport.sent
    assert (sent.method, sent.target) == ("GET", "/api/v1/namespaces?prefix=pay")
    assert sent.headers["x-api-key"] == "value-of-the-api-key"
    assert "Authorization" not in sent.headers


def test_a_read_asks_for_no_credentials() -> None:
    def none() -> None:
        raise AssertionError

    transport = FakeTransport(answer(200, {}))
    AdminApi(URL, "key", "eu-central-1", ports(transport, credentials=none)).read("/whoami", whole)  # type: ignore[arg-type]
    assert len(transport.sent) == 1


def test_a_write_is_signed_for_the_gateway_and_names_itself() -> None:
    transport = FakeTransport(answer(201, {}))
    api(transport).write("PUT", "/grants", {"grants": []}, whole, query={"principal": "arn:aws:iam::1:role/X"})
    (sent,) = transport.sent
    assert sent.target == "/api/v1/grants?principal=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FX"
    assert "/eu-central-1/execute-api/aws4_request" in sent.headers["Authorization"]
    assert "x-api-key" in sent.headers["Authorization"]
    assert sent.headers["idempotency-key"]
    assert json.loads(sent.body) == {"grants": []}


@pytest.mark.parametrize(
    "failure",
    [
        answer(503, _LATER, retry_after="1"),
        answer(429, {"message": "Too Many Requests"}),
        answer(502, {"message": "Internal server error"}),
        answer(502, {"code": "internal", "detail": "API Gateway could not run the service."}),
        answer(504, None),
        errors.Unavailable("lost", reason="connection"),
    ],
)
def test_a_write_is_sent_again_under_the_same_idempotency_key(failure: object) -> None:
    transport = FakeTransport(failure, failure, answer(201, {"revision": 7}))  # type: ignore[arg-type]
    clock = FakeClock()
    assert api(transport, clock=clock).write("PUT", "/x", {"a": 1}, revision) == 7
    assert len({sent.headers["idempotency-key"] for sent in transport.sent}) == 1
    assert len(clock.pauses) == 2


def test_a_signed_request_has_its_whole_time_however_long_credentials_take() -> None:
    transport, clock = FakeTransport(answer(201, {})), FakeClock(up=1_000.0)
    given = ports(transport, credentials=slow_credentials(clock, 40), clock=clock)
    AdminApi(URL, "key", "eu-central-1", given).write("PUT", "/x", {"a": 1}, whole)
    assert transport.deadlines == [1_000.0 + 40 + 29]


def test_two_writes_have_two_idempotency_keys() -> None:
    transport = FakeTransport(answer(201, {}), answer(201, {}))
    sender = api(transport)
    sender.write("PUT", "/x", {"a": 1}, whole)
    sender.write("PUT", "/x", {"a": 1}, whole)
    assert len({sent.headers["idempotency-key"] for sent in transport.sent}) == 2


def test_tries_end() -> None:
    transport = FakeTransport(*[answer(503, _LATER)] * 50)
    with pytest.raises(errors.Unavailable):
        api(transport).write("PUT", "/x", None, whole)
    assert 2 <= len(transport.sent) < 10


def test_a_refusal_raises_the_service_s_error_and_is_not_retried() -> None:
    problem = {"code": "version_claimed", "status": 409, "detail": "Seal it again.", "key": "db.url", "next_version": 8}
    transport = FakeTransport(answer(409, problem))
    with pytest.raises(errors.VersionClaimed, match=r"Seal it again\.") as caught:
        api(transport).write("PUT", "/x", None, whole)
    assert caught.value.members == {"key": "db.url", "next_version": 8}


@pytest.mark.parametrize("body", [None, [1], "text"])
def test_an_error_without_a_problem_body_is_known_by_its_status(body: object) -> None:
    with pytest.raises(errors.Forbidden):
        api(FakeTransport(answer(403, body))).read("/x", whole)
