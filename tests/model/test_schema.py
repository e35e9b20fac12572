"""Schemas of plain values: JSON Schema restricted to bounded time."""

import json

import pytest

from configsvc.model import limits, names
from configsvc.model.errors import ConfigsvcError, InvalidName, TooLarge, Unprocessable
from configsvc.model.schema import (
    KeySchema,
    check_schema_set,
    load_schema,
    parse_key_schema,
    render_pointer,
    select_schemas,
)


def refuse_schema(schema: dict[str, object]) -> ConfigsvcError:
    with pytest.raises((Unprocessable, TooLarge)) as caught:
        parse_key_schema("*", schema)
    return caught.value


def test_a_schema_is_stored_canonically_and_read_back() -> None:
    schema = {"type": "object", "properties": {"b": {"minimum": 1}, "a": True}}
    kept = parse_key_schema("limits.*", schema)
    assert kept == parse_key_schema("limits.*", json.loads(json.dumps(schema, sort_keys=True)))
    assert load_schema(kept) == schema


def test_definitions_are_named_within_the_schema() -> None:
    schema = {"$defs": {"port": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/port"}}}
    assert parse_key_schema("*", schema)


@pytest.mark.parametrize("keys", ["*", "db.pool", "limits.*", "a.b.*", "A_-.*"])
def test_key_patterns_are_exact_a_prefix_or_all(keys: str) -> None:
    assert parse_key_schema(keys, {}).keys == keys


@pytest.mark.parametrize("keys", ["", "a*", "*.a", "a.*.b", ".*", "a/b", "a.**"])
def test_other_key_patterns_are_refused(keys: str) -> None:
    with pytest.raises(InvalidName):
        parse_key_schema(keys, {})


def test_every_matching_key_pattern_applies() -> None:
    schemas = [KeySchema(keys, "{}") for keys in ("*", "limits.*", "limits.a", "limits", "other.*")]
    assert [each.keys for each in select_schemas(schemas, names.parse_key("limits.a"))] == ["*", "limits.*", "limits.a"]


@pytest.mark.parametrize(
    "ref", ["http://example.com/s", "file:///etc/passwd", "#", "#/properties/a", "other", "#/$defs/none", 5]
)
def test_an_external_reference_is_refused(ref: object) -> None:
    error = refuse_schema({"$defs": {"a": True}, "properties": {"x": {"$ref": ref}}})
    assert error.members["pointer"] == "/properties/x/$ref"


@pytest.mark.parametrize(
    "definitions",
    [
        {"a": {"$ref": "#/$defs/a"}},
        {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}},
        {"a": {"properties": {"child": {"$ref": "#/$defs/a"}}}},
    ],
)
def test_a_recursive_definition_is_refused(definitions: dict[str, object]) -> None:
    assert "itself" in refuse_schema({"$defs": definitions}).detail


@pytest.mark.parametrize(
    "keyword", ["$id", "$anchor", "$dynamicRef", "$recursiveRef", "unevaluatedProperties", "definitions", "requird"]
)
def test_an_unsupported_keyword_is_an_error(keyword: str) -> None:
    error = refuse_schema({"items": {keyword: {}}})
    assert error.members["pointer"] == f"/items/{keyword}"


def test_a_schema_of_another_draft_is_refused() -> None:
    assert refuse_schema({"$schema": "http://json-schema.org/draft-07/schema#"}).members["pointer"] == "/$schema"
    assert parse_key_schema("*", {"$schema": "https://json-schema.org/draft/2020-12/schema"})


@pytest.mark.parametrize("schema", [{"items": 5}, {"allOf": {}}, {"properties": []}, {"$defs": []}, {"not": None}])
def test_a_part_that_is_not_a_schema_is_refused(schema: dict[str, object]) -> None:
    assert isinstance(refuse_schema(schema), Unprocessable)


def test_short_definitions_that_expand_exponentially_are_too_large() -> None:
    level = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(12)}
    error = refuse_schema({"$defs": {**level, "d12": True}, "$ref": "#/$defs/d0"})
    assert (error.status, error.members["limit"]) == (413, limits.SCHEMA_NODES)


def test_a_schema_that_nests_too_deep_is_refused() -> None:
    schema: dict[str, object] = {}
    for _ in range(limits.SCHEMA_DEPTH):
        schema = {"items": schema}
    assert "deep" in refuse_schema(schema).detail


def test_a_long_chain_of_definitions_is_too_deep() -> None:
    chain: dict[str, object] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(300)}
    assert "deep" in refuse_schema({"$defs": {**chain, "d300": True}}).detail


def test_patterns_are_limited_in_length_and_number() -> None:
    assert parse_key_schema("*", {"pattern": "a" * limits.SCHEMA_PATTERN})
    assert refuse_schema({"pattern": "a" * (limits.SCHEMA_PATTERN + 1)}).members["pointer"] == "/pattern"
    many: dict[str, object] = {f"^{n}$": True for n in range(limits.SCHEMA_PATTERNS + 1)}
    assert "patterns" in refuse_schema({"patternProperties": many}).detail


def test_one_schema_and_all_schemas_are_limited_in_size() -> None:
    large = {"description": "x" * (limits.SCHEMA_BYTES - 100)}
    schemas = tuple(parse_key_schema(keys, large) for keys in ("a", "b"))
    assert check_schema_set(schemas) == schemas
    with pytest.raises(TooLarge):
        check_schema_set((*schemas, parse_key_schema("c", large)))
    assert isinstance(refuse_schema({"description": "x" * limits.SCHEMA_BYTES}), TooLarge)


def test_a_key_pattern_has_one_schema() -> None:
    with pytest.raises(Unprocessable):
        check_schema_set((KeySchema("a", "{}"), KeySchema("a", "true")))


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), "\ud800"])
def test_a_schema_must_be_valid_json(odd: object) -> None:
    assert isinstance(refuse_schema({"const": odd}), Unprocessable)


def test_a_pointer_is_escaped_and_bounded() -> None:
    assert render_pointer(["a/b", "c~d", 3]) == "/a~1b/c~0d/3"
    assert len(render_pointer(["x" * 10_000])) == limits.POINTER + 1
