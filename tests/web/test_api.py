"""Responses of Chalice itself, and access to routes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from chalice.app import IAMAuthorizer

from configsvc.bootstrap import build_app
from configsvc.web import reply
from configsvc.web.reply import Reply
from configsvc.web.request import Request
from tests.support.web.apps import (
    ask_for_proof,
    build_app_with,
    build_whole_app,
    make_ticking_clock,
    parse_problem,
    refuse_ports,
)
from tests.support.web.events import build_event
from tests.support.web.lines import Lines

OPEN = {("GET", "/v1/health"), ("GET", "/v1/openapi.json")}
KEYED = {
    ("GET", "/v1/whoami"),
    ("GET", "/v1/namespaces"),
    ("GET", "/v1/namespaces/{namespace}"),
    ("GET", "/v1/namespaces/{namespace}/snapshot"),
    ("GET", "/v1/namespaces/{namespace}/keys"),
    ("GET", "/v1/namespaces/{namespace}/keys/{key}"),
    ("GET", "/v1/namespaces/{namespace}/keys/{key}/versions"),
    ("GET", "/v1/namespaces/{namespace}/changes"),
    ("GET", "/v1/namespaces/{namespace}/diff"),
    ("GET", "/v1/snapshots"),
    ("GET", "/v1/namespaces/{namespace}/data-keys"),
}
SIGNED = {
    ("POST", "/v1/whoami"),
    ("PUT", "/v1/namespaces/{namespace}"),
    ("PUT", "/v1/namespaces/{namespace}/keys/{key}"),
    ("POST", "/v1/namespaces/{namespace}/changes"),
    ("POST", "/v1/namespaces/{namespace}/data-keys"),
    ("DELETE", "/v1/namespaces/{namespace}"),
    ("DELETE", "/v1/namespaces/{namespace}/keys/{key}"),
    ("POST", "/v1/namespaces/{namespace}/keys/{key}/activate"),
    ("DELETE", "/v1/namespaces/{namespace}/keys/{key}/versions/{version}"),
    ("PUT", "/v1/namespaces/{namespace}/data-keys/{kid}"),
    ("POST", "/v1/namespaces/{namespace}/data-keys/{kid}/retire"),
    ("POST", "/v1/namespaces/{namespace}/lift"),
    ("POST", "/v1/namespaces/{namespace}/upkeep"),
    ("GET", "/v1/grants"),
    ("GET", "/v1/grants/changes"),
    ("PUT", "/v1/grants"),
    ("DELETE", "/v1/grants"),
}


def test_each_route_requires_its_declared_access() -> None:
    routes = build_app(refuse_ports, Lines(), ask_for_proof, make_ticking_clock()).routes
    found: dict[str, set[tuple[str, str]]] = {"open": set(), "keyed": set(), "signed": set()}
    for path, methods in routes.items():
        for method, entry in methods.items():
            signed = isinstance(entry.authorizer, IAMAuthorizer)
            assert not signed or entry.api_key_required
            found["signed" if signed else "keyed" if entry.api_key_required else "open"].add((method, path))
    assert found == {"open": OPEN, "keyed": KEYED, "signed": SIGNED}


def call_app(sent: dict[str, Any]) -> tuple[dict[str, Any], Lines]:
    lines = Lines()
    return build_app_with(lambda _request: reply.answer_json({}), lines, method="POST")(sent, None), lines


def test_an_unsupported_method_is_405_with_the_allowed_ones() -> None:
    made, lines = call_app(build_event("GET", "/v1/x"))
    assert parse_problem(made)["code"] == "method_not_allowed"
    assert made["headers"]["Allow"] == "POST"
    assert lines.kept[0]["status"] == 405


def test_an_unknown_route_is_404() -> None:
    made, _ = call_app(build_event("GET", "/v1/nothing"))
    assert parse_problem(made)["code"] == "not_found"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_415(content_type: str) -> None:
    made, lines = call_app(build_event("POST", "/v1/x", headers={"Content-Type": content_type}, body="a=b"))
    assert parse_problem(made)["code"] == "unsupported_media_type"
    assert lines.kept[0]["status"] == 415


def test_an_event_that_chalice_cannot_read_is_a_problem_too() -> None:
    broken = build_event("POST", "/v1/x")
    del broken["pathParameters"], broken["body"]
    made, lines = call_app(broken)
    assert parse_problem(made)["code"] == "internal"
    assert lines.kept[0]["fault"] == "KeyError"


def test_health_needs_no_store_and_no_caller() -> None:
    app = build_app(refuse_ports, Lines(), ask_for_proof, make_ticking_clock())
    made = app(build_event("GET", "/v1/health", identity={}), None)
    assert (made["statusCode"], made["body"]) == (200, '{"status":"ok","table":"not_checked"}')
    assert made["headers"]["X-Correlation-Id"] == "request-1"


@pytest.mark.parametrize("name", ["%6b", "k%2Fx", "k/x", "..", "%2e%2e", "k#", "k\n", "\u043a"])
def test_a_name_in_the_path_is_used_as_sent(name: str) -> None:
    parameters = {"namespace": "payments.prod", "key": name}
    sent = build_event("GET", "/v1/namespaces/{namespace}/keys/{key}", parameters=parameters)
    assert parse_problem(build_whole_app(Lines())(sent, None))["code"] == "invalid_name"


def test_requests_in_threads_do_not_see_each_other() -> None:
    together = Barrier(4, timeout=30)

    def view(request: Request) -> Reply:
        together.wait()
        return reply.answer_json({"mine": request.header("x-mine")})

    app = build_app_with(view, Lines())

    def ask(number: int) -> str:
        body: str = app(build_event("GET", "/v1/x", headers={"X-Mine": str(number)}), None)["body"]
        return body

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(8))) == [f'{{"mine":"{number}"}}' for number in range(8)]
