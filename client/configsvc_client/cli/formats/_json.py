"""JSON objects: each member is a key. Numbers keep their spelling."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from configsvc.model import json_text, limits
from configsvc_client.cli.formats import _common, _tree
from configsvc_client.cli.formats._common import FormattedFile, Problem, ReadResult, WritableValue, split_problems

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],]|[^\s{}\[\],:"]++')
_CONSTANTS = ("NaN", "Infinity", "-Infinity")


class MemberLines(NamedTuple):
    """The lines of the outermost object's members, and the first fault."""

    lines: dict[str, int]
    fault: Problem | None = None


def find_members(text: str) -> MemberLines:
    """Finds the lines of the members, and the first fault: a duplicate name, a constant or too deep a level.

    Args:
        text: JSON that Python's `json` accepts.
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
                return MemberLines(lines, Problem(_common.find_place(text, counted), None, _tree.TOO_DEEP))
        elif found in "}]":
            seen.pop()
        elif found.startswith(_CONSTANTS):
            return MemberLines(
                lines,
                Problem(_common.find_place(text, counted), None, "not JSON: NaN and Infinity are not JSON numbers"),
            )
        elif named and found != ",":
            name = json.loads(found)
            if fault := _check_duplicate(text, counted, name, seen, lines):
                return MemberLines(lines, fault)
            if len(seen) == 1:
                lines[name] = line
        named = found in ",{" and bool(seen) and seen[-1] is not None
    return MemberLines(lines)


def _check_duplicate(
    text: str, offset: int, name: str, seen: list[set[str] | None], lines: dict[str, int]
) -> Problem | None:
    """Reports a name that the innermost object already has, and adds the name to it."""
    names = seen[-1]
    if names is None or name not in names:
        names = names if names is not None else set()
        names.add(name)
        return None
    place = _common.find_place(text, offset)
    if len(seen) > 1:
        return Problem(place, None, "a name appears twice in one object")
    return Problem(place, name, f"appears twice; first on line {lines[name]}")


_NEXT = (
    ("//", "a comment, which JSON does not have"),
    ("/*", "a comment, which JSON does not have"),
    ("#", "a comment, which JSON does not have"),
    ("'", "a single quote; JSON uses double quotes"),
    ("}", "a comma before this bracket, or a missing value"),
    ("]", "a comma before this bracket, or a missing value"),
)
"""Unexpected text by how it starts, and its meaning."""

_FAULTS = (
    ("Extra data", "more text after the value; a file holds one JSON object (JSON Lines are not supported)", ()),
    ("Expecting property name", "a member must start with its name in double quotes", _NEXT),
    ("Expecting ':'", "no colon after the name of a member", _NEXT[:3]),
    ("Expecting ','", "no comma between two members or elements, or a bracket or quote is not closed", _NEXT[:3]),
    ("Expecting value", "a value is missing or malformed; put strings in double quotes", _NEXT),
    ("Unterminated string", "a quote is not closed", ()),
    ("Invalid control character", "a line break or control character in a string; write an escape such as \\n", ()),
    ("Invalid \\", "an escape that JSON does not have; write \\\\ for a backslash", ()),
    ("Illegal trailing comma", "a comma after the last member or element", ()),
)
"""By the first words of messages of Python's `json`. The rest of a message is never shown."""


def read(text: str) -> ReadResult:
    """Reads the members of the object, with their lines."""
    problem, found, lines = _parse(text)
    if problem:
        return [], [problem]
    if not isinstance(found, dict):
        return [], [Problem("", None, "not a JSON object of keys and values")]
    return split_problems(_tree.make_row(_common.name_place(lines[key]), key, each) for key, each in found.items())


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes an indented object."""
    del namespace
    found = {value.key: _tree.make_node(value, _tree.accept_anything, binary=False) for value in values}
    return json_text.render(found, 2) + "\n", []


def _parse(text: str) -> tuple[Problem | None, json_text.JsonObject, dict[str, int]]:
    try:
        found = json_text.parse(text)
    except json.JSONDecodeError as error:
        return _explain_syntax(text, error), None, {}
    except (ValueError, RecursionError):  # a constant or too deep, both of which `find_members` reports
        found = None
    members, problem = find_members(text)
    return problem, found, members


def _explain_syntax(text: str, error: json.JSONDecodeError) -> Problem:
    if not text.strip():
        return Problem("", None, "empty; not a JSON object of keys and values")
    rest = text[error.pos :].lstrip()
    for start, reason, following in _FAULTS:
        if error.msg.startswith(start):
            for found, meaning in following:
                if rest.startswith(found):
                    return Problem(_common.find_place(text, len(text) - len(rest)), None, f"not JSON: {meaning}")
            return Problem(_common.find_place(text, error.pos), None, f"not JSON: {reason}")
    return Problem(_common.find_place(text, error.pos), None, "not JSON")
