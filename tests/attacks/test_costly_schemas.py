"""A writer with `write`, or an administrator of one namespace, who wants the function to work until its timeout."""

from __future__ import annotations

import json

import pytest

from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, TooLarge
from configsvc.model.schema import parse_key_schema
from configsvc.service.engine.ports import Misfit
from tests.support.service.world import World, make_world, text

LONG = "x" * 260_000
NUMBERS = json.dumps([1.5] * 50_000)
MANY = json.dumps({f"{number:x}": number for number in range(15_000)})
SLOW = r"(?:(?:(?:a)?){20}){1,25}\b\b[QZ]"  # each byte of text takes many steps, in linear time all the same


class Counting(JsonSchemas):
    """How many values were checked."""

    def __init__(self) -> None:
        super().__init__()
        self.checked = 0

    def find_misfit(self, schema: str, value: object) -> Misfit | None:
        self.checked += 1
        return super().find_misfit(schema, value)


@pytest.fixture
def world() -> World:
    world = make_world()
    world.ports = world.ports._replace(schemas=Counting())
    return world


def checked(world: World) -> int:
    assert isinstance(world.ports.schemas, Counting)
    return world.ports.schemas.checked


COSTLY: list[tuple[dict[str, object], str]] = [
    ({"anyOf": [{"const": number} for number in range(900)]}, json.dumps(LONG)),
    ({"anyOf": [{"const": number} for number in range(900)]}, NUMBERS),
    ({"anyOf": [{"items": {"const": number}} for number in range(450)]}, NUMBERS),
    ({"oneOf": [{"const": f"{number}"} for number in range(450)]}, NUMBERS),
    ({"items": {"enum": list(range(500))}}, NUMBERS),
    ({"anyOf": [{"contains": {"enum": list(range(20))}}]}, json.dumps([1e-300] * 1700)),
    ({"items": {"anyOf": [{"multipleOf": 1e-300}, {"multipleOf": 0.7}]}}, NUMBERS),
    ({"allOf": [{"not": {"contains": {"const": number}}} for number in range(300)]}, NUMBERS),
    ({"if": {"items": {"enum": list(range(300))}}, "then": False}, NUMBERS),
    ({"anyOf": [{"propertyNames": {"const": f"{number}"}} for number in range(300)]}, MANY),
    ({"patternProperties": {SLOW: True}, "additionalProperties": {"enum": [1, 2, 3, 4, 5]}}, MANY),
    ({"pattern": SLOW}, json.dumps(LONG)),
    ({"$defs": {"a": {"items": {"enum": [1, 2, 3]}}}, "anyOf": [{"$ref": "#/$defs/a"}] * 300}, NUMBERS),
]


@pytest.mark.parametrize(("schema", "value"), COSTLY, ids=lambda each: json.dumps(each)[:60])
def test_a_value_too_costly_to_check_is_refused_unchecked(world: World, schema: dict[str, object], value: str) -> None:
    world.set(schemas=(parse_key_schema("*", schema),))
    with pytest.raises(TooLarge, match="parts of the schemas") as refused:
        world.put(text("k", value, content_type="application/json"))
    assert refused.value.members["limit"] == limits.SCHEMA_WORK
    assert "simplify the schemas" in refused.value.detail
    assert checked(world) == 0


def test_many_values_in_one_change_set_count_together(world: World) -> None:
    world.set(schemas=(parse_key_schema("*", {"items": {"enum": list(range(20))}}),))
    value = json.dumps([1] * 1000)
    assert world.put(text("k", value, content_type="application/json")).status == 201
    with pytest.raises(TooLarge):
        world.change(*(text(f"k{number}", value, content_type="application/json") for number in range(20)))


def test_many_schemas_for_one_key_count_together(world: World) -> None:
    value = json.dumps([1] * 4000)
    schemas = tuple(parse_key_schema(f"k.{'a.' * number}*", {"items": {"minimum": 0}}) for number in range(20))
    world.set(schemas=schemas)
    key = "k." + "a." * 20 + "z"
    with pytest.raises(TooLarge):
        world.put(text(key, value, content_type="application/json"))


def test_900_constants_and_a_long_text_are_cheap_to_check(world: World) -> None:
    """The case that took 15 s: each constant left an error with a copy of the text."""
    world.set(schemas=(parse_key_schema("*", {"anyOf": [{"const": number} for number in range(8)]}),))
    with pytest.raises(ConfigsvcError) as refused:
        world.put(text("k", LONG[:20_000]))
    assert refused.value.code == "invalid_value"


def test_what_people_write_is_checked(world: World) -> None:
    service = {
        "type": "object", "required": ["host", "port"], "additionalProperties": False,
        "properties": {
            "host": {"type": "string", "format": "hostname"},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "mode": {"enum": ["on", "off", "auto"]},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 40}},
            "name": {"type": "string", "pattern": "^[a-z0-9-]{1,63}$"},
        },
    }  # fmt: skip
    world.set(schemas=(parse_key_schema("*", {"type": "array", "items": service}),))
    one = {"host": "db.internal", "port": 5432, "mode": "auto", "tags": ["blue", "eu"], "name": "db-1"}
    assert world.put(text("k", json.dumps([one] * 60), content_type="application/json")).status == 201


def test_patterns_of_a_namespace_are_counted_because_each_is_compiled(world: World) -> None:
    schemas = tuple(
        parse_key_schema(f"k{number}", {"allOf": [{"pattern": f"^a{each}"} for each in range(30)]})
        for number in range(3)
    )
    with pytest.raises(TooLarge, match="64 patterns in total"):
        world.set(schemas=schemas)


def nested(depth: int) -> list[str]:
    """Arrays of nothing, which differ by their brackets alone."""
    shapes = [""]
    for _ in range(depth):
        shapes = [*shapes, *(f"[{each}]" + (f",{other}" if other else "") for each in shapes for other in shapes)]
    return [f"[{each}]" for each in dict.fromkeys(shapes)]


COLLIDING = {
    "numbers of one double": [f"{10**23 + number}" for number in range(9000)],
    "numbers of many digits": ["7" * 4000 + f"{number}" for number in range(50)],
    "brackets": nested(4)[:2000],
    "names of nothing": [f'[{{"a":{each}}}]' for each in nested(4)[:1500]],
}


@pytest.mark.parametrize("items", COLLIDING.values(), ids=COLLIDING)
def test_items_with_equal_hashes_are_distinguished_in_one_pass(world: World, items: list[str]) -> None:
    """9,000 numbers took 15 s. They are checked ten times here, and the time that a test is given would end that."""
    world.set(schemas=(parse_key_schema("*", {"uniqueItems": True}),))
    for number in range(10):
        assert world.put(text("k", f"[{number},{','.join(items)}]", content_type="application/json")).status < 300
    with pytest.raises(ConfigsvcError) as refused:
        world.put(text("k", f"[{','.join([*items, items[0]])}]", content_type="application/json"))
    assert refused.value.code == "invalid_value"
