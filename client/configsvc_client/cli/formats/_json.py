"""A JSON object: a member a key. Numbers keep their spelling."""

from __future__ import annotations

import json
from collections.abc import Sequence

from configsvc.model import json_text
from configsvc_client.cli.formats import _json_tokens, _place, _tree
from configsvc_client.cli.formats._row import Problem, Read, Value, Written, once

_NEXT = (
    ("//", "a comment, which JSON does not have"),
    ("/*", "a comment, which JSON does not have"),
    ("#", "a comment, which JSON does not have"),
    ("'", "a single quote; JSON takes double quotes"),
    ("}", "a comma before this bracket, or a missing value"),
    ("]", "a comma before this bracket, or a missing value"),
)
"""What is found where JSON goes on otherwise, by how it begins."""

_FAULTS = (
    ("Extra data", "more text after the value; a file holds one JSON object (JSON Lines are not read)", ()),
    ("Expecting property name", "a member begins with its name in double quotes", _NEXT),
    ("Expecting ':'", "no colon after the name of a member", _NEXT[:3]),
    ("Expecting ','", "no comma between two members or elements, or a bracket or quote is not closed", _NEXT[:3]),
    ("Expecting value", "a value is missing, or is not one of JSON: texts are in double quotes", _NEXT),
    ("Unterminated string", "a quote is not closed", ()),
    ("Invalid control character", "a line break or control character in a text; write an escape such as \\n", ()),
    ("Invalid \\", "an escape that JSON does not have; write \\\\ for a backslash", ()),
    ("Illegal trailing comma", "a comma after the last member or element", ()),
)
"""By how the messages of Python's `json` begin. The rest of a message is never repeated."""


def read(text: str) -> Read:
    """The members of the object, with the lines they are on."""
    problem, found, lines = _parsed(text)
    if problem:
        return [], [problem]
    if not isinstance(found, dict):
        return [], [Problem("", None, "not a JSON object of keys and values")]
    return once(_tree.row(_place.at(lines[key]), key, each) for key, each in found.items())


def write(values: Sequence[Value], namespace: str) -> Written:
    """An object, indented."""
    del namespace
    found = {value.key: _tree.native(value, _tree.anything, binary=False) for value in values}
    return json_text.render(found, 2) + "\n", []


def _parsed(text: str) -> tuple[Problem | None, json_text.JsonObject, dict[str, int]]:
    try:
        found = json_text.parse(text)
    except json.JSONDecodeError as error:
        return _syntax(text, error), None, {}
    except (ValueError, RecursionError):  # a constant or too deep, both of which the tokens have
        found = None
    members, problem = _json_tokens.members(text)
    return problem, found, members


def _syntax(text: str, error: json.JSONDecodeError) -> Problem:
    if not text.strip():
        return Problem("", None, "empty; not a JSON object of keys and values")
    rest = text[error.pos :].lstrip()
    for start, said, following in _FAULTS:
        if error.msg.startswith(start):
            for found, meaning in following:
                if rest.startswith(found):
                    return Problem(_place.of(text, len(text) - len(rest)), None, f"not JSON: {meaning}")
            return Problem(_place.of(text, error.pos), None, f"not JSON: {said}")
    return Problem(_place.of(text, error.pos), None, "not JSON")
