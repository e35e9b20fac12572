"""The loopback gateway lets through what API Gateway would, and refuses the rest in the words of the template."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Callable
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.cloudformation.gateway_responses import PROBLEMS
from local.gateway.access import Access, Identity
from local.gateway.gateway import Gateway, LoopbackGateway
from local.gateway.signature import Request
from local.runtime.execution import InvocationTimedOut
from local.runtime.function import EventTooLarge, FunctionThrottled
from tests.support.local.gateway_requests import ACCESS_KEY, IDENTITIES, KEY, KEYS, SECRET, request, sign, two_routes
from tests.support.web.events import VARIABLES

OPEN = Access(KEYS, IDENTITIES)
THING = "/api/v1/things/a"


class Target:
    """Keeps the events it gets."""

    def __init__(self, body: str = "{}") -> None:
        self.events: list[dict[str, Any]] = []
        self.body = body

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        self.events.append(event)
        return {
            "statusCode": 200,
            "headers": {"ETag": '"1"'},
            "multiValueHeaders": {"X-Two": ["a", "b"]},
            "body": self.body,
        }


def gateway(target: Callable[[dict[str, Any]], dict[str, Any]], **access: Any) -> Gateway:  # noqa: ANN401  # Access's own
    return Gateway(target, two_routes().routes, Access(**{"keys": KEYS, "identities": IDENTITIES, **access}), VARIABLES)


def check_refused(sent: Request, kind: str, **access: Any) -> None:  # noqa: ANN401  # Access's own
    target = Target()
    answer = gateway(target, **access).answer(sent)
    assert target.events == []
    expected = PROBLEMS[kind]
    body = json.loads(answer.body)
    assert (answer.status, body["detail"], body["code"]) == (expected.status, expected.detail, expected.code)
    assert ("Content-Type", "application/problem+json") in answer.headers


def add_key(sent: Request) -> Request:
    return sent._replace(headers={**sent.headers, "x-api-key": [KEY]})


def test_an_open_route_needs_nothing() -> None:
    assert gateway(Target()).answer(request("GET", "/api/v1/open")).status == 200


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, {"x-api-key": ""}, {"x-api-key": "keyid"}])
def test_a_keyed_route_needs_a_key_of_the_plan(headers: dict[str, str]) -> None:
    check_refused(request("GET", THING, headers), "INVALID_API_KEY")


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/v1/open", "/other/v1/open", "/api", "/apiv1/open", "/api/v1/things/"]
)
def test_an_unknown_route_is_403(path: str) -> None:
    check_refused(add_key(request("GET", path)), "MISSING_AUTHENTICATION_TOKEN")


def test_a_method_that_the_route_lacks_is_403() -> None:
    check_refused(add_key(request("POST", THING)), "MISSING_AUTHENTICATION_TOKEN")


def test_a_write_needs_a_signature_before_a_key() -> None:
    check_refused(add_key(request("PUT", THING)), "MISSING_AUTHENTICATION_TOKEN")
    check_refused(request("PUT", THING), "MISSING_AUTHENTICATION_TOKEN")
    check_refused(sign(request("PUT", THING)), "INVALID_API_KEY")


def test_a_signed_and_keyed_write_carries_who_it_is() -> None:
    target = Target()
    sent = sign(add_key(request("PUT", THING, {"User-Agent": "curl"}, b'{"a": 1}', "b=1&a=%2F")))
    assert gateway(target).answer(sent).status == 200
    identity = target.events[0]["requestContext"]["identity"]
    assert identity == {
        "sourceIp": "127.0.0.1",
        "userAgent": "curl",
        "accessKey": ACCESS_KEY,
        "userArn": "arn:aws:iam::123456789012:user/ann",
        "apiKey": KEY,
        "apiKeyId": "keyid",
    }


def test_a_read_carries_no_arn_whatever_it_is_signed_with() -> None:
    target = Target()
    gateway(target).answer(sign(add_key(request("GET", THING))))
    assert target.events[0]["requestContext"]["identity"]["userArn"] is None


def test_a_changed_request_does_not_pass() -> None:
    sent = sign(add_key(request("PUT", THING, body=b"{}", query="a=1")))
    for changed in (
        sent._replace(body=b"{ }"),
        sent._replace(query="a=2"),
        sent._replace(path="/api/v1/things/ab"),
        sent._replace(headers={**sent.headers, "host": ["elsewhere"]}),
        sent._replace(headers={**sent.headers, "x-api-key": [KEY + " x"]}),
        sent._replace(headers={**sent.headers, "authorization": ["AWS4-HMAC-SHA256 Credential=x"]}),
    ):
        check_refused(changed, "INVALID_SIGNATURE")


def test_a_header_that_was_signed_and_not_sent_does_not_pass() -> None:
    sent = sign(add_key(request("PUT", THING, {"X-Amz-Security-Token": ""})))
    dropped = {name: values for name, values in sent.headers.items() if name != "x-amz-security-token"}
    check_refused(sent._replace(headers=dropped), "INVALID_SIGNATURE")


def test_another_secret_region_service_or_identity_does_not_pass() -> None:
    sent = add_key(request("PUT", THING))
    check_refused(sign(sent, secret="other"), "INVALID_SIGNATURE")
    check_refused(sign(sent, region="eu-west-1"), "INVALID_SIGNATURE")
    check_refused(sign(sent, service="kms"), "INVALID_SIGNATURE")
    check_refused(sign(sent), "INVALID_SIGNATURE", identities={})


def test_a_body_is_always_part_of_the_signature() -> None:
    unsigned_body = {"x-api-key": KEY, "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    check_refused(sign(request("PUT", THING, unsigned_body, b"{}")), "INVALID_SIGNATURE")


@pytest.mark.parametrize("skew", [-400, 400])
def test_a_signature_holds_for_five_minutes(skew: int) -> None:
    check_refused(sign(add_key(request("PUT", THING))), "INVALID_SIGNATURE", now=lambda: time.time() + skew)


def test_a_session_token_is_part_of_the_credentials() -> None:
    with_token = {ACCESS_KEY: Identity(SECRET, "arn:aws:sts::123456789012:assumed-role/R/s", token="t")}
    sent = add_key(request("PUT", THING))
    assert gateway(Target(), identities=with_token).answer(sign(sent, token="t")).status == 200
    check_refused(sign(sent), "INVALID_SIGNATURE", identities=with_token)
    check_refused(sign(sent, token="t"), "INVALID_SIGNATURE")


def test_an_identity_invokes_what_its_policy_allows() -> None:
    check_refused(sign(add_key(request("PUT", "/api/v1/things/b"))), "ACCESS_DENIED")


def test_a_used_up_plan_answers_429_with_retry_after() -> None:
    sent = add_key(request("GET", THING))
    check_refused(sent, "THROTTLED", admits=lambda _key: False)
    answer = gateway(Target(), admits=lambda _key: False).answer(sent)
    assert ("Retry-After", "1") in answer.headers


def test_the_event_is_the_rest_proxy_event() -> None:
    target = Target()
    sent = add_key(request("GET", "/api/v1/things/a%2Fb/", query="x=1&x=%20&y="))
    gateway(target).answer(sent)
    (event,) = target.events
    assert (event["resource"], event["path"]) == ("/v1/things/{name}", "/v1/things/a%2Fb/")
    assert event["pathParameters"] == {"name": "a%2Fb"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", " "], "y": [""]}
    assert event["queryStringParameters"] == {"x": " ", "y": ""}
    assert event["body"] is None
    assert event["requestContext"]["path"] == "/api/v1/things/a%2Fb/"


def test_a_function_that_fails_or_answers_nonsense_is_502() -> None:
    def failing(_event: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("canary")

    for target in (failing, lambda _event: {"no": "status"}):
        answer = gateway(target).answer(request("GET", "/api/v1/open"))
        assert answer.status == 502
        assert ("Retry-After", "1") in answer.headers
        assert b"canary" not in answer.body


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (FunctionThrottled("busy"), 500, "DEFAULT_5XX"),
        (InvocationTimedOut("late"), 502, "DEFAULT_5XX"),
        (EventTooLarge("large"), 413, "REQUEST_TOO_LARGE"),
    ],
)
def test_what_lambda_refuses_or_ends_is_answered_as_api_gateway_does(error: Exception, status: int, kind: str) -> None:
    def refusing(_event: dict[str, Any]) -> dict[str, Any]:
        raise error

    answer = gateway(refusing).answer(request("GET", "/api/v1/open"))

    assert (answer.status, json.loads(answer.body)["gateway"]) == (status, kind)
    assert dict(answer.headers).get("Retry-After") == ("1" if status >= 500 else None)


def test_an_integration_that_takes_too_long_is_given_up() -> None:
    over = Event()
    waiting = Gateway(lambda _: {"statusCode": 200 + over.wait(20)}, two_routes().routes, OPEN, VARIABLES, 0.05)

    answer = waiting.answer(request("GET", "/api/v1/open"))
    over.set()

    assert (answer.status, json.loads(answer.body)["gateway"]) == (503, "INTEGRATION_TIMEOUT")
    assert ("Retry-After", "1") in answer.headers


def test_a_request_and_an_answer_end_at_10_mb() -> None:
    most = 10 * 1024 * 1024
    body, target = b"x" * most, Target("y" * most)
    assert len(gateway(target).answer(request("GET", "/api/v1/open", body=body)).body) == most
    check_refused(request("GET", "/api/v1/open", body=body + b"x"), "REQUEST_TOO_LARGE")

    answer = gateway(Target("y" * (most + 1))).answer(request("GET", "/api/v1/open"))
    assert (answer.status, json.loads(answer.body)["gateway"]) == (500, "DEFAULT_5XX")


def test_large_answers_are_compressed_for_those_who_take_it() -> None:
    large = gateway(Target("x" * 2000))
    plain = large.answer(request("GET", "/api/v1/open"))
    packed = large.answer(request("GET", "/api/v1/open", {"Accept-Encoding": "gzip"}))
    assert plain.body == gzip.decompress(packed.body) == b"x" * 2000
    assert ("Content-Encoding", "gzip") in packed.headers
    assert ("Content-Encoding", "gzip") not in plain.headers


def test_over_http_a_connection_serves_one_request_after_another() -> None:
    target = Target()
    with LoopbackGateway(gateway(target)) as served:
        url = urlsplit(served.url)
        connection = http.client.HTTPConnection(url.netloc, timeout=10)
        for number in range(3):
            connection.request("GET", f"{url.path}/v1/things/a?n={number}", headers={"x-api-key": KEY})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"{}")
            assert answer.headers.get_all("X-Two") == ["a", "b"]
        connection.close()
    assert [event["queryStringParameters"] for event in target.events] == [{"n": str(number)} for number in range(3)]


def test_an_identity_does_not_show_its_secret() -> None:
    assert SECRET not in repr(IDENTITIES)
