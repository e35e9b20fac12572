"""Texts made to be slow to match: every pattern for requests takes linear time.

If one were quadratic, its case would take hours, and the test's time limit would end it.
"""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from configsvc.model import etag, grants, limits, names, schema
from configsvc.model.errors import ConfigsvcError, InvalidRequest, TooLarge
from configsvc.service.engine import paging
from configsvc.service.verbs import change_log
from configsvc.web.bodies import changes, namespaces
from configsvc.web.description import LIMIT
from configsvc.web.event import choose_correlation_id, collect_headers, identify_caller, read_body
from configsvc.web.request import Preconditions, Request
from tests.support.web.events import build_event

LONG = 500_000
BLANKS = " " * LONG
READ: dict[str, Callable[[str], object]] = {
    "content type": lambda text: read_body({"body": "{}"}, text),
    "correlation id": lambda text: choose_correlation_id({}, {"x-correlation-id": [text]}),
    "Idempotency-Key": lambda text: send("Idempotency-Key", text).idempotency(),
    "If-Match": lambda text: send("If-Match", text).preconditions(),
    "If-None-Match": lambda text: etag.matches_if_none_match(text, '"1-ab"'),
    "namespace": names.parse_namespace,
    "key": names.parse_key,
    "kid": names.parse_kid,
    "pattern of namespaces": grants.parse_pattern,
    "pattern of keys": lambda text: schema.parse_key_schema(text, {}),
    "reference in a schema": lambda text: schema.parse_key_schema("*", {"$ref": text}),
    "ARN": grants.normalize_arn,
    "number": LIMIT.number,
    "time": lambda text: change_log.check_filter(change_log.LogWanted(after_time=text)),
    "cursor": paging.parse_number,
}
TEXTS = (
    "x" + BLANKS + "x", "application/json" + BLANKS + "x", "application/json;" + BLANKS + "x",
    "application/json; charset" + BLANKS + "=" + BLANKS + "utf-8" + BLANKS + "x", '"' * LONG, '"a" ' * LONG,
    "a" * LONG + "!", "a." * LONG + "*", "9" * LONG + "x", "2027-01-15T08:00:00." + "1" * LONG, "arn:aws" + "-" * LONG,
    "arn:aws:iam::123456789012:role/" + "a/" * LONG + "!", "#/$defs/" + "a" * LONG + "/",
)  # fmt: skip


def send(header: str, text: str) -> Request:
    made = build_event("PUT", "/v1/namespaces/{namespace}", headers={header: text})
    headers = collect_headers(made)
    return Request(made, headers, identify_caller(made, headers))


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_no_text_in_a_request_is_slow_to_match(read: Callable[[str], object]) -> None:
    for text in TEXTS:
        with suppress(ConfigsvcError):
            read(text)


def nest(parts: int) -> str:
    """A body with this many parts, most of them deeply nested."""
    return json.dumps({"operations": [{"op": "put", "value": [0] * (parts - 4)}]})


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"operations": [0] * limits.REQUEST_PARTS}),
        json.dumps({"operations": [{}] * limits.REQUEST_PARTS}),
        json.dumps({str(number): 0 for number in range(limits.REQUEST_PARTS + 1)}),
        nest(limits.REQUEST_PARTS + 1),
    ],
    ids=["items", "objects", "fields", "nested"],
)
def test_a_body_with_too_many_parts_is_refused_at_once(body: str) -> None:
    with pytest.raises(TooLarge) as refused:
        changes.parse_change_set(body.encode(), Preconditions(None, create_only=False))
    assert refused.value.members == {"limit": limits.REQUEST_PARTS}


def test_a_body_with_the_most_parts_is_read() -> None:
    with pytest.raises(InvalidRequest):
        changes.parse_change_set(nest(limits.REQUEST_PARTS).encode(), Preconditions(None, create_only=False))


def test_the_largest_schemas_have_fewer_parts() -> None:
    schemas = [{"keys": "*", "schema": {"enum": [1] * (limits.SCHEMA_BYTES // 2 - 10)}} for _ in range(2)]
    assert namespaces.parse_settings(json.dumps({"schemas": schemas}).encode()).schemas
