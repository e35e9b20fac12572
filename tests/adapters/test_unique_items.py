"""`uniqueItems` as JSON Schema defines it, also for hostile items."""

import json

import pytest

from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.model.schema import parse_key_schema
from configsvc.service.engine.ports import Misfit

UNIQUE = parse_key_schema("*", {"properties": {"a": {"uniqueItems": True}}}).schema
TWICE = Misfit("/a", "/properties/a/uniqueItems")


def find_misfit(text: str) -> Misfit | None:
    return JsonSchemas().find_misfit(UNIQUE, json.loads(text))


@pytest.mark.parametrize(
    "items",
    [
        "[1, 1.0]", "[1e2, 100]", "[null, null]", "[[1, [2]], [1, [2]]]", '[{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]',
        '["ü", "\\u00fc"]', "[9007199254740993, 9007199254740993]", "[-0.0, 0]",
        f"[1e300, 1{'0' * 300}]",
    ],
)  # fmt: skip
def test_items_that_json_schema_calls_equal_are_duplicates(items: str) -> None:
    assert find_misfit(f'{{"a": {items}}}') == TWICE


@pytest.mark.parametrize(
    "items",
    [
        "[1, true]", "[0, false]", '[1, "1"]', '[null, "null"]', "[[1, 2], [2, 1]]", "[[1], [[1]]]", "[{}, []]",
        '[{"a": 1}, {"a": 2}]', '["a,b", "a", "b"]', '["\\"", "\\\\"]', "[9007199254740993, 9007199254740992]",
        '[["a"], "[a]"]', '[{"a:1": 2}, {"a": "1:2"}]', "[10, 16]",
    ],
)  # fmt: skip
def test_different_items_are_unique(items: str) -> None:
    assert find_misfit(f'{{"a": {items}}}') is None


@pytest.mark.parametrize("value", ["{}", '{"a": "aa"}', '{"a": {"b": 1}}', '{"a": []}'])
def test_only_arrays_are_checked(value: str) -> None:
    assert find_misfit(value) is None


def test_false_checks_nothing() -> None:
    schema = parse_key_schema("*", {"uniqueItems": False}).schema
    assert JsonSchemas().find_misfit(schema, [1, 1]) is None


def test_a_value_other_than_true_or_false_is_no_schema() -> None:
    assert JsonSchemas().find_fault('{"uniqueItems": 1}') == "/uniqueItems"
