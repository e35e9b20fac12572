"""Only events from the gateway are trusted: without the stage's proof an event has no identity."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.errors import Misconfigured
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.arrival import Proof
from configsvc.web.reply import Reply
from configsvc.web.request import Request
from tests.support.web.apps import ADMIN, PROOF_SHA256, ask_for_proof, build_app_with, build_whole_app, parse_problem
from tests.support.web.events import PROOF, build_event
from tests.support.web.lines import Lines

OTHER = "q" * 64
EVERYTHING = {"userArn": "arn:aws:sts::123456789012:assumed-role/Admin/x", "apiKeyId": "reader1", "sourceIp": "::1"}
CONTEXT = SimpleNamespace(aws_request_id="id-of-the-invocation")


def observe_proof() -> Proof:
    return Proof((PROOF_SHA256,), enforced=False)


def rotate_proof() -> Proof:
    return Proof((sha256(OTHER.encode()).hexdigest(), PROOF_SHA256), enforced=True)


def fail_to_configure() -> Proof:
    raise Misconfigured("CONFIGSVC_PROOF_SHA256 is missing.")


def ok(_request: Request, **_parameters: str) -> Reply:
    return reply.answer_json({"seen": True})


def forge_event(method: str = "GET", route: str = "/v1/x", **given: Any) -> dict[str, Any]:  # noqa: ANN401  # event's own
    """An event by a direct invoker: an administrator's identity, but no proof."""
    made = build_event(method, route, identity=EVERYTHING, **given)
    made["stageVariables"] = None
    return made


def forge_with_variables(variables: object) -> dict[str, Any]:
    return forge_event() | {"stageVariables": variables}


def test_a_request_with_the_proof_is_served() -> None:
    assert build_app_with(ok, Lines())(build_event("GET", "/v1/x"), CONTEXT)["statusCode"] == 200


NONE_OF_THEM = [
    None, {}, [], "proof", {"proof": None}, {"proof": ""}, {"proof": PROOF[1:]}, {"proof": f"{PROOF} "},
    {"proof": OTHER}, {"proof": PROOF_SHA256}, {"proof": [PROOF]}, {"proof": {"proof": PROOF}}, {"proof": True},
    {"Proof": PROOF}, {"proof": "\ud800" * 64}, {"proof": "p" * 5_000_000}, [["proof", PROOF]],
]  # fmt: skip


@pytest.mark.parametrize("variables", NONE_OF_THEM, ids=lambda each: repr(each)[:30])
def test_a_request_without_the_proof_is_403_for_any_identity(variables: object) -> None:
    lines = Lines()
    made = build_app_with(ok, lines)(forge_with_variables(variables), CONTEXT)
    assert (parse_problem(made)["status"], parse_problem(made)["code"]) == (403, "forbidden")
    assert "did not come through the API" in parse_problem(made)["detail"]
    (line,) = lines.kept
    assert (line["level"], line["unproven"], line["status"]) == ("warning", True, 403)
    assert (line["principal"], line["api_key"], line["request_id"]) == (None, None, "id-of-the-invocation")
    assert not {"source_ip", "user_agent"} & line.keys()


@pytest.mark.parametrize("where", ["headers", "queryStringParameters", "requestContext", "pathParameters"])
def test_a_proof_elsewhere_in_the_event_does_not_count(where: str) -> None:
    sent = forge_event()
    sent[where] = {**(sent[where] or {}), "proof": PROOF, "stageVariables": {"proof": PROOF}}
    assert build_app_with(ok, Lines())(sent, CONTEXT)["statusCode"] == 403


def test_every_route_except_health_requires_the_proof() -> None:
    app = build_whole_app(Lines())
    answered = {
        (method, path): app(forge_event(method, path, parameters=dict.fromkeys(entry.view_args, "x")), CONTEXT)[
            "statusCode"
        ]
        for path, methods in app.routes.items()
        for method, entry in methods.items()
    }
    assert {route for route, status in answered.items() if status != 403} == {("GET", "/v1/health")}


def test_health_works_without_the_proof_and_raises_no_alarm() -> None:
    lines = Lines()
    for proof in (ask_for_proof, observe_proof, fail_to_configure):
        made = build_whole_app(lines, proof=proof)(forge_event("GET", "/v1/health"), CONTEXT)
        assert (made["statusCode"], made["body"]) == (200, '{"status":"ok","table":"not_checked"}')
    assert not [line for line in lines.kept if "unproven" in line or line["principal"]]


def test_during_a_rotation_both_proofs_are_accepted() -> None:
    app = build_app_with(ok, Lines(), proof=rotate_proof)
    assert [app(forge_with_variables({"proof": sent}), None)["statusCode"] for sent in (PROOF, OTHER, "r" * 64)] == [
        200, 200, 403,
    ]  # fmt: skip


def test_an_observed_request_cannot_make_its_log_line_too_long() -> None:
    """CloudWatch extracts no metrics from a line above 1 MB."""
    lines, sent = Lines(), forge_event()
    sent["requestContext"] |= {"requestId": "x" * 2_000_000}
    build_app_with(ok, lines, proof=observe_proof)(sent, None)
    assert lines.kept[0]["unproven"] is True
    assert len(lines.text) < 1000


def test_observed_requests_are_served_and_logged() -> None:
    lines = Lines()
    made = build_app_with(lambda _request: Reply(304, "", {}), lines, proof=observe_proof)(forge_event(), None)
    assert made["statusCode"] == 304
    (line,) = lines.kept
    assert (line["level"], line["unproven"]) == ("warning", True)
    assert line["principal"] == ADMIN
    assert not {"source_ip", "user_agent"} & line.keys()


def test_a_function_without_a_configured_proof_serves_nothing() -> None:
    lines = Lines()
    made = build_app_with(ok, lines, proof=fail_to_configure)(build_event("GET", "/v1/x"), CONTEXT)
    assert parse_problem(made)["code"] == "internal"
    assert lines.kept[0]["detail"] == "CONFIGSVC_PROOF_SHA256 is missing."


def test_the_proof_is_removed_after_the_check() -> None:
    lines, seen = Lines(), list[str]()

    def view(request: Request) -> Reply:
        seen.append(json.dumps(request._event))  # noqa: SLF001  # all that a view can reach
        raise ValueError(PROOF[:0])

    app: RestApi = build_app_with(view, lines)
    answered = json.dumps(app(build_event("GET", "/v1/x"), None))
    assert PROOF not in answered + lines.text + "".join(seen)
    assert "current_request" not in vars(app), "Chalice keeps no request"


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(forge_event())) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
BENT = st.builds(
    lambda changes: (
        forge_event("PUT", "/v1/namespaces/{namespace}", parameters={"namespace": "payments.prod"}) | changes
    ),
    st.dictionaries(st.sampled_from([*sorted(forge_event())]), SHAPES, max_size=4),
)


NONE_THE_WISER: list[tuple[Callable[[], Proof], set[int]]] = [
    (ask_for_proof, {403}),
    (fail_to_configure, {500}),
    (observe_proof, {200, 201, 400, 403, 404, 405, 413, 415, 422, 500}),
]


@pytest.mark.parametrize(("proof", "statuses"), NONE_THE_WISER)
@given(sent=SHAPES | BENT)
def test_no_event_of_any_shape_escapes_as_an_exception(
    proof: Callable[[], Proof], statuses: set[int], sent: object
) -> None:
    lines = Lines()
    made = build_whole_app(lines, proof=proof)(sent, CONTEXT)
    assert made["statusCode"] in statuses
    assert lines.kept
