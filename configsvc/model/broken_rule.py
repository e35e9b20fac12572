"""Which rule of a schema a value breaks, and what it requires, in terms of the schema and never of the value."""

from __future__ import annotations

import json
from collections.abc import Mapping

from configsvc.model.schema import NAMED
from configsvc.model.text import make_printable

_MOST = 120
_TOO_DEEP = ("depth", "it is nested too deep, or contains half of a surrogate pair")
_ANYTHING = "no value is allowed here"
_CONTENT = {
    "additionalProperties": "only properties named in the schema",
    "items": "no further items",
    "not": "a value that does not match its schema",
    "contains": "at least one matching item",
}
"""Descriptions of rules whose limit is itself a schema."""


def find_broken_rule(schema: str, schema_pointer: str) -> tuple[str, str]:
    """The keyword that refuses a value, and its limit in a few words.

    Args:
        schema: as JSON.
        schema_pointer: to the keyword, as `Schemas.misfit` gives it; empty if the value could not be checked.
    """
    if not schema_pointer:
        return ("false", _ANYTHING) if json.loads(schema) is False else _TOO_DEEP
    found: object = json.loads(schema)
    rule, name = "", False
    for step in (each.replace("~1", "/").replace("~0", "~") for each in schema_pointer[1:].split("/")):
        rule = rule if name or step.isdecimal() else step
        name = not name and (step in NAMED or step == "$defs")
        found = _step_into(found, step)
    return (
        (rule, _ANYTHING) if found is False and rule in NAMED else (rule, make_printable(_describe_limit(rule, found)))
    )


def _step_into(found: object, step: str) -> object:
    if isinstance(found, list):
        return found[int(step)] if step.isdecimal() and int(step) < len(found) else None
    return found.get(step) if isinstance(found, Mapping) else None


def _describe_limit(rule: str, found: object) -> str:
    match rule, found:
        case "anyOf", list():
            return f"none of its {len(found)} alternatives matches"
        case "oneOf", list():
            return f"not exactly one of its {len(found)} alternatives matches"
        case _, None:
            return ""
        case _, dict() if rule != "dependentRequired":
            return _CONTENT.get(rule, "")
        case (("additionalProperties" | "items"), False):
            return _CONTENT[rule]
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= _MOST else text[:_MOST] + "…"
