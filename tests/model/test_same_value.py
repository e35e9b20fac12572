from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.json_text import parse, render
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import ContentType

ROOT = Path(__file__).parents[2]
JSON: ContentType = "application/json"
ALIKE_IN_PYTHON = [b"true", b"1", b"1.0", b"1e0", b'"1"', b"[1]", b"[true]", b'{"a":1}', b'{"a":true}', b"1.00"]
EMPTY_IN_PYTHON = [b"false", b"0", b"0.0", b"-0", b"null", b'""', b"[]", b"{}", b"[false]", b"[0]", b"[null]"]


@pytest.mark.parametrize("values", [ALIKE_IN_PYTHON, EMPTY_IN_PYTHON])
def test_json_that_python_calls_equal_can_differ(values: list[bytes]) -> None:
    for one, other in combinations(values, 2):
        assert not same_value(JSON, one, other), (one, other)
        assert same_value(JSON, one, b" " + one + b"\n")


def test_json_is_compared_by_content() -> None:
    assert same_value(JSON, b'{"b": [1, 2], "a": "\\u00e9"}', '{"a":"é","b":[1,2]}'.encode())
    assert not same_value(JSON, b"[1,2]", b"[2,1]")
    assert not same_value(JSON, b'{"a":1}', b'{"a":1,"b":null}')


def test_digits_that_a_float_would_lose_make_a_difference() -> None:
    assert not same_value(JSON, b"12345678901234567890.25", b"12345678901234567890.26")
    assert not same_value(JSON, b"9007199254740993", b"9007199254740992.0")
    assert not same_value(JSON, b"1.1", b"1.10")
    assert not same_value(JSON, b"1e400", b"1e401")


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream"])
def test_text_and_bytes_are_compared_byte_by_byte(kind: ContentType) -> None:
    assert same_value(kind, b"a\r\n", b"a\r\n")
    assert not same_value(kind, b"a\r\n", b"a\n")
    assert not same_value(kind, b"1", b"1 ")


def test_what_is_no_json_is_compared_byte_by_byte() -> None:
    assert same_value(JSON, b"{", b"{")
    assert not same_value(JSON, b"{", b"{ ")
    assert not same_value(JSON, b"", b"null")
    assert not same_value(JSON, b"[" * 100_000, b"[" * 100_001)


@given(st.recursive(st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_a_value_is_the_same_in_another_layout(tree: object) -> None:
    text = render(tree)
    assert same_value(JSON, text.encode(), render(parse(text), 4).encode())


def test_no_other_module_compares_values_itself() -> None:
    comparison = re.compile(r"(\.data|canonical_json\([^)]*\)|json\.loads\([^)]*\)|parse\(\w+\)) (==|!=) ")
    sources = [path for folder in ("configsvc", "client") for path in (ROOT / folder).rglob("*.py")]
    assert {path.name for path in sources if comparison.search(path.read_text())} == {"same_value.py"}
