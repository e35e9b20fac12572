"""JSON that every parser reads the same way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits, strict_json

CANARY = "canary-77ab"
TEXTS = st.text(st.characters(codec="utf-8"))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


def nest(depth: int) -> str:
    """A number inside arrays, `depth` levels in all."""
    return "[" * (depth - 1) + "1" + "]" * (depth - 1)


@given(tree=TREES)
def test_standard_json_is_read_back(tree: object) -> None:
    assert strict_json.read(json.dumps(tree, allow_nan=False)) == (tree, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is not JSON"),
        (f"{{{CANARY}", "is not JSON"),
        (f'"{CANARY}" 1', "is not JSON"),
        ("9" * 5000, "has a number that is too large"),
        (f'{{"{CANARY}": 1, "{CANARY}": 2}}', "has a duplicate name in an object"),
        ('[{"a": {"b": 1, "\\u0062": 1}}]', "has a duplicate name in an object"),
        ("1e999", "has a number that is too large"),
        ('{"a": [-1e999]}', "has a number that is too large"),
        ("NaN", "has NaN, which is not JSON"),
        ("[-Infinity]", "has -Infinity, which is not JSON"),
        (f'"{CANARY}\\ud800"', "has half of a surrogate pair, which is not valid Unicode"),
        ('{"\\udc00": 1}', "has half of a surrogate pair, which is not valid Unicode"),
        (nest(limits.JSON_DEPTH + 1), "is nested more than 64 levels deep"),
        (nest(972), "is nested more than 64 levels deep"),
        (nest(100_000), "is nested more than 64 levels deep"),
        ("[" * 100_000, "is nested more than 64 levels deep"),
    ],
)
def test_ambiguous_json_is_a_fault_that_does_not_quote_it(text: str, fault: str) -> None:
    assert strict_json.read(text) == (None, fault)


def test_nesting_ends_where_the_limit_says() -> None:
    assert strict_json.read(nest(limits.JSON_DEPTH)).fault is None
    assert strict_json.read(nest(limits.JSON_DEPTH + 1)).members == {"limit": limits.JSON_DEPTH}


@pytest.mark.parametrize("text", ["{}", "{", "NaN"])
def test_a_fault_without_a_limit_names_none(text: str) -> None:
    assert strict_json.read(text).members == {}


@pytest.mark.parametrize(("text", "number"), [("7.0", 7), ("-0.5", -0.5), ("1e3", 1000), ("1e300", 1e300)])
def test_a_whole_number_is_an_integer_in_any_spelling(text: str, number: float) -> None:
    found = strict_json.read(text).value
    assert (found, type(found)) == (number, type(number))
