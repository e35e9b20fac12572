"""JSON whose numbers keep their spelling: `1.10` stays `1.10`, and no digit is lost to a float."""

from __future__ import annotations

import json
from dataclasses import dataclass

JsonObject = object
"""None, a bool, text, a `JsonNumber`, a list of these, or a dict from text to these."""


@dataclass(frozen=True, slots=True)
class JsonNumber:
    """A JSON number as it is written. It equals only the same spelling, and never a bool or a text."""

    spelling: str


def parse(text: str | bytes) -> JsonObject:
    """Parses JSON, with a `JsonNumber` for each number.

    Raises:
        ValueError: it is not JSON (RFC 8259), which has no `NaN` and no `Infinity` and is encoded in UTF-8.
        RecursionError: it is nested too deep for Python.
    """
    decoded = text if isinstance(text, str) else text.decode()
    return json.loads(decoded, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_refuse_constant)


def render(found: JsonObject, indent: int | None = None) -> str:
    """Renders JSON, each number as it is spelled.

    Args:
        found: the result of `parse`. Tuples become lists, and ints and floats are spelled as in Python.
        indent: spaces for each level, with one member per line; None for one line without spaces.

    Raises:
        ValueError: a float that JSON cannot represent.
        RecursionError: it is nested too deep for Python.
    """
    return _render_node(found, indent, 0)


def _render_node(found: JsonObject, indent: int | None, level: int) -> str:
    match found:
        case JsonNumber():
            return found.spelling
        case dict() if found:
            colon = ":" if indent is None else ": "
            members = (
                f"{_render_scalar(key)}{colon}{_render_node(each, indent, level + 1)}" for key, each in found.items()
            )
            return _enclose("{", list(members), "}", indent, level)
        case list() | tuple() if found:
            return _enclose("[", [_render_node(each, indent, level + 1) for each in found], "]", indent, level)
    return _render_scalar(found)


def _enclose(start: str, parts: list[str], end: str, indent: int | None, level: int) -> str:
    if indent is None:
        return f"{start}{','.join(parts)}{end}"
    outer = "\n" + " " * (indent * level)
    inner = outer + " " * indent
    return f"{start}{inner}{f',{inner}'.join(parts)}{outer}{end}"


def _render_scalar(found: JsonObject) -> str:
    """Renders text unescaped, except for half a surrogate pair, which UTF-8 cannot encode."""
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    return text if text.isascii() or is_whole(text) else json.dumps(found)


def is_whole(text: str) -> bool:
    """Whether UTF-8 can encode the text: it contains no half of a surrogate pair."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
