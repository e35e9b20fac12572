"""What Python's `json` does not say of a JSON text: where its members are, and where a name appears twice."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from configsvc.model import limits
from configsvc_client.cli.formats import _place, _tree
from configsvc_client.cli.formats._row import Problem

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],]|[^\s{}\[\],:"]++')
_CONSTANTS = ("NaN", "Infinity", "-Infinity")


class Members(NamedTuple):
    """The lines of the outermost object's members, and the first fault."""

    lines: dict[str, int]
    fault: Problem | None = None


def members(text: str) -> Members:
    """The lines of the members, and the first name that appears twice in an object, constant or level too many.

    Args:
        text: JSON, as Python's `json` takes it.
    """
    lines: dict[str, int] = {}
    seen: list[set[str] | None] = []  # for each open object the names so far; None for a list
    named, line, counted = False, 1, 0
    for token in _TOKEN.finditer(text):
        found = token[0]
        line, counted = line + text.count("\n", counted, token.start()), token.start()
        if found in "{[":
            seen.append(set() if found == "{" else None)
            if len(seen) > limits.JSON_DEPTH + 1:
                return Members(lines, Problem(_place.of(text, counted), None, _tree.TOO_DEEP))
        elif found in "}]":
            seen.pop()
        elif found.startswith(_CONSTANTS):
            return Members(
                lines, Problem(_place.of(text, counted), None, "not JSON: NaN and Infinity are not numbers of JSON")
            )
        elif named and found != ",":
            name = json.loads(found)
            if fault := _twice(text, counted, name, seen, lines):
                return Members(lines, fault)
            if len(seen) == 1:
                lines[name] = line
        named = found in ",{" and bool(seen) and seen[-1] is not None
    return Members(lines)


def _twice(text: str, offset: int, name: str, seen: list[set[str] | None], lines: dict[str, int]) -> Problem | None:
    """Whether the innermost object has the name already; it has it from now on."""
    names = seen[-1]
    if names is None or name not in names:
        names = names if names is not None else set()
        names.add(name)
        return None
    place = _place.of(text, offset)
    if len(seen) > 1:
        return Problem(place, None, "a name appears twice in one object")
    return Problem(place, name, f"appears twice; the first time on line {lines[name]}")
