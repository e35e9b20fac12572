"""JSON is read strictly, and what was wrong is told without what was sent."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, InvalidRequest, TooLarge, UnsupportedMediaType
from configsvc.web.body import body_of, object_in

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4))


@given(st.dictionaries(st.text(), JSON))
def test_any_json_object_is_read_as_it_is(found: dict[str, object]) -> None:
    assert object_in(json.dumps(found).encode()) == found
    assert object_in(json.dumps(found, ensure_ascii=False).encode()) == found


@given(st.binary())
def test_any_bytes_are_an_object_or_a_problem(raw: bytes) -> None:
    try:
        assert isinstance(object_in(raw), dict)
    except ConfigsvcError as error:
        assert error.status == 400  # noqa: PT017  # either way is right


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe{}",
        b'{"a": "\xc3\x28"}',
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "\\u0061": 2}}',
        b'{"a": NaN}',
        b'{"a": [-Infinity]}',
        b'{"a": "\\ud83d"}',
        b'{"\\ud83d": 1}',
        b"[]",
        b"null",
        b"",
        b"{}{}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
    ],
)
def test_what_lenient_readers_take_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        object_in(raw)


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 2) + b"1" + b"]" * (depth - 2) + b"}"


def test_nesting_ends_where_the_limit_says() -> None:
    object_in(nested(limits.JSON_DEPTH))
    for depth in (limits.JSON_DEPTH + 1, 500_000):
        with pytest.raises(InvalidRequest, match="deeper") as refused:
            object_in(nested(depth))
        assert refused.value.members == {"limit": limits.JSON_DEPTH}


def test_no_refusal_shows_what_was_sent() -> None:
    for raw in (b'{"canary": canary}', b'{"canary": 1, "canary": 2}', b'["canary"]', b'"canary'):
        with pytest.raises(InvalidRequest) as refused:
            object_in(raw)
        assert "canary" not in str(refused.value)
        assert refused.value.members == {}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_in_utf_8_is_taken(content_type: str | None) -> None:
    assert body_of({"body": "{}"}, content_type) == b"{}"


@pytest.mark.parametrize(
    "content_type",
    ["", "*/*", "text/json", "application/json, text/plain", "application/jsonx", "application/json; charset=utf-16"],
)
def test_any_other_content_type_is_415(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        body_of({"body": "{}"}, content_type)


def test_a_body_may_come_in_base64() -> None:
    assert body_of({"body": b64encode(b"\xff").decode(), "isBase64Encoded": True}, None) == b"\xff"
    with pytest.raises(InvalidRequest):
        body_of({"body": "!", "isBase64Encoded": True}, None)


def test_the_limit_counts_bytes() -> None:
    fits = "\u20ac" * (limits.REQUEST_BYTES // 3)
    assert body_of({"body": fits}, None)
    with pytest.raises(TooLarge):
        body_of({"body": fits + "xxx"}, None)
