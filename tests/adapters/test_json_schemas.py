"""JSON Schema as the service uses it: validity of schemas, and where a value fails."""

import json
import threading

import pytest

from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.model.schema import parse_key_schema
from configsvc.service.engine.ports import Misfit


@pytest.fixture
def schemas() -> JsonSchemas:
    return JsonSchemas()


def render_schema(**keywords: object) -> str:
    return parse_key_schema("*", keywords).schema


def test_a_valid_value_has_no_misfit(schemas: JsonSchemas) -> None:
    assert schemas.find_misfit(render_schema(type="object", required=["a"]), {"a": 1}) is None


def test_a_misfit_names_the_place_and_the_rule(schemas: JsonSchemas) -> None:
    wanted = render_schema(properties={"pools": {"items": {"maximum": 9}}})
    assert schemas.find_misfit(wanted, {"pools": [1, 10]}) == Misfit("/pools/1", "/properties/pools/items/maximum")


@pytest.mark.parametrize(
    ("faulty", "place"),
    [
        ({"type": "strin"}, "/type"),
        ({"properties": {"a": {"minimum": "x"}}}, "/properties/a/minimum"),
        ({"pattern": "("}, "/pattern"),
        ({"pattern": "(?=look)"}, "/pattern"),
        ({"pattern": r"(a)\1"}, "/pattern"),
        ({"pattern": r"(\p{L}{200}){200}"}, "/pattern"),
        ({"format": "no-such-format"}, "/format"),
    ],
)
def test_an_invalid_schema_is_found_with_its_place(schemas: JsonSchemas, faulty: dict[str, object], place: str) -> None:
    assert schemas.find_fault(json.dumps(faulty)) == place


def test_an_external_reference_is_never_followed(schemas: JsonSchemas) -> None:
    assert schemas.find_fault('{"$ref": "http://127.0.0.1:9/schema"}') is not None


def test_a_valid_schema_has_no_fault(schemas: JsonSchemas) -> None:
    assert schemas.find_fault(render_schema(type="string", pattern="^[a-z]+$", format="uri")) is None


def test_formats_are_asserted(schemas: JsonSchemas) -> None:
    assert schemas.find_misfit(render_schema(format="date"), "2026-02-30") == Misfit("", "/format")


def test_a_pattern_that_makes_others_backtrack_is_matched_in_one_pass(schemas: JsonSchemas) -> None:
    assert schemas.find_misfit(render_schema(pattern="^(a+)+$"), "a" * 200_000 + "b") == Misfit("", "/pattern")


@pytest.mark.parametrize("odd", ["\ud800", float("inf")])
def test_a_value_that_the_library_cannot_check_is_a_misfit(schemas: JsonSchemas, odd: object) -> None:
    assert schemas.find_misfit(render_schema(type="number"), odd)


def test_threads_share_compiled_schemas(schemas: JsonSchemas) -> None:
    wanted = render_schema(maximum=5)
    found: list[Misfit | None] = []
    threads = [threading.Thread(target=lambda: found.append(schemas.find_misfit(wanted, 6))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Misfit("", "/maximum")] * 8


ALTERNATIVES = [{"const": number} for number in range(40)]


@pytest.mark.parametrize(
    ("keywords", "value", "place"),
    [
        ({"anyOf": ALTERNATIVES}, "x", Misfit("", "/anyOf")),
        ({"oneOf": ALTERNATIVES}, "x", Misfit("", "/oneOf")),
        ({"oneOf": [True, True]}, "x", Misfit("", "/oneOf")),
        ({"properties": {"anyOf": {"anyOf": ALTERNATIVES}}}, {"anyOf": []},
         Misfit("/anyOf", "/properties/anyOf/anyOf")),
        ({"allOf": [{"items": {"oneOf": [{"type": "null"}, {"anyOf": ALTERNATIVES}]}}]}, [1, "x"],
         Misfit("/1", "/allOf/0/items/oneOf")),
        ({"$defs": {"a": {"anyOf": ALTERNATIVES}}, "items": {"$ref": "#/$defs/a"}}, [50],
         Misfit("/0", "/$defs/a/anyOf")),
        ({"const": {"anyOf": 1}}, {"anyOf": [1]}, Misfit("", "/const")),
    ],
)  # fmt: skip
def test_alternatives_fail_at_their_place(
    schemas: JsonSchemas, keywords: dict[str, object], value: object, place: Misfit
) -> None:
    assert schemas.find_misfit(render_schema(**keywords), value) == place


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_alternatives_are_valid_as_before(schemas: JsonSchemas, keyword: str) -> None:
    wanted = render_schema(items={keyword: [{"const": 1}, {"type": "string"}], "maximum": 5})
    assert schemas.find_misfit(wanted, [1, "x"]) is None
    assert schemas.find_misfit(wanted, [2])


def test_failing_alternatives_give_one_error(schemas: JsonSchemas) -> None:
    """900 alternatives that each failed for 60,000 items built that many errors, each with a copy of the value."""
    wanted = render_schema(anyOf=[{"items": {"const": number}} for number in range(2, 450)])
    assert schemas.find_misfit(wanted, [1] * 60_000) == Misfit("", "/anyOf")


@pytest.mark.parametrize(
    ("pattern", "kib"),
    [("^[0-9]{4}$", 4), ("^[a-z0-9-]{1,63}$", 16), (r"^[\w.-]{1,128}$", 64), ("^.{1,100}$", 128)],
)
def test_a_pattern_weighs_by_its_compiled_size(schemas: JsonSchemas, pattern: str, kib: int) -> None:
    assert schemas.weigh(render_schema(pattern=pattern)).patterns == 6 * kib


@pytest.mark.parametrize("pattern", [r"\p{L}{1,40}", "(([ab]{0,66}){0,69})q", r"[^\n]{1,255}"])
def test_a_pattern_with_a_large_compiled_size_is_refused(schemas: JsonSchemas, pattern: str) -> None:
    assert schemas.find_fault(render_schema(pattern=pattern)) == "/pattern"
