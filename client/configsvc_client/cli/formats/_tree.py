"""Formats that hold trees: text is text, what else JSON knows is JSON, bytes stand as `$base64` where there are none.

A JSON value that the format cannot tell from something else, such as a JSON string, stands as its text in `$json`.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

from configsvc_client.cli.formats._row import Problem, Row, Value, from_base64

BASE64 = "$base64"
JSON = "$json"

_KINDS = frozenset({BASE64, JSON})


def native(value: Value, holds: Callable[[Any], bool], *, binary: bool) -> Any:  # noqa: ANN401  # a tree
    """The value as the format holds it.

    Args:
        value: what to hold.
        holds: whether the format holds one node of a JSON value, its members aside.
        binary: whether it holds bytes.
    """
    match value.content_type:
        case "text/plain":
            return value.data.decode()
        case "application/octet-stream":
            return value.data if binary else {BASE64: base64.b64encode(value.data).decode()}
    found = json.loads(value.data)
    return found if _is_itself(found, holds) else {JSON: value.data.decode()}


def row(place: str, key: str, found: object) -> Row | Problem:
    """The row of what a format held."""
    match found:
        case str():
            return _text(place, key, found)
        case bytes():
            return Row(place, key, found, "application/octet-stream")
        case dict() if len(found) == 1 and _KINDS.intersection(found):
            return _told(place, key, found)
    try:
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return Row(place, key, text.encode(), "application/json")
    except (ValueError, TypeError, RecursionError):
        return Problem(place, key, "holds what JSON does not know, such as a date; put it in quotes to make it text")


def anything(node: object) -> bool:
    """Every node of a JSON value."""
    del node
    return True


def _text(place: str, key: str, found: str) -> Row | Problem:
    try:
        return Row(place, key, found.encode())
    except UnicodeEncodeError:
        return Problem(place, key, "holds half a surrogate pair, which is no text")


def _told(place: str, key: str, found: dict[str, object]) -> Row | Problem:
    ((kind, text),) = found.items()
    if not isinstance(text, str):
        return Problem(place, key, f"{kind} takes a text")
    if kind == JSON:
        return Row(place, key, text.encode(), "application/json")
    try:
        return Row(place, key, from_base64(text), "application/octet-stream")
    except ValueError:
        return Problem(place, key, f"{kind} is no base64")


def _is_itself(found: object, holds: Callable[[Any], bool]) -> bool:
    """Whether it comes back as the same JSON: no text, no mapping that means something else, nothing inside unheld."""
    if isinstance(found, str) or (isinstance(found, dict) and len(found) == 1 and _KINDS.intersection(found)):
        return False
    return _all_held(found, holds)


def _all_held(found: object, holds: Callable[[Any], bool]) -> bool:
    if not holds(found):
        return False
    match found:
        case str():
            return not any("\ud800" <= each <= "\udfff" for each in found)
        case float():
            return math.isfinite(found)
        case list():
            return all(_all_held(each, holds) for each in found)
        case dict():
            return all(_all_held(part, holds) for pair in found.items() for part in pair)
    return True
