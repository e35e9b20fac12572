"""A refusal names the rule, the place and the limit that the validator finds."""

from __future__ import annotations

import json

import pytest

from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.model.broken_rule import find_broken_rule

CANARY = "canary-9a7e"


@pytest.mark.parametrize(
    ("schema", "value", "pointer", "rule", "limit"),
    [
        ({"type": "integer"}, CANARY, "", "type", '"integer"'),
        ({"properties": {"a": {"maximum": 5}}}, {"a": 4711}, "/a", "maximum", "5"),
        ({"minLength": 30}, CANARY, "", "minLength", "30"),
        ({"required": ["a", "b"]}, {"a": 1}, "", "required", '["a", "b"]'),
        ({"enum": ["on", "off"]}, CANARY, "", "enum", '["on", "off"]'),
        ({"const": 7}, CANARY, "", "const", "7"),
        ({"format": "date"}, CANARY, "", "format", '"date"'),
        ({"additionalProperties": False}, {CANARY: 1}, "", "additionalProperties",
         "only properties named in the schema"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, CANARY, "", "anyOf", "none of its 2 alternatives matches"),
        ({"properties": {"p": {"oneOf": [{"type": "integer"}, {"minimum": 1}]}}}, {"p": 4}, "/p", "oneOf",
         "not exactly one of its 2 alternatives matches"),
        ({"not": {"type": "string"}}, CANARY, "", "not", "a value that does not match its schema"),
        ({"$defs": {"u": {"pattern": "^x"}}, "$ref": "#/$defs/u"}, CANARY, "", "pattern", '"^x"'),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "", "dependentRequired", '{"a": ["b"]}'),
        ({"contains": {"type": "integer"}}, [CANARY], "", "contains", "at least one matching item"),
        ({"if": {"type": "string"}, "then": {"minLength": 40}}, CANARY, "", "minLength", "40"),
        ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 4711, "", "maximum", "3"),
        ({"prefixItems": [{"type": "null"}]}, [CANARY], "/0", "type", '"null"'),
        ({"properties": {"a": False}}, {"a": CANARY}, "/a", "properties", "no value is allowed here"),
        ({"properties": {"anyOf": {"type": "null"}}}, {"anyOf": CANARY}, "/anyOf", "type", '"null"'),
        ({"properties": {"properties": {"maxLength": 2}}}, {"properties": CANARY}, "/properties", "maxLength", "2"),
        ({"properties": {"a/b~": {"type": "null"}}}, {"a/b~": CANARY}, "/a~1b~0", "type", '"null"'),
        ({"enum": ["x" * 500]}, CANARY, "", "enum", '["' + "x" * 118 + "…"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_rule_place_and_limit_of_the_validator(
    schema: dict[str, object], value: object, pointer: str, rule: str, limit: str
) -> None:
    text = json.dumps(schema)
    misfit = JsonSchemas().find_misfit(text, value)
    assert misfit is not None
    assert (misfit.pointer, *find_broken_rule(text, misfit.schema_pointer)) == (pointer, rule, limit)
    assert CANARY not in str(find_broken_rule(text, misfit.schema_pointer))


def test_an_uncheckable_value_is_reported_as_such() -> None:
    assert find_broken_rule("{}", "") == ("depth", "it is nested too deep, or contains half of a surrogate pair")
