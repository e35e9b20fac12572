"""Plain values are validated against the schemas of their keys when they are put."""

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Activate
from configsvc.model.errors import InvalidValue, Unprocessable
from configsvc.model.schema import KeySchema, parse_key_schema
from configsvc.model.schema_cost import SchemaWeight
from tests.support.service.world import World, make_world, sealed, text

POOL = parse_key_schema(
    "limits.*",
    {"type": "object", "properties": {"pool": {"type": "integer", "maximum": 10}}, "additionalProperties": False},
)
SHORT = parse_key_schema("name", {"maxLength": 3})


@pytest.fixture
def world() -> World:
    world = make_world()
    world.set(schemas=(POOL, SHORT))
    return world


def put_json(world: World, key: str, value: str) -> int:
    return world.put(text(key, value, content_type="application/json")).status


def test_a_value_that_fits_is_stored(world: World) -> None:
    assert put_json(world, "limits.db", '{"pool": 10}') == 201


def test_a_value_that_breaks_its_schema_is_refused_with_both_pointers(world: World) -> None:
    before = world.stored()
    with pytest.raises(InvalidValue) as refused:
        put_json(world, "limits.db", '{"pool": 4711}')
    assert refused.value.members == {
        "key": "limits.db", "pointer": "/pool", "schema_pointer": "/properties/pool/maximum", "keys": "limits.*",
        "rule": "maximum", "limit": "10",
    }  # fmt: skip
    assert refused.value.detail == (
        "limits.db does not fit the namespace's schema for limits.*. /pool breaks the rule maximum: 10."
    )
    assert refused.value.__cause__ is None
    assert world.stored() == before


def test_a_staged_value_must_fit_its_schema_too(world: World) -> None:
    with pytest.raises(InvalidValue):
        world.put(text("name", "long", activate=False))


def test_text_is_validated_as_a_string(world: World) -> None:
    assert world.put(text("name", "abc")).status == 201
    with pytest.raises(InvalidValue):
        world.put(text("name", "abcd"))
    with pytest.raises(InvalidValue):
        world.put(text("limits.db", '{"pool": 1}'))


def test_a_value_must_fit_every_schema_of_its_key(world: World) -> None:
    world.set(schemas=(parse_key_schema("*", {"type": "string"}), SHORT))
    with pytest.raises(InvalidValue) as refused:
        put_json(world, "name", "7")
    assert refused.value.members["keys"] == "*"
    with pytest.raises(InvalidValue) as refused:
        world.put(text("name", "abcd"))
    assert refused.value.members["keys"] == "name"


def test_keys_without_a_schema_take_anything(world: World) -> None:
    assert put_json(world, "limits", "[1]") == 201


def test_a_sealed_value_is_not_validated(world: World) -> None:
    assert world.put(sealed("name", 1, ciphertext=b"longer than three")).status == 201


@pytest.mark.parametrize("value", ['{"pool": 1, "pool": 11}', '{"pool": 11, "pool": 1}', '{"a": {"b": 1, "b": 1}}'])
@pytest.mark.parametrize("key", ["limits.db", "other"], ids=["with a schema", "without"])
def test_a_duplicate_member_is_refused(world: World, key: str, value: str) -> None:
    with pytest.raises(Unprocessable, match="duplicate name") as refused:
        put_json(world, key, value)
    assert refused.value.code == "unprocessable"


@pytest.mark.parametrize("value", ['"\\ud800"', "1e999", '{"pool": 1e999}'])
@pytest.mark.parametrize("key", ["limits.db", "other"], ids=["with a schema", "without"])
def test_json_that_readers_would_disagree_on_is_refused(world: World, key: str, value: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        put_json(world, key, value)
    assert refused.value.code == "unprocessable"
    assert value not in str(refused.value)


@pytest.mark.parametrize("depth", [limits.JSON_DEPTH + 1, *range(965, 980)])
@pytest.mark.parametrize("key", ["limits.db", "other"], ids=["with a schema", "without"])
def test_nesting_too_deep_for_readers_is_refused(world: World, key: str, depth: int) -> None:
    with pytest.raises(Unprocessable, match="levels deep") as refused:
        put_json(world, key, "[" * depth + "]" * depth)
    assert refused.value.members == {"key": key, "limit": limits.JSON_DEPTH}


def test_a_change_set_names_every_value_that_does_not_fit(world: World) -> None:
    with pytest.raises(InvalidValue) as refused:
        world.change(text("name", "abcd"), text("other"), text("limits.a", "x"))
    failed = refused.value.members["failed"]
    assert isinstance(failed, list)
    assert [(each["key"], each["code"]) for each in failed if isinstance(each, dict)] == [
        ("name", "invalid_value"), ("limits.a", "invalid_value"),
    ]  # fmt: skip


def test_a_version_from_before_the_schema_can_be_activated(world: World) -> None:
    world.set(schemas=())
    world.put(text("name", "from before"))
    world.put(text("name", "abc"))
    world.set(schemas=(SHORT,))
    world.change(Activate(names.parse_key("name"), 1))
    assert "from before" in (world.fetch().body or "")


def test_no_schema_is_compiled_for_keys_without_one(world: World) -> None:
    class Refusing:
        def find_fault(self, schema: str) -> None:
            raise AssertionError(schema)

        def weigh(self, schema: str) -> SchemaWeight:
            raise AssertionError(schema)

        def find_misfit(self, schema: str, value: object) -> None:
            raise AssertionError(schema, value)

    world.ports = world.ports._replace(schemas=Refusing())
    assert world.put(text("other")).status == 201
    assert world.put(sealed("limits.db", 1)).status == 201


def test_a_schema_is_a_text_with_its_key_pattern() -> None:
    assert KeySchema("name", '{"maxLength":3}') == SHORT
