"""JSON is parsed strictly, and errors do not quote the body."""

from __future__ import annotations

import json
from base64 import b64encode
from gzip import compress
from zlib import compress as deflated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, InvalidRequest, TooLarge, UnsupportedMediaType
from configsvc.web.event import parse_object, read_body

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4))


@given(st.dictionaries(st.text(), JSON))
def test_any_json_object_is_read_unchanged(found: dict[str, object]) -> None:
    assert parse_object(json.dumps(found).encode()) == found
    as_it_is = json.dumps(found, ensure_ascii=False)
    assert parse_object(as_it_is.replace("\ufffd", "\\ufffd").encode()) == found


@given(st.binary())
def test_any_bytes_are_an_object_or_a_problem(raw: bytes) -> None:
    try:
        assert isinstance(parse_object(raw), dict)
    except ConfigsvcError as error:
        assert error.status in {400, 415}  # noqa: PT017  # either way is right


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
def test_what_lenient_parsers_accept_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_object(raw)


UTF_8 = '{"value": "M\u00fcller \u20ac \U0001f600"}'
TOLD: list[tuple[bytes, str]] = [
    (UTF_8.encode("utf-8-sig"), "byte order mark"),
    (compress(UTF_8.encode(), mtime=0), "gzip"),
    (UTF_8.encode("utf-16"), "UTF-16"),
    (UTF_8.encode("utf-16-le"), "UTF-16"),
    (UTF_8.encode("utf-16-be"), "UTF-16"),
    (f"\n{UTF_8}".encode("utf-16-le"), "UTF-16"),
    (f" {UTF_8}".encode("utf-16-be"), "UTF-16"),
    (UTF_8.encode("utf-32"), "UTF-32"),
    (UTF_8.encode("utf-32-le"), "UTF-32"),
    (UTF_8.encode("utf-32-be"), "UTF-32"),
    (f"\ufeff{UTF_8}".encode("utf-32-be"), "UTF-32"),
    (deflated(UTF_8.encode()), "compressed"),
    ('{"value": "M\u00fcller"}'.encode("latin-1"), "not UTF-8"),
    (b'{"value": "\xed\xa0\xbd\xed\xb8\x80"}', "not UTF-8"),  # CESU-8: halves of a surrogate pair
    (b'{"value": "\xc0\xaf"}', "not UTF-8"),  # overlong
    (b'{"value": "\xe2\x82"}', "not UTF-8"),  # cut off
    ('{"value": "\ufffd"}'.encode(), "not UTF-8"),
    ('{"\ufffd": 1}'.encode(), "not UTF-8"),
]


@pytest.mark.parametrize(("raw", "told"), TOLD)
def test_s56_another_encoding_is_recognized_also_through_api_gateway(raw: bytes, told: str) -> None:
    for sent in (raw, raw.decode(errors="replace").encode()):
        with pytest.raises((InvalidRequest, UnsupportedMediaType), match=told):
            parse_object(sent)


def test_a_replacement_character_must_be_escaped() -> None:
    assert parse_object(b'{"value": "\\ufffd"}') == {"value": "\ufffd"}
    assert parse_object('{"value": "\ufeff inside"}'.encode()) == {"value": "\ufeff inside"}


@given(st.text(st.characters(min_codepoint=0x80, max_codepoint=0xFF), min_size=1))
def test_s56_latin_1_is_never_read_as_other_characters(letters: str) -> None:
    raw = b'{"value": "' + letters.encode("latin-1") + b'"}'
    try:
        read = parse_object(raw.decode(errors="replace").encode())
    except InvalidRequest:
        return
    assert read == {"value": raw[11:-2].decode()}  # it was UTF-8, too


def nest(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 2) + b"1" + b"]" * (depth - 2) + b"}"


def test_nesting_ends_where_the_limit_says() -> None:
    parse_object(nest(limits.JSON_DEPTH))
    for depth in (limits.JSON_DEPTH + 1, 500_000):
        with pytest.raises(InvalidRequest, match="levels deep") as refused:
            parse_object(nest(depth))
        assert refused.value.members == {"limit": limits.JSON_DEPTH}


def test_no_refusal_quotes_the_body() -> None:
    for raw in (b'{"canary": canary}', b'{"canary": 1, "canary": 2}', b'["canary"]', b'"canary'):
        with pytest.raises(InvalidRequest) as refused:
            parse_object(raw)
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
def test_json_in_utf_8_is_accepted(content_type: str | None) -> None:
    assert read_body({"body": "{}"}, content_type) == b"{}"


@pytest.mark.parametrize(
    "content_type",
    ["", "*/*", "text/json", "application/json, text/plain", "application/jsonx", "application/json; charset=utf-16"],
)
def test_any_other_content_type_is_415(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_body({"body": "{}"}, content_type)


def test_a_body_may_be_in_base64() -> None:
    assert read_body({"body": b64encode(b"\xff").decode(), "isBase64Encoded": True}, None) == b"\xff"
    with pytest.raises(InvalidRequest):
        read_body({"body": "!", "isBase64Encoded": True}, None)


def test_the_limit_counts_bytes() -> None:
    fits = "\u20ac" * (limits.REQUEST_BYTES // 3)
    assert read_body({"body": fits}, None)
    with pytest.raises(TooLarge):
        read_body({"body": fits + "xxx"}, None)
