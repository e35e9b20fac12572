"""Formats that hold trees: text is a string, JSON is a tree, and bytes are `$base64` in formats without bytes.

A JSON value that would be ambiguous in the format, such as a JSON string, is written as its text in `$json`. Numbers
keep their spelling: a tree has a `Number` for each.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from configsvc.model import content_types, json_text, limits
from configsvc.model.content_types import KINDS
from configsvc.model.json_text import JsonObject, is_whole
from configsvc_client.cli.formats._common import FileRow, Problem, WritableValue, decode_base64

BASE64 = "$base64"
JSON = "$json"

TOO_DEEP = f"nested deeper than {limits.JSON_DEPTH} levels, the limit for a JSON value"

_KINDS = frozenset({BASE64, JSON})


def make_node(value: WritableValue, holds: Callable[[JsonObject], bool], *, binary: bool) -> JsonObject | bytes:
    """Converts a value to a node of the format.

    Args:
        value: the value to convert.
        holds: whether the format can hold a node of a JSON value, apart from its members.
        binary: whether it can hold bytes.
    """
    kind = KINDS[value.content_type]
    if not kind.is_text:
        return value.data if binary else {BASE64: base64.b64encode(value.data).decode()}
    if not kind.is_json:
        return value.data.decode()
    found = json_text.parse(value.data)
    return found if _is_itself(found, holds) else {JSON: value.data.decode()}


def make_row(place: str, key: str, found: JsonObject | bytes) -> FileRow | Problem:
    """Makes a row from a node of a format."""
    if not is_whole(key):
        return Problem(place, None, "a key contains half a surrogate pair, which is not text")
    match found:
        case str():
            return FileRow(place, key, found.encode()) if is_whole(found) else Problem(place, key, _HALF)
        case bytes():
            return FileRow(place, key, found, content_types.BYTES)
        case dict() if len(found) == 1 and _KINDS.intersection(found):
            return _read_marked(place, key, found)
    try:
        return FileRow(place, key, json_text.render(found).encode(), content_types.JSON)
    except RecursionError:
        return Problem(place, key, TOO_DEEP)


def accept_anything(node: JsonObject) -> bool:
    """Accepts every node of a JSON value."""
    del node
    return True


_HALF = "contains half a surrogate pair, which is not text"


def _read_marked(place: str, key: str, found: dict[str, object]) -> FileRow | Problem:
    ((kind, text),) = found.items()
    if not isinstance(text, str) or not is_whole(text):
        return Problem(place, key, f"{kind} must be a string")
    try:
        if kind == JSON:
            json_text.parse(text)
            return FileRow(place, key, text.encode(), content_types.JSON)
        return FileRow(place, key, decode_base64(text), content_types.BYTES)
    except (ValueError, RecursionError):
        return Problem(place, key, f"{kind} does not contain valid {'JSON' if kind == JSON else 'base64'}")


def _is_itself(found: JsonObject, holds: Callable[[JsonObject], bool]) -> bool:
    """Whether it is read back as the same JSON: not a string or an ambiguous mapping, and all nodes can be held."""
    if isinstance(found, str) or (isinstance(found, dict) and len(found) == 1 and _KINDS.intersection(found)):
        return False
    return _can_hold_all(found, holds)


def _can_hold_all(found: JsonObject, holds: Callable[[JsonObject], bool]) -> bool:
    if not holds(found):
        return False
    match found:
        case str():
            return is_whole(found)
        case list():
            return all(_can_hold_all(each, holds) for each in found)
        case dict():
            return all(_can_hold_all(part, holds) for pair in found.items() for part in pair)
    return True
