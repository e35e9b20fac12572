"""The schemas of the document: requests, responses, names and problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from configsvc.model import errors
from configsvc.web.bodies import catalogue, changes, common
from configsvc.web.description import Route
from infra.api_docs.portable import make_portable

REF = "#/components/schemas/"
_TIME = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z)?$"
TEXTS: dict[str, dict[str, Any]] = {
    "Namespace": common.NAMESPACE,
    "Key": common.KEY,
    "Kid": common.KID,
    "Principal": common.PRINCIPAL,
    "Author": common.AUTHOR,
    "NamespacePrefix": {"pattern": "^(?:[a-z0-9][a-z0-9._-]{0,63})?$"},
    "KeyPrefix": {"pattern": "^(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,254})?$"},
    "Cursor": {"minLength": 1, "description": "The cursor of an earlier response. Its format may change."},
    "Flag": {"enum": ["true", "false"]},
    "Time": {"pattern": _TIME.replace(r"\d", "[0-9]"), "description": "RFC 3339 in UTC, or a date."},
    "Order": {"enum": ["oldest", "newest"]},
}
"""Schemas of texts in path or query, by the shape in their parameter."""
NAMES = frozenset(TEXTS) - {"Cursor", "Flag", "Order", "Time"}
"""The shapes that lead to `invalid_name` if they are misspelled."""


def refer_to(name: str) -> dict[str, Any]:
    """Builds a reference to a schema of the document."""
    return {"$ref": REF + name}


def build_components(routes: Iterable[Route]) -> dict[str, Any]:
    """Builds all schemas, by name."""
    found: dict[str, Any] = {}
    for model, mode in sorted(_list_models(routes), key=lambda each: _name_model(each[0])):
        _, made = models_json_schema([(model, mode)], ref_template=REF + "{model}")
        dropped = {"title"} if mode == "validation" else {"title", "additionalProperties", "default"}
        found |= {_strip_name(name): _clean(schema, dropped) for name, schema in made["$defs"].items()}
    unions = {
        name: {"oneOf": [refer_to(_name_model(model)) for model in models]}
        for name, models in catalogue.ANSWERS.items()
        if len(models) > 1
    }
    every = {**found, **unions, "Operation": _extract_operation(found["ChangeSet"]), "Problem": _build_problem()}
    every["FailedOperation"]["additionalProperties"] = True
    return {name: make_portable(schema) for name, schema in sorted(every.items())}


def _extract_operation(change_set: dict[str, Any]) -> dict[str, Any]:
    """Extracts the union of operations from the change set, because generators invent a name for a nested schema."""
    operations = change_set["properties"]["operations"]
    union: dict[str, Any] = operations["items"]
    operations["items"] = refer_to("Operation")
    return {"description": "One operation. `op` is its kind.", **union}


def _list_models(routes: Iterable[Route]) -> Iterator[tuple[type[BaseModel], Any]]:
    for route in routes:
        if route.description.body:
            yield catalogue.BODIES[route.description.body], "validation"
        for name in filter(None, route.description.answers.values()):
            for model in catalogue.ANSWERS[name]:
                yield model, "serialization"
    yield catalogue.FieldProblem, "serialization"
    yield changes.FailedOperation, "serialization"


def _name_model(model: type[BaseModel]) -> str:
    return _strip_name(model.__name__)


def _strip_name(name: str) -> str:
    return name.rstrip("_")


def _clean(schema: Any, dropped: AbstractSet[str]) -> Any:  # noqa: ANN401  # JSON
    """Removes the titles that pydantic derives from names, and lets responses have further members."""
    if isinstance(schema, list):
        return [_clean(each, dropped) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: each for name, each in schema.items() if name not in dropped or isinstance(each, dict)}
    return {name: each if name in {"default", "examples"} else _clean(each, dropped) for name, each in kept.items()}


def _build_codes() -> dict[str, Any]:
    """No `enum`, because a generated client would fail on codes that are added later."""
    return {
        "type": "string",
        "x-extensible-enum": sorted(error.code for error in errors.SENT),
        "description": "What went wrong, for programs. Codes keep their meaning; new ones may be added.",
    }


def _build_problem() -> dict[str, Any]:
    text = {"type": "string"}
    number = {"type": "integer"}
    return {
        "type": "object",
        "additionalProperties": True,
        "description": "What went wrong (RFC 9457). Further members depend on the code.",
        "required": ["type", "title", "detail", "code", "instance"],
        "properties": {
            "type": {**text, "format": "uri"},
            "title": text,
            "status": {**number, "description": "Missing if API Gateway reports a failing service (502, 504)."},
            "detail": {**text, "description": "What to do next, for people."},
            "code": _build_codes(),
            "instance": {**text, "description": "The request id."},
            "field": {**text, "description": "The parameter, header or field that is wrong."},
            "errors": {"type": "array", "items": refer_to("FieldProblem")},
            "failed": {
                "type": "array",
                "items": refer_to("FailedOperation"),
                "description": "The operations of a change set that failed.",
            },
            **_build_conflict(text, number),
            "reason": {**text, "description": "In health: why the table cannot be read."},
            **_build_details(text, number),
        },
    }


def _build_conflict(text: dict[str, Any], number: dict[str, Any]) -> dict[str, Any]:
    """Returns the members that say what a failed precondition met."""
    return {
        "revision": {
            "type": ["integer", "null"],
            "description": "The current revision of the key, the namespace or the grants; null if there is none.",
        },
        "latest": {**number, "description": "The latest version of the key; 0 if it has none."},
        "active": {"type": ["integer", "null"], "description": "The version that the key serves."},
        "digest": {
            **text,
            "description": "SHA-256 of the latest version as it is stored, in hex. Only for its readers.",
        },
        "changed_by": {**text, "description": "The principal that made `revision`."},
        "changed_at": {
            **text,
            "format": "date-time",
            "description": "When `revision` was made, by the service's clock.",
        },
    }


def _build_details(text: dict[str, Any], number: dict[str, Any]) -> dict[str, Any]:
    return {
        "limit": {**number, "description": "The limit that was exceeded."},
        "next_version": {**number, "description": "The version to seal for."},
        "oldest": {"type": ["integer", "null"], "description": "The oldest revision that is still in the log."},
        "action": {**text, "description": "The action that the caller lacks."},
        "pointer": {**text, "description": "JSON pointer to where a value or schema fails."},
    }
