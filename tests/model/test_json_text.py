from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.json_text import JsonNumber, parse, render

SPELLINGS = ["0", "-0", "1.10", "1e3", "1E+3", "12e400", "12345678901234567890.25", "9" * 5000, "-0.0", "100e-2"]

TREES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_number_keeps_its_spelling(spelling: str, indent: int | None) -> None:
    assert render(parse(spelling), indent) == spelling
    assert spelling in render(parse(f'{{"a":[{spelling}]}}'), indent)


@pytest.mark.parametrize("indent", [None, 2])
@given(tree=TREES)
def test_another_parser_reads_the_same_from_what_is_rendered(indent: int | None, tree: object) -> None:
    text = render(parse(json.dumps(tree)), indent)
    assert json.loads(text) == tree
    assert render(parse(text), indent) == text


@given(tree=TREES)
def test_the_layout_is_that_of_the_standard_library(tree: object) -> None:
    assert render(tree, 2) == json.dumps(tree, ensure_ascii=False, indent=2)
    assert render(tree) == json.dumps(tree, ensure_ascii=False, separators=(",", ":"))


def test_a_tuple_is_a_list() -> None:
    assert render({"a": (1, JsonNumber("1.10"), ())}) == '{"a":[1,1.10,[]]}'


def test_a_number_equals_neither_a_bool_nor_a_text() -> None:
    others: tuple[object, ...] = (True, 1, "1", 1.0, False, 0, "0", None)
    assert JsonNumber("1") not in others
    assert JsonNumber("0") not in others


def test_half_a_surrogate_pair_is_escaped() -> None:
    text = render(parse(r'["\ud800", "é"]'))
    assert text == r'["\ud800","é"]'
    assert text.encode()


@pytest.mark.parametrize(
    "text", ["", "NaN", "[Infinity]", "{'a': 1}", "1 2", "01", "[1,]", b"\xff", '"a"'.encode("utf-16")]
)
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(text)
