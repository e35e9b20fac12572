"""Names and envelopes are parsed once, where a request comes in."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any, Self

import pytest

from configsvc.bootstrap import build_app
from configsvc.model import envelope, names
from tests.support.service import sealed
from tests.support.service.world import DEVELOPER, make_world
from tests.support.web.apps import ask_for_proof, build_whole_app, make_ticking_clock, parse_problem, refuse_ports
from tests.support.web.events import build_event
from tests.support.web.lines import Lines

NAMESPACE = {"namespace": "payments.prod"}
KEY = NAMESPACE | {"key": "db.url"}
PARSERS: Mapping[CodeType, str] = {
    names.parse_namespace.__code__: "namespace",
    names.parse_key.__code__: "key",
    envelope.read_header.__code__: "header",
    envelope.peek.__code__: "header",
}


class Parses(Counter[tuple[str, str]]):
    """Counts how often each text is parsed, by type."""

    def __enter__(self) -> Self:
        sys.setprofile(self._saw)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _saw(self, frame: FrameType, happened: str, _argument: object) -> None:
        kind = PARSERS.get(frame.f_code) if happened == "call" else None
        if kind:
            self[kind, str(frame.f_locals[frame.f_code.co_varnames[0]])] += 1


def sign_event(method: str, route: str, parameters: Mapping[str, str], body: object) -> dict[str, Any]:
    identity = {"apiKeyId": "devkey", "sourceIp": "203.0.113.9", "userArn": DEVELOPER.arn}
    return build_event(method, route, parameters=parameters, body=json.dumps(body), identity=identity)


def make_put_event(value: str) -> dict[str, Any]:
    body = {"form": "envelope", "content_type": "text/plain", "value": value}
    return sign_event("PUT", "/v1/namespaces/{namespace}/keys/{key}", KEY, body)


def test_a_put_parses_each_name_and_each_envelope_once() -> None:
    app, old, new = (
        build_whole_app(Lines(), make_world().ports),
        sealed.envelope("db.url", 1),
        sealed.envelope("db.url", 2),
    )
    assert app(make_put_event(old), None)["statusCode"] == 201
    with Parses() as parses:
        assert app(make_put_event(new), None)["statusCode"] == 201
    assert parses == {
        ("header", new): 1, ("header", old): 1,  # the replaced version
        ("namespace", "payments.prod"): 3, ("key", "db.url"): 3,  # of the path and the two headers
    }  # fmt: skip


def test_a_change_set_parses_each_key_and_each_envelope_once() -> None:
    app, value = build_whole_app(Lines(), make_world().ports), sealed.envelope("b", 1)
    plain = {"op": "put", "key": "a", "form": "plain", "content_type": "text/plain", "value": "x"}
    operations = [plain, plain | {"key": "b", "form": "envelope", "value": value}]
    route = "/v1/namespaces/{namespace}/changes"
    with Parses() as parses:
        assert app(sign_event("POST", route, NAMESPACE, {"operations": operations}), None)["statusCode"] == 200
    assert parses == {
        ("header", value): 1, ("namespace", "payments.prod"): 2, ("key", "a"): 1, ("key", "b"): 2,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "Payments", "a/b", "a%2fb", ".a", "a" * 65, "a\n", "ä"])
@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("PUT", "/v1/namespaces/{namespace}"),
        ("GET", "/v1/namespaces/{namespace}/snapshot"),
        ("GET", "/v1/namespaces/{namespace}"),
    ],
)
def test_a_misspelt_namespace_is_refused_before_anything_is_read(method: str, route: str, text: str) -> None:
    check_refusal(build_event(method, route, parameters={"namespace": text}))


def test_a_misspelt_namespace_among_several_is_refused_before_anything_is_read() -> None:
    check_refusal(build_event("GET", "/v1/snapshots", query={"namespace": ("payments.prod", "a/b")}))


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_misspelt_key_is_refused_before_anything_is_read(method: str) -> None:
    check_refusal(build_event(method, "/v1/namespaces/{namespace}/keys/{key}", parameters=NAMESPACE | {"key": "a/b"}))


def test_a_misspelt_kid_is_refused_before_anything_is_read() -> None:
    route = "/v1/namespaces/{namespace}/data-keys/{kid}/retire"
    check_refusal(build_event("POST", route, parameters=NAMESPACE | {"kid": "short"}))


def check_refusal(asked: Mapping[str, Any]) -> None:
    app = build_app(refuse_ports, Lines(), ask_for_proof, make_ticking_clock())
    assert parse_problem(app(asked, None))["code"] == "invalid_name"
