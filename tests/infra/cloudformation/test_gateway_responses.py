"""API Gateway's own answers are problems of our tree."""

import json
import re
from typing import TYPE_CHECKING, cast

import pytest
from botocore.session import get_session

from configsvc.model.errors import SENT, from_problem
from infra.cloudformation.gateway_responses import CATCH_ALLS, PROBLEMS, gateway_responses

if TYPE_CHECKING:
    from botocore.model import StringShape

RESPONSES = gateway_responses()
ASKED_FOR = {
    "ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX", "EXPIRED_TOKEN", "INVALID_API_KEY", "INVALID_SIGNATURE",
    "MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND", "THROTTLED",
    "UNSUPPORTED_MEDIA_TYPE",
}  # fmt: skip


MESSAGE = "$context.error.messageString"  # API Gateway puts a JSON string in its place, quotes included


def body_of(kind: str) -> dict[str, object]:
    templates = RESPONSES[kind]["responseTemplates"]
    assert isinstance(templates, dict)
    body = json.loads(templates["application/json"].replace(MESSAGE, json.dumps('User: "u" is not authorized')))
    assert isinstance(body, dict)
    return body


def test_every_type_that_matters_is_there() -> None:
    assert RESPONSES.keys() >= ASKED_FOR


@pytest.mark.parametrize("kind", RESPONSES)
def test_it_is_a_problem_with_a_code_that_the_client_knows(kind: str) -> None:
    body = body_of(kind)
    assert body["code"] in {error.code for error in SENT}
    assert body["instance"] == "$context.requestId"
    assert str(body["type"]).startswith("https://")
    assert body["title"]
    assert body["detail"]


@pytest.mark.parametrize("kind", RESPONSES)
def test_it_says_that_it_is_a_problem(kind: str) -> None:
    headers = RESPONSES[kind]["responseParameters"]
    assert isinstance(headers, dict)
    assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"


def headers_of(kind: str) -> dict[str, str]:
    headers = RESPONSES[kind]["responseParameters"]
    assert isinstance(headers, dict)
    return headers


@pytest.mark.parametrize("kind", PROBLEMS)
def test_status_and_body_agree_and_give_the_same_error_back(kind: str) -> None:
    status = RESPONSES[kind]["statusCode"]
    assert status == str(body_of(kind)["status"])
    assert type(from_problem(int(str(status)), body_of(kind))) is type(PROBLEMS[kind])


@pytest.mark.parametrize("kind", CATCH_ALLS)
def test_a_catch_all_leaves_the_status_as_it_is(kind: str) -> None:
    assert "statusCode" not in RESPONSES[kind]
    assert "status" not in body_of(kind)


@pytest.mark.parametrize(("kind", "seconds"), [("THROTTLED", 1), ("QUOTA_EXCEEDED", 3600), ("INTEGRATION_TIMEOUT", 1)])
def test_who_should_wait_is_told_how_long(kind: str, seconds: int) -> None:
    assert headers_of(kind)["gatewayresponse.header.Retry-After"] == f"'{seconds}'"


# Those with 429, 500 or 504 in AWS's "Gateway response types for API Gateway". What falls under a catch-all keeps its
# status: 500 where Lambda is throttled, 502 where the function's answer is malformed.
WAITS = {
    "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE", "DEFAULT_5XX",
    "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "QUOTA_EXCEEDED", "THROTTLED",
}  # fmt: skip


def test_there_is_a_response_for_every_type_that_botocore_knows() -> None:
    shape = get_session().get_service_model("apigateway").shape_for("GatewayResponseType")
    kinds = cast("StringShape", shape).enum
    assert len(kinds) > 20
    assert set(kinds) == RESPONSES.keys()
    assert set(kinds) > WAITS


@pytest.mark.parametrize("kind", RESPONSES)
def test_every_5xx_and_429_has_retry_after_and_no_other_4xx(kind: str) -> None:
    sent = RESPONSES[kind].get("statusCode")
    waits = kind in WAITS
    assert ("gatewayresponse.header.Retry-After" in headers_of(kind)) == waits
    assert sent is None or (int(str(sent)) == 429 or int(str(sent)) >= 500) == waits


@pytest.mark.parametrize("kind", sorted(WAITS))
def test_retry_after_is_a_quoted_number_of_seconds(kind: str) -> None:
    # A value without single quotes would be a mapping expression ("Set up gateway responses to customize errors").
    assert re.fullmatch(r"'[1-9][0-9]*'", headers_of(kind)["gatewayresponse.header.Retry-After"])


def test_no_body_uses_a_variable_that_could_break_its_json() -> None:
    bodies = json.dumps([body_of(kind) for kind in RESPONSES])
    assert "$" not in bodies.replace("$context.requestId", "").replace("$context.error.responseType", "")


@pytest.mark.parametrize("kind", RESPONSES)
def test_each_names_its_type_so_that_a_client_need_not_guess(kind: str) -> None:
    assert body_of(kind)["gateway"] == (kind if kind in PROBLEMS else "$context.error.responseType")


def test_only_iam_s_own_message_is_passed_on() -> None:
    assert [kind for kind in RESPONSES if MESSAGE in json.dumps(RESPONSES[kind])] == ["ACCESS_DENIED"]
