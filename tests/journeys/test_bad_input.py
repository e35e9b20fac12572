"""Bad input gets the right status and a problem, and writes nothing."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from configsvc.model import limits
from tests.support.journeys.sealing import KMS_KEY, kms, new_data_key, plain, seal_body
from tests.support.journeys.story import Story

CANARY = "canary-7b1e"
KEY, CHANGES, DATA_KEYS, NAMESPACE = "/keys/k", "/changes", "/data-keys", ""
DEEP = limits.JSON_DEPTH + 5


class Case(NamedTuple):
    name: str
    path: str
    body: object
    status: int
    code: str = "invalid_request"
    headers: dict[str, str] | None = None
    admin: bool = False


def put(**changed: object) -> dict[str, object]:
    return {**plain(CANARY), **changed}


def leave_out(name: str) -> dict[str, object]:
    return {key: value for key, value in plain(CANARY).items() if key != name}


def one(**operation: object) -> dict[str, object]:
    return {"operations": [operation]}


def data_key(**changed: object) -> dict[str, object]:
    return {**new_data_key().body, **changed}


CASES = [
    Case("no body", KEY, None, 400),
    Case("not JSON", KEY, f'{{"form": {CANARY}', 400),
    Case("no object", KEY, f'["{CANARY}"]', 400),
    Case("a text", KEY, f'"{CANARY}"', 400),
    Case("two documents", KEY, json.dumps(put()) * 2, 400),
    Case("a byte order mark", KEY, b"\xef\xbb\xbf" + json.dumps(put()).encode(), 400),
    Case("a name twice", KEY, json.dumps(put())[:-1] + f', "value": "{CANARY}"}}', 400),
    Case("NaN", KEY, json.dumps(put(rotate_by=float("nan"))), 400),
    Case("Infinity", KEY, json.dumps(put(rotate_by=float("inf"))), 400),
    Case("too deep", KEY, '{"value":' + "[" * DEEP + "]" * DEEP + "}", 400),
    Case("far too deep", KEY, '{"value":' + "[" * 100_000 + "]" * 100_000 + "}", 400),
    Case("half a surrogate pair", KEY, json.dumps(put()).replace(CANARY, "\\ud800"), 400),
    Case("a number of 5,000 digits", KEY, '{"value":' + "9" * 5000 + "}", 400),
    Case("another content type", KEY, json.dumps(put()), 415, "unsupported_media_type", {"Content-Type": "text/plain"}),
    Case("another charset", KEY, json.dumps(put()), 415, "unsupported_media_type",
         {"Content-Type": "application/json; charset=latin-1"}),
    Case("an unknown field", KEY, put(comment=CANARY), 400),
    Case("no form", KEY, leave_out("form"), 400),
    Case("no content type", KEY, leave_out("content_type"), 400),
    Case("no value", KEY, leave_out("value"), 400),
    Case("an unknown form", KEY, put(form=CANARY), 400),
    Case("an unknown media type", KEY, put(content_type=CANARY), 400),
    Case("a value that is a number", KEY, put(value=1), 400),
    Case("a value that is an object", KEY, put(value={CANARY: 1}), 400),
    Case("a value that is null", KEY, put(value=None), 400),
    Case("activate as text", KEY, put(activate="true"), 400),
    Case("activate as number", KEY, put(activate=1), 400),
    Case("rotate_by that is no day", KEY, put(rotate_by="2027-02-30"), 400),
    Case("rotate_by that is a moment", KEY, put(rotate_by="2027-02-03T00:00:00Z"), 400),
    Case("a message too long", KEY, put(message="x" * (limits.MESSAGE + 1)), 413, "too_large"),
    Case("a value too large", KEY, put(value="x" * (limits.STORED_VALUE + 1)), 413, "too_large"),
    Case("a request too large", KEY, put(value="x" * limits.REQUEST_BYTES), 413, "too_large"),
    Case("bytes in plain", KEY, put(content_type="application/octet-stream"), 422, "unprocessable"),
    Case("JSON that is none", KEY, put(content_type="application/json", value="{" + CANARY), 422, "unprocessable"),
    Case("kms that is no base64", KEY, put(form="kms", value="not base64!"), 422, "unprocessable"),
    Case("kms in lenient base64", KEY, put(form="kms", value="QUJD\nREVG"), 422, "unprocessable"),
    Case("kms that is empty", KEY, put(form="kms", value=""), 422, "unprocessable"),
    Case("kms that is too large", KEY, kms(limits.KMS_CIPHERTEXT + 1), 422, "unprocessable"),
    Case("an envelope that is none", KEY, put(form="envelope"), 422, "invalid_envelope"),
    Case("an unknown query parameter", KEY + "?dry_run=1", put(), 400),
    Case("an unknown query parameter of a change set", CHANGES + "?force", one(op="delete", key="k"), 400),
    Case("no operations", CHANGES, {"operations": []}, 400),
    Case("operations that are none", CHANGES, {"operations": {}}, 400),
    Case("an operation without op", CHANGES, one(key="k"), 400),
    Case("an unknown op", CHANGES, one(op=CANARY, key="k"), 400),
    Case("a field of another op", CHANGES, one(op="delete", key="k", value=CANARY), 400),
    Case("an unknown field in an operation", CHANGES, one(op="put", key="k", **put(x=CANARY)), 400),
    Case("a key that is none", CHANGES, one(op="put", key="a/b", **put()), 400, "invalid_name"),
    Case("a version below one", CHANGES, one(op="activate", key="k", version=0), 400),
    Case("a version as text", CHANGES, one(op="activate", key="k", version="1"), 400),
    Case("a version as boolean", CHANGES, one(op="activate", key="k", version=True), 400),
    Case("if_match as an ETag", CHANGES, one(op="delete", key="k", if_match='"1"'), 400),
    Case("a change set with If-None-Match", CHANGES, one(op="put", key="k", **put()), 400,
         headers={"If-None-Match": "*"}),
    Case("a kid that is none", DATA_KEYS, data_key(kid=CANARY), 400, "invalid_name", admin=True),
    Case("an alias", DATA_KEYS, data_key(kms_key="alias/" + CANARY), 400, admin=True),
    Case("an alias's ARN", DATA_KEYS, data_key(kms_key=KMS_KEY.split(":key/")[0] + ":alias/x"), 400, admin=True),
    Case("a wrapped that is no base64", DATA_KEYS, data_key(wrapped="!!!!"), 400, admin=True),
    Case("a wrapped that is too long", DATA_KEYS, data_key(wrapped="A" * 2048), 413, "too_large", admin=True),
    Case("a data key with If-Match", DATA_KEYS, data_key(), 400, headers={"If-Match": '"1"'}, admin=True),
    Case("an unknown setting", NAMESPACE, {"colour": CANARY}, 400, admin=True),
    Case("an unknown form allowed", NAMESPACE, {"forms": [CANARY]}, 400, admin=True),
    Case("no form allowed", NAMESPACE, {"forms": []}, 400, admin=True),
    Case("a form allowed twice", NAMESPACE, {"forms": ["kms", "kms"]}, 400, admin=True),
]  # fmt: skip


def send(story: Story, case: Case) -> Any:  # noqa: ANN401  # a Reply
    method = "PUT" if case.path.startswith(KEY) or case.path == NAMESPACE else "POST"
    who = story.stage.admin if case.admin else story.stage.writer
    return story.api.send(method, f"{story.path}{case.path}", who, case.body, case.headers, signed=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_not_asked_for_is_refused_and_writes_nothing(story: Story, case: Case) -> None:
    before = story.revision
    refused = send(story, case)
    assert (refused.status, refused.code) == (case.status, case.code)
    assert CANARY.encode() not in refused.body
    assert story.revision == before


def test_an_envelope_for_elsewhere_is_refused(story: Story) -> None:
    data_key = story.add_data_key()
    before = story.revision
    for misplaced in (
        seal_body(data_key, story.namespace, "other", 1, b"x"),
        seal_body(data_key, f"{story.namespace}-b", "k", 1, b"x"),
        seal_body(new_data_key(), story.namespace, "k", 1, b"x"),
        {**seal_body(data_key, story.namespace, "k", 1, b"x"), "content_type": "application/json"},
    ):
        refused = story.put("k", misplaced)
        assert refused.status in {409, 422}, refused.body
        assert refused.problem()["code"] in {"invalid_envelope", "conflict", "unprocessable"}
    assert story.revision == before


@pytest.mark.parametrize("part", range(5))
def test_an_envelope_is_taken_in_its_one_spelling_only(story: Story, part: int) -> None:
    body = seal_body(story.add_data_key(), story.namespace, "k", 1, b"xy")
    parts = str(body["value"]).split(".")
    parts[part] += "="
    before = story.revision
    assert story.put("k", {**body, "value": ".".join(parts)}).code == "invalid_envelope"
    assert story.revision == before


@pytest.mark.parametrize("key", ["-k", ".k", "k" * 256, "k@", "k~", "k:1"])
def test_a_key_is_a_name(story: Story, key: str) -> None:
    before = story.revision
    assert story.put(key, plain("x")).code == "invalid_name"
    assert story.get(key).code == "invalid_name"
    assert story.revision == before


@pytest.mark.parametrize("key", ["k%2Fx", "k%00", "a%20b", "%C3%A9", "a%25b", "%2E%2E"])
def test_what_is_percent_encoded_is_no_name_at_the_gateway_or_here(story: Story, key: str) -> None:
    before = story.revision
    for refused in (story.put(key, plain("x")), story.get(key)):
        assert refused.status in {400, 403, 404}
    assert story.revision == before


@pytest.mark.parametrize("namespace", ["UPPER", "-a", "a" * 65, "a@b"])
def test_a_namespace_is_a_name(story: Story, namespace: str) -> None:
    for method, rest, body in (("PUT", "", {}), ("GET", "/snapshot", None), ("GET", "/keys", None)):
        path = f"/v1/namespaces/{namespace}{rest}"
        assert story.api.send(method, path, story.stage.admin, body).code == "invalid_name"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "-1"},
        {"limit": "1.0"},
        {"limit": "ten"},
        {"limit": ""},
        {"limit": "\u0661"},
        {"offset": "1"},
        {"cursor": "not one of ours!"},
    ],
    ids=str,
)
def test_a_listing_is_asked_for_properly(story: Story, query: dict[str, str]) -> None:
    for path in (f"{story.path}/keys", "/v1/namespaces"):
        assert story.api.send("GET", path, story.stage.reader, query=query).code == "invalid_request"


def test_a_query_parameter_is_given_once(story: Story) -> None:
    path = f"{story.path}/keys?limit=1&limit=2"
    assert story.api.send("GET", path, story.stage.reader).code == "invalid_request"


def test_the_snapshot_takes_no_unknown_parameter(story: Story) -> None:
    assert story.api.send("GET", f"{story.path}/snapshot?verbose=1", story.stage.reader).code == "invalid_request"


@pytest.mark.parametrize(
    ("principal", "body"),
    [
        ("", {"grants": []}),
        ("someone", {"grants": []}),
        ("arn:aws:iam::123456789012:role/path/Name", {"grants": []}),
        ("api-key:abc", {}),
        ("api-key:abc", {"grants": [{"actions": ["own"], "namespaces": ["*"]}]}),
        ("api-key:abc", {"grants": [{"actions": [], "namespaces": ["*"]}]}),
        ("api-key:abc", {"grants": [{"actions": ["read"], "namespaces": []}]}),
        ("api-key:abc", {"grants": [{"actions": ["read"], "namespaces": ["a*"]}]}),
        ("api-key:abc", {"grants": [{"actions": ["read", "read"], "namespaces": ["*"]}]}),
        ("api-key:abc", {"grants": [{"actions": ["read"], "namespaces": ["*"], "until": "x"}]}),
    ],
)
def test_grants_are_spelt_properly(story: Story, principal: str, body: object) -> None:
    query = {"principal": principal} if principal else {}
    refused = story.api.send("PUT", "/v1/grants", story.stage.admin, body, query=query)
    assert refused.status == 400
    assert refused.code in {"invalid_request", "invalid_name"}


def test_a_body_where_none_is_taken_is_refused(story: Story) -> None:
    refused = story.api.send("POST", "/v1/whoami", story.stage.writer, {"x": CANARY})
    assert refused.code == "invalid_request"
    assert CANARY.encode() not in refused.body


def test_an_unknown_route_is_a_problem(story: Story) -> None:
    refused = story.api.send("GET", "/v1/nothing", story.stage.reader)
    assert (refused.status, refused.code) == (403, "forbidden")
