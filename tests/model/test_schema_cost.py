"""The cost of checking a value against a schema, computed in advance."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.schema import parse_key_schema
from configsvc.model.schema_cost import SchemaWeight, ValueSize, measure_value, weigh_schema


def weigh(schema: dict[str, object]) -> SchemaWeight:
    return weigh_schema(parse_key_schema("*", schema).schema, len)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"anyOf": [{"const": 1}] * 9}, {"anyOf": [{"const": 1}] * 10}),
        ({"enum": list(range(10))}, {"enum": list(range(99))}),
        ({"const": "x"}, {"const": {"a": [1, 2, 3]}}),
        ({"required": ["a"]}, {"required": ["a", "b", "c"]}),
        ({"minimum": 1}, {"multipleOf": 0.1}),
        ({"items": {"minimum": 1}}, {"items": {"minimum": 1, "maximum": 2}}),
        ({"$defs": {"a": {"enum": [1, 2]}}, "$ref": "#/$defs/a"},
         {"$defs": {"a": {"enum": [1, 2]}}, "allOf": [{"$ref": "#/$defs/a"}] * 2}),
    ],
)  # fmt: skip
def test_a_schema_that_checks_more_weighs_more(less: dict[str, object], more: dict[str, object]) -> None:
    assert weigh(less).parts < weigh(more).parts


def test_definitions_weigh_only_where_they_are_used() -> None:
    assert weigh({"$defs": {"a": {"enum": list(range(50))}}}) == weigh({})


def test_annotations_weigh_nothing() -> None:
    described: dict[str, object] = {
        "title": "t", "description": "d" * 500, "examples": list(range(99)), "default": [1], "type": "array",
    }  # fmt: skip
    assert weigh(described) == weigh({"type": "array"})


def test_patterns_weigh_by_their_compiled_size() -> None:
    schema: dict[str, object] = {
        "pattern": "abc",
        "patternProperties": {"de": True, "f": True},
        "items": {"pattern": "ghij"},
    }
    assert weigh(schema).patterns == 3 + 2 + 1 + 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def measure(node: object) -> int:
    if isinstance(node, dict):
        return 1 + sum(1 + measure(each) for each in node.values())
    return 1 + sum(map(measure, node)) if isinstance(node, list) else 1


@given(JSON)
def test_the_measured_size_is_never_below_the_actual_size(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, separators=(",", ":"), ensure_ascii=False)):
        assert measure_value(text, is_json=True).values >= measure(value)


def test_text_is_one_value_and_its_bytes() -> None:
    assert measure_value("a,b:[c" * 16, is_json=False) == ValueSize(1, 7)


def test_work_is_parts_times_size_and_patterns_times_text() -> None:
    assert SchemaWeight(10, 6).work(ValueSize(100, 5)) == 10 * 105 + 6 * 5
