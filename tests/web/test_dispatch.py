"""Chalice's own dispatcher, which the service does not use, gives the same answers for every route."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.app import Chalice

from configsvc.web import routes
from configsvc.web.api import RestApi
from configsvc.web.arrival import Arrival
from configsvc.web.handling import CORRELATION, RequestHandler
from tests.support.web.apps import ask_for_proof, build_memory_ports, build_whole_app, make_ticking_clock
from tests.support.web.events import build_event
from tests.support.web.lines import Lines

METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD")
TYPES = [
    None, "application/json", "Application/JSON; charset=utf-8", "application/json;charset=latin-1", "text/plain",
    "text/plain, application/json", "application/jsonx", "",
]  # fmt: skip
PARAMETERS = {"namespace": "payments.prod", "key": "db.url", "version": "3", "kid": "q" * 42 + "A"}
ROUTES = sorted(build_whole_app(Lines()).routes)
BROKEN = ("body", "pathParameters", "multiValueQueryStringParameters")


class ThroughChalice(RestApi):
    def _answer(self, came: Arrival) -> dict[str, Any]:
        return Chalice.__call__(self, came.event, None)


def build_other() -> RestApi:
    api = ThroughChalice(
        RequestHandler(Lines(), make_ticking_clock()), build_memory_ports().within, ask_for_proof, make_ticking_clock()
    )
    api.api.binary_types = []
    routes.declare(api, make_ticking_clock())
    return api


def call(app: RestApi, event: dict[str, Any]) -> tuple[object, ...]:
    answered = app(event, None)
    if CORRELATION in answered["headers"]:
        return tuple(answered.items())
    return answered["statusCode"], answered["headers"].get("Allow")  # Chalice's own refusal: its text is not ours


@pytest.mark.parametrize("route", [*ROUTES, "/v1/nothing"])
@pytest.mark.parametrize("content_type", TYPES)
def test_every_route_answers_as_through_chalice(route: str, content_type: str | None) -> None:
    ours, theirs = build_whole_app(Lines()), build_other()
    headers = None if content_type is None else {"Content-Type": content_type}
    for method in METHODS:
        event = build_event(method, route, parameters=PARAMETERS, headers=headers, body='{"a": 1}')
        expected = call(theirs, event)
        found = ours(event, None)
        whole = len(expected) > 2
        known = 404 if expected == (405, "") else expected[0]  # Chalice knows no 404
        assert tuple(found.items()) == expected if whole else found["statusCode"] == known
        assert whole or found["headers"].get("Allow", "") == (expected[1] or "")


@pytest.mark.parametrize("missing", BROKEN)
def test_an_event_without_a_part_that_the_gateway_always_sends_is_an_error(missing: str) -> None:
    event = build_event("GET", "/v1/health")
    del event[missing]

    assert build_whole_app(Lines())(event, None)["statusCode"] == build_other()(event, None)["statusCode"] == 500
