"""Schemas in a form that common client generators read without loss.

JSON Schema has several ways to express one thing, and OpenAPI Generator, openapi-python-client and others read only
some of them. Where an equivalent form exists that all of them read, this module writes that form.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_NULL = {"type": "null"}
_INT32 = 2**31 - 1
_VALUES = frozenset({"default", "example", "examples", "enum", "const"})
"""Keywords that contain a value and not a schema."""


def make_portable(node: Any) -> Any:  # noqa: ANN401  # JSON
    """Converts a schema and all schemas in it to the portable form, which accepts the same values."""
    if isinstance(node, list):
        return [make_portable(each) for each in node]
    if not isinstance(node, dict):
        return node
    return _add_int_format(
        _convert_date(_convert_nullable({name: _convert_inner(name, each) for name, each in node.items()}))
    )


def _convert_inner(name: str, node: Any) -> Any:  # noqa: ANN401  # JSON
    if name == "properties":
        return {member: make_portable(schema) for member, schema in node.items()}
    return node if name in _VALUES else make_portable(node)


def _convert_nullable(schema: Json) -> Json:
    """Turns `anyOf` a type or null into a list of types. References and enums stay: no list can contain them."""
    variants = schema.get("anyOf", [])
    others = [each for each in variants if each != _NULL]
    if len(others) == len(variants) or len(others) != 1:
        return schema
    kept = {name: each for name, each in schema.items() if name != "anyOf" and (name, each) != ("default", None)}
    (other,) = others
    if "$ref" in other or "enum" in other:
        return {"anyOf": variants, **kept}
    return {**other, **kept, "type": [other["type"], "null"]}


def _convert_date(schema: Json) -> Json:
    """Removes the pattern of a date: generators turn the format into a date object, which no pattern matches."""
    if schema.get("format") in {"date", "date-time"}:
        return {name: each for name, each in schema.items() if name != "pattern"}
    return schema


def _add_int_format(schema: Json) -> Json:
    """Adds a format, because without one an integer has 32 bits in Go, Java and C#, and a revision may need more."""
    kinds = schema.get("type", ())
    if kinds != "integer" and "integer" not in kinds:
        return schema
    return schema if schema.get("maximum", _INT32 + 1) <= _INT32 else {**schema, "format": "int64"}
