"""For any event the function responds like a proxy integration, and logs one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.metrics import JsonLog, Metrics
from configsvc.bootstrap import build_app
from configsvc.web.api import RestApi
from configsvc.web.arrival import Proof
from tests.support.web.apps import PROOF_SHA256, build_memory_ports, make_ticking_clock
from tests.support.web.events import build_event

Path = tuple[str | int, ...]

KEY = {"namespace": "payments.prod", "key": "db.url"}
IDENTITY = {"apiKeyId": "reader1", "userArn": "arn:aws:iam::123456789012:role/Admin", "sourceIp": "203.0.113.9"}
PUT = '{"form":"plain","content_type":"text/plain","value":"x"}'
EVENTS = [
    build_event("GET", "/v1/namespaces/{namespace}/snapshot", parameters={"namespace": "payments.prod"},
          headers={"If-None-Match": '"1-a"', "X-Correlation-Id": "c-1"}, query={"revision": ["1"]}),
    build_event("PUT", "/v1/namespaces/{namespace}/keys/{key}", parameters=KEY, body=PUT, identity=IDENTITY,
          headers={"Content-Type": "application/json", "Idempotency-Key": "once", "If-Match": '"1"'}),
    build_event("GET", "/v1/snapshots", query={"namespace": ["payments.prod", "shared.prod"]}),
    build_event("GET", "/v1/health", identity={}, query={"deep": ["true"]}),
    build_event("POST", "/v1/whoami", identity=IDENTITY, headers={"User-Agent": "curl/8"}),
    build_event("DELETE", "/v1/namespaces/{namespace}/keys/{key}", parameters=KEY, identity=IDENTITY, body="e30="),
]  # fmt: skip


LINE = 8_000
"""CloudWatch accepts longer lines, with metrics up to 1 MB; but a request must not determine the length."""


class Context:
    aws_request_id = "lambda-1"


def nest(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 10**400, "", "x", "\ud800", "a\udfffb", "\x00\n\x1b[31m",
    "\ufeff", "x" * 100_000, [], [[]], [None], [1], ["a", "b"], ["\ud83d"], {}, {"": None}, {"a": {"b": [1]}}, {1: 2},
    {None: "x"}, {("t",): "x"}, {"\ud800": ["\ud800"]}, b"bytes", object(), {"x"}, nest(2000), "!!!", "/v1/health",
    "GET", {"proof": "p" * 64}, lambda: None,
]  # fmt: skip
odd = st.sampled_from(ODD) | st.text(st.characters()) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=4,
)  # fmt: skip


def list_paths(node: object, at: Path = ()) -> Iterator[Path]:
    """Every place in an event, starting with the whole."""
    yield at
    if isinstance(node, dict):
        for name, each in node.items():
            yield from list_paths(each, (*at, name))
    elif isinstance(node, list):
        for number, each in enumerate(node):
            yield from list_paths(each, (*at, number))


def replace_at(node: Any, path: Path, value: object) -> Any:  # noqa: ANN401  # JSON
    """A copy with this value at this place."""
    if not path:
        return value
    if isinstance(node, list):
        return [replace_at(each, path[1:], value) if number == path[0] else each for number, each in enumerate(node)]
    return {name: replace_at(each, path[1:], value) if name == path[0] else each for name, each in node.items()}


def remove_at(node: Any, path: Path) -> Any:  # noqa: ANN401  # JSON
    """A copy without the value at this place."""
    if isinstance(node, list):
        return [
            remove_at(each, path[1:]) if number == path[0] else each
            for number, each in enumerate(node)
            if (number,) != path
        ]
    return {
        name: remove_at(each, path[1:]) if name == path[0] else each for name, each in node.items() if (name,) != path
    }


@cache
def build_function(*, enforced: bool) -> tuple[RestApi, BytesIO]:
    """The function, and its log."""
    sink = BytesIO()
    log = JsonLog(TextIOWrapper(sink, "utf-8", write_through=True), "debug", Metrics("function", lambda: 0, "1"))
    return build_app(
        build_memory_ports().within, log, lambda: Proof((PROOF_SHA256,), enforced), make_ticking_clock()
    ), sink


@pytest.fixture(autouse=True)
def nothing_else_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Checks the other logs, because Chalice would log the text of an exception."""
    yield
    assert [each.getMessage() for each in caplog.records] == []


def check_response(sent: object, *, enforced: bool = True, context: object = None) -> int:
    """Invokes the function; returns the status, after checking that API Gateway accepts the response."""
    app, sink = build_function(enforced=enforced)
    sink.seek(0)
    sink.truncate()
    made = app(sent, context)
    assert json.loads(json.dumps(made, ensure_ascii=False).encode()) == made  # as Lambda's runtime sends it
    assert made.keys() >= {"statusCode", "headers", "body"}
    status: int = made["statusCode"]
    assert 200 <= status < 600
    assert all(isinstance(name, str) and isinstance(text, str) for name, text in made["headers"].items())
    assert isinstance(made["body"], str)
    if status >= 400:
        assert json.loads(made["body"])["status"] == status
    (line,) = sink.getvalue().decode().splitlines()
    assert len(line) < LINE
    assert json.loads(line)["status"] == status
    return status


PLACES = [(number, path) for number, made in enumerate(EVENTS) for path in list_paths(made)]


@pytest.mark.parametrize("enforced", [True, False], ids=["enforced", "observed"])
@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_s55_every_odd_value_anywhere_in_an_event_is_answered(number: int, *, enforced: bool) -> None:
    for path in list_paths(EVENTS[number]):
        for value in ODD:
            check_response(replace_at(EVENTS[number], path, value), enforced=enforced)
        if path:
            check_response(remove_at(EVENTS[number], path), enforced=enforced)


@given(st.sampled_from(PLACES), st.sampled_from(PLACES), odd, odd, st.booleans())
def test_s55_any_two_things_wrong_at_once_are_answered(
    one: tuple[int, Path],
    other: tuple[int, Path],
    first: object,
    second: object,
    enforced: bool,  # noqa: FBT001  # drawn
) -> None:
    sent = replace_at(EVENTS[one[0]], one[1], first)
    again: Callable[[], Any] = lambda: replace_at(sent, other[1], second)  # noqa: E731
    try:
        changed = again()
    except (AttributeError, KeyError, TypeError):  # the first removed the other's place
        changed = sent
    check_response(changed, enforced=enforced)


@given(odd)
def test_s55_anything_at_all_is_answered(sent: object) -> None:
    check_response(sent)


@pytest.mark.parametrize("context", [None, object(), Context(), 7, {}])
def test_s55_any_context_is_taken(context: object) -> None:
    assert check_response(EVENTS[3], context=context) == 200
