"""A JSON object: a member a key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from configsvc_client.cli.formats import _tree
from configsvc_client.cli.formats._row import Problem, Read, Value, Written, once


class _Twice(ValueError):
    """A member stands twice."""


def read(text: str) -> Read:
    """The members of the object."""
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return [], [Problem(f"line {error.lineno}", None, "not JSON")]
    except _Twice as error:
        return [], [Problem("", str(error), "stands twice")]
    except (ValueError, RecursionError):
        return [], [Problem("", None, "not JSON: it holds a number or a depth that JSON has not")]
    if not isinstance(found, dict):
        return [], [Problem("", None, "not a JSON object of keys and values")]
    return once(_tree.row("", key, each) for key, each in found.items())


def write(values: Sequence[Value], namespace: str) -> Written:
    """An object, indented."""
    del namespace
    found = {value.key: _tree.native(value, _tree.anything, binary=False) for value in values}
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False) + "\n", []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, each in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = each
    return found


def _refuse(constant: str) -> object:
    raise ValueError(constant)
