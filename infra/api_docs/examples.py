"""Example bodies, composed of the examples of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_LEFT_OUT = frozenset({"if_match", "declassify"})
_REF = "#/components/schemas/"


def build_answer(schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401  # JSON
    """Builds a response with all of its members."""
    return _build_example(schema, schemas, every=True)


def build_body(schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401  # JSON
    """Builds a request body with the required fields and those that have an example."""
    return _build_example(schema, schemas, every=False)


def resolve(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """Resolves references; of several alternatives, the first."""
    if "$ref" in schema:
        return resolve(schemas[schema["$ref"].removeprefix(_REF)], schemas)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return resolve(schema[several][0], schemas)
    return schema


def _build_example(schema: Schema, schemas: Mapping[str, Schema], *, every: bool) -> Any:  # noqa: ANN401  # JSON
    if "examples" in schema:
        return schema["examples"][0]
    found = resolve(schema, schemas)
    if "examples" in found:
        return found["examples"][0]
    if _find_kind(found) == "object":
        shown = {
            name: each for name, each in found.get("properties", {}).items() if every or _is_shown(name, each, found)
        }
        return {name: _build_example(each, schemas, every=every) for name, each in shown.items()}
    if _find_kind(found) == "array":
        return [_build_example(found["items"], schemas, every=every)]
    return _build_plain({**found, **schema})


def _is_shown(name: str, schema: Schema, parent: Schema) -> bool:
    if name in parent.get("required", ()):
        return True
    variants = [schema, *schema.get("anyOf", ())]
    has_example = any("examples" in each or "$ref" in each or "items" in each for each in variants)
    return has_example and name not in _LEFT_OUT


def _find_kind(schema: Schema) -> str:
    """The type of a schema; null is ignored."""
    kinds = schema.get("type", "")
    return kinds if isinstance(kinds, str) else next(each for each in kinds if each != "null")


def _build_plain(schema: Schema) -> Any:  # noqa: ANN401  # JSON
    for name in ("const", "default"):
        if schema.get(name) is not None:
            return schema[name]
    if "enum" in schema:
        return schema["enum"][0]
    return {"boolean": False, "integer": schema.get("minimum", 0), "string": ""}[_find_kind(schema)]
