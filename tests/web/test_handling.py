"""The wrapper around every route."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from configsvc.adapters.metrics import JsonLog
from configsvc.model import errors
from configsvc.web import reply
from configsvc.web.api import RestApi, View
from configsvc.web.handling import RequestHandler
from configsvc.web.reply import Reply
from configsvc.web.request import Request
from tests.support.web.apps import (
    ANYTHING,
    ask_for_proof,
    build_app_with,
    make_ticking_clock,
    parse_problem,
    refuse_ports,
)
from tests.support.web.events import ARN, build_event
from tests.support.web.lines import Lines

CANARY = "canary-4f1d"


def ok(_request: Request, **_parameters: str) -> Reply:
    return reply.answer_json({"revision": 7})


def call_view(
    view: View,
    lines: Lines,
    *,
    headers: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    identity: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    sent = build_event("GET", "/v1/x", headers=headers, parameters=parameters, identity=identity)
    return build_app_with(view, lines)(sent, None)


def make_raising_view(error: Exception) -> View:
    def view(_request: Request, **_parameters: str) -> Reply:
        raise error

    return view


@pytest.mark.parametrize("error", [kind("Do this next.") for kind in errors.SENT], ids=lambda error: error.code)
def test_every_error_becomes_a_problem_with_its_status_and_code(error: errors.ConfigsvcError) -> None:
    made = call_view(make_raising_view(error), Lines())
    found = parse_problem(made)
    assert (found["status"], found["code"], found["detail"]) == (error.status, error.code, "Do this next.")
    assert found["instance"] == "request-1"
    assert ("Retry-After" in made["headers"]) == (error.status == 429 or error.status >= 500)


def test_an_unexpected_error_is_logged_and_not_shown() -> None:
    lines = Lines()
    found = parse_problem(call_view(make_raising_view(ValueError(CANARY)), lines))
    assert found["code"] == "internal"
    assert CANARY not in json.dumps(found)
    assert CANARY not in lines.text
    (line,) = lines.kept
    assert (line["level"], line["fault"], line["correlation_id"]) == ("error", "ValueError", "request-1")
    assert any("test_handling.py" in place and "view" in place for place in line["where"])  # type: ignore[union-attr]


def test_the_line_of_an_endless_recursion_is_short() -> None:
    def view(request: Request, **_parameters: str) -> Reply:
        return view(request)

    lines = Lines()
    call_view(view, lines)
    [line] = lines.kept
    assert line["fault"] == "RecursionError"
    assert len(line["where"]) == 32  # type: ignore[arg-type]  # a list


@pytest.mark.parametrize(("members", "seconds"), [({}, "1"), ({"retry_after": 5}, "5")])
def test_retryable_problems_have_retry_after(members: dict[str, int], seconds: str) -> None:
    made = call_view(make_raising_view(errors.Unavailable("Try again.", **members)), Lines())
    assert made["headers"]["Retry-After"] == seconds


class FromAws(Exception):
    def __init__(self) -> None:
        super().__init__(CANARY)
        self.response = {"Error": {"Code": "AccessDeniedException", "Message": CANARY}}


@pytest.mark.parametrize(
    ("cause", "told"), [(KeyError(CANARY), "KeyError"), (FromAws(), "FromAws AccessDeniedException")]
)
def test_the_causes_of_a_fault_are_logged_by_kind(cause: Exception, told: str) -> None:
    def view(_request: Request, **_parameters: str) -> Reply:
        raise errors.Internal("The store refuses.") from cause

    lines = Lines()
    made = call_view(view, lines)
    assert (lines.kept[0]["fault"], lines.kept[0]["causes"]) == ("Internal", [told])
    assert CANARY not in lines.text + made["body"]


@pytest.mark.parametrize(
    ("error", "denied"), [(errors.Forbidden, True), (errors.Hidden, True), (errors.NotFound, None)]
)
def test_a_missing_permission_is_logged_and_not_shown(
    error: type[errors.ConfigsvcError], *, denied: bool | None
) -> None:
    lines = Lines()
    made = call_view(make_raising_view(error("Do this next.")), lines)
    assert lines.kept[0].get("denied") is denied
    assert "denied" not in made["body"]
    assert parse_problem(made)["code"] == error.code


def test_wrong_settings_are_logged_and_not_shown() -> None:
    lines = Lines()
    found = parse_problem(call_view(make_raising_view(errors.Misconfigured("CONFIGSVC_TABLE is missing.")), lines))
    assert found["code"] == "internal"
    assert "CONFIGSVC_TABLE" not in json.dumps(found)
    assert lines.kept[0]["detail"] == "CONFIGSVC_TABLE is missing."


def test_each_request_is_one_line_with_who_what_and_how_long() -> None:
    lines = Lines()
    identity = {"apiKeyId": "reader1", "userArn": ARN, "sourceIp": "203.0.113.9", "userAgent": "configsvc-client/1"}
    call_view(ok, lines, identity=identity, parameters={"namespace": "payments.prod"})
    assert lines.kept == [
        {
            "level": "info",
            "method": "GET",
            "route": "/v1/x",
            "status": 200,
            "code": None,
            "principal": "arn:aws:iam::123456789012:role/Deploy",
            "api_key": "api-key:reader1",
            "namespace": "payments.prod",
            "revision": 7,
            "correlation_id": "request-1",
            "request_id": "request-1",
            "source_ip": "203.0.113.9",
            "user_agent": "configsvc-client/1",
            "duration_ms": 250.0,
            "cold_start": True,
        }
    ]


def test_a_user_agent_cannot_forge_lines_or_lengthen_them() -> None:
    stream, lines = io.StringIO(), Lines()
    hostile = 'x"}\n{"level":"error","forged":true}\x1b[2J\u202e' + "y" * 100_000
    identity = {"apiKeyId": "reader1", "sourceIp": "203.0.113.9\n" + "9" * 1000, "userAgent": hostile}
    for log in (lines, JsonLog(stream, "info")):
        app = RestApi(RequestHandler(log, make_ticking_clock()), refuse_ports, ask_for_proof, make_ticking_clock())
        app.signed("GET", "/v1/x", ANYTHING)(ok)
        app(build_event("GET", "/v1/x", identity=identity), None)
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == lines.kept[0]
    assert str(lines.kept[0]["user_agent"])[:6] == 'x"}\ufffd{"'
    assert len(str(lines.kept[0]["user_agent"])) == 256
    assert len(str(lines.kept[0]["source_ip"])) == 64
    assert not {"\n", "\x1b", "\u202e"} & {*str(lines.kept[0]["user_agent"]), *str(lines.kept[0]["source_ip"])}


def test_a_forwarded_address_is_not_taken_for_the_senders() -> None:
    lines = Lines()
    call_view(
        ok,
        lines,
        headers={"X-Forwarded-For": "198.51.100.1", "User-Agent": "other"},
        identity={"sourceIp": "203.0.113.9"},
    )
    assert (lines.kept[0]["source_ip"], lines.kept[0]["user_agent"]) == ("203.0.113.9", None)


def test_only_the_first_request_is_a_cold_start() -> None:
    lines = Lines()
    app = build_app_with(ok, lines)
    for _ in range(3):
        app(build_event("GET", "/v1/x"), None)
    assert [line["cold_start"] for line in lines.kept] == [True, False, False]


def test_an_invalid_namespace_is_not_logged() -> None:
    lines = Lines()
    call_view(ok, lines, parameters={"namespace": f"{CANARY} in a path"})
    assert lines.kept[0]["namespace"] is None
    assert CANARY not in lines.text


@pytest.mark.parametrize(
    ("status", "level"), [(200, "info"), (304, "debug"), (403, "warning"), (404, "warning"), (500, "error")]
)
def test_unchanged_polls_are_logged_at_debug_and_refusals_as_warnings(status: int, level: str) -> None:
    lines = Lines()
    app = build_app_with(lambda _request: Reply(status, "", {}), lines)
    for _ in range(2):
        app(build_event("GET", "/v1/x"), None)
    assert lines.kept[1]["level"] == level


def test_a_cold_start_is_logged_even_for_an_unchanged_poll() -> None:
    lines = Lines()
    call_view(lambda _request: Reply(304, "", {}), lines)
    assert (lines.kept[0]["level"], lines.kept[0]["cold_start"]) == ("info", True)


@pytest.mark.parametrize("sent", ["abc-123", "Root=1-67891233-abcdef012345678912345678"])
def test_a_valid_correlation_id_is_used_and_returned(sent: str) -> None:
    lines = Lines()
    made = call_view(ok, lines, headers={"X-Correlation-Id": sent})
    assert made["headers"]["X-Correlation-Id"] == lines.kept[0]["correlation_id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "a\nb", "é"])
def test_another_correlation_id_is_replaced(sent: str) -> None:
    made = call_view(ok, Lines(), headers={"x-correlation-id": sent})
    assert made["headers"]["X-Correlation-Id"] == "request-1"
