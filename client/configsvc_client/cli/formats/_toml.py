"""TOML documents: each key is a value. Keys with dots are quoted, because a bare one would be a tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from configsvc.model import limits
from configsvc.model.json_text import JsonNumber, JsonObject
from configsvc_client.cli.formats import _common, _tree
from configsvc_client.cli.formats._common import (
    FileRow,
    FormattedFile,
    Problem,
    ReadResult,
    WritableValue,
    split_problems,
)

_MOST_DOTS = 200
"""Per key: tomllib's time grows with the square of the parts. A value cannot be nested that deep anyway."""

_QUOTED = re.compile(
    r"""\"{3}(?:[^\\]|\\.)*?\"{3,5}|'{3}.*?'{3,5}|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+'|\#[^\n]*+""", re.DOTALL
)
_LONG_KEY = re.compile(rf"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"")[ \t]*+\.[ \t]*+){{{_MOST_DOTS}}}""")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)\Z")
_FAULTS = (
    (r"Cannot (?:declare|overwrite|mutate|redefine)|Duplicate", "a key or table that an earlier line defines"),
    (r"Unterminated string|Expected \"'", "a quote is not closed"),
    (r"Illegal character", "a line break or control character inside quotes, or a quote that is not closed"),
    (r"Unclosed array", "a list in brackets is not closed, or lacks a comma"),
    (r"Unclosed inline table", "a table in braces is not closed, or lacks a comma"),
    (r"Unescaped", "an escape that TOML does not have; write \\\\ for a backslash, or use single quotes"),
    (r"Invalid hex value|Escaped character", "an escape that is not a character"),
    (r"Invalid date or datetime", "a date that does not exist"),
    (r"Expected '=' after a key", "no = after a key"),
    (r"Expected newline or end", "more text after a value"),
    (
        r"Invalid initial character",
        "a key that starts with a character TOML does not allow; put it in quotes",
    ),
    (r"Invalid value", "a value is missing or malformed; put strings in quotes"),
    (r"Invalid statement", "a line that does not start with a key or ["),
    (r"Found invalid character", "a control character, or a lone carriage return (\\r)"),
    (r"Expected '\]", "a table name that does not end with ]"),
)
"""By the first words of `tomllib`'s messages."""

_BRACKETS = re.compile(rf"(?:[\[{{][^\[\]{{}}]*+){{{limits.JSON_DEPTH + 1}}}")
_UNHELD = re.compile(
    r"""(?<![\w.+:-])(?:
        [0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt\ ][0-9]{2}:[0-9:.]+(?:[Zz]|[+-][0-9:]+)?)?
        |[0-9]{2}:[0-9:.]+
        |[+-]?(?:inf|nan)\b
    )""",
    re.VERBOSE,
)
_FIRST = 10**40
"""The first of the numbers that replace values that JSON does not have."""


def find_costly(text: str) -> Problem | None:
    """Finds a key with so many dots that reading it would take long."""
    bare = _QUOTED.sub(lambda each: '""' + "\n" * each[0].count("\n"), text)
    found = _LONG_KEY.search(bare)
    if found is None:
        return None
    return Problem(
        _common.name_place(bare.count("\n", 0, found.start()) + 1), None, f"a key with more than {_MOST_DOTS} dots"
    )


def explain_syntax(text: str, message: str) -> Problem:
    """Describes a syntax error by the message of `tomllib`."""
    place = _PLACE.search(message)
    reason = next((reason for pattern, reason in _FAULTS if re.match(pattern, message)), None)
    if place:
        found = _common.name_place(int(place[1]), int(place[2]))
    else:  # the end of the text: if a string is open there, the last long quote opened it
        opened = max(text.rfind('"""'), text.rfind("'''"))
        found = _common.find_place(text, opened if opened >= 0 and "string" in message else len(text))
    return Problem(found, None, f"not TOML: {reason}" if reason else "not TOML")


def find_too_deep(text: str) -> Problem:
    """Finds brackets that are nested deeper than tomllib can follow."""
    found = _BRACKETS.search(text)
    return Problem(_common.find_place(text, found.start()) if found else "", None, _tree.TOO_DEEP)


class UnheldPlaces:
    """Finds dates, times, inf and nan. tomllib gives no places, so each is read as a number that encodes its place."""

    def __init__(self, text: str) -> None:
        import tomllib

        self._places: list[str] = []
        try:
            self._found = tomllib.loads(_UNHELD.sub(lambda each: self._number(text, each.start()), text))
        except (ValueError, RecursionError):
            self._found = {}

    def place(self, key: str) -> str:
        """The place of the first one in the value of a key; empty if it is unknown."""
        return next(self._in(self._found.get(key)), "")

    def _number(self, text: str, offset: int) -> str:
        self._places.append(_common.find_place(text, offset))
        return str(_FIRST + len(self._places) - 1)

    def _in(self, node: object) -> Iterator[str]:
        if isinstance(node, int) and _FIRST <= node < _FIRST + len(self._places):
            yield self._places[node - _FIRST]
        elif isinstance(node, dict | list):
            for each in node.values() if isinstance(node, dict) else node:
                yield from self._in(each)


_MOST = 2**63
"""Integers are 64 bits wide (TOML 1.0, Integer)."""

_DIGITS = len(str(_MOST))


def read(text: str) -> ReadResult:
    """Reads the members of the document."""
    import tomllib

    if problem := find_costly(text):
        return [], [problem]
    try:
        found = tomllib.loads(text, parse_float=_Float)
    except tomllib.TOMLDecodeError as error:
        return [], [explain_syntax(text, str(error))]
    except RecursionError:
        return [], [find_too_deep(text)]
    except ValueError:
        return [], [Problem("", None, "not TOML: an integer with more than 4,300 digits")]
    return split_problems(_iter_rows(text, found))


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes a document with tomli-w."""
    del namespace
    import tomli_w

    return tomli_w.dumps(
        {value.key: _convert_to_toml(_tree.make_node(value, _can_hold, binary=False)) for value in values}
    ), []


class _Float(float):
    """A float that keeps its spelling in the file."""

    spelling: str

    def __new__(cls, spelling: str) -> Self:
        made = super().__new__(cls, spelling.replace("_", ""))
        made.spelling = spelling
        return made

    def __str__(self) -> str:
        return self.spelling


class _NotJson(ValueError):
    """JSON has no such value."""


def _iter_rows(text: str, found: Mapping[str, Any]) -> Iterator[FileRow | Problem]:
    places: UnheldPlaces | None = None
    for key, each in found.items():
        try:
            yield _tree.make_row("", key, _convert_to_json(each))
        except _NotJson:
            places = places or UnheldPlaces(text)
            yield Problem(
                places.place(key), key, "a date, time, inf or nan, which JSON does not have; put it in quotes"
            )
        except RecursionError:
            yield Problem("", key, _tree.TOO_DEEP)
        except ValueError:
            yield Problem("", key, "an integer with more than 4,300 digits")


def _convert_to_json(node: Any) -> JsonObject:  # noqa: ANN401  # a node of TOML
    match node:
        case str() | bool():
            return node
        case int():
            return JsonNumber(str(node))
        case _Float() if re.search(r"[0-9]", node.spelling):
            return JsonNumber(node.spelling.replace("_", "").removeprefix("+"))
        case list():
            return [_convert_to_json(each) for each in node]
        case dict():
            return {key: _convert_to_json(each) for key, each in node.items()}
    raise _NotJson


def _can_hold(node: JsonObject) -> bool:
    """Whether TOML can hold a JSON node and keep its spelling."""
    if not isinstance(node, JsonNumber):
        return node is not None
    if not node.spelling.lstrip("-").isdigit():
        return True
    return node.spelling != "-0" and len(node.spelling) <= _DIGITS + 1 and -_MOST <= int(node.spelling) < _MOST


def _convert_to_toml(node: Any) -> Any:  # noqa: ANN401  # a node of JSON, and one of tomli-w
    match node:
        case JsonNumber(spelling) if spelling.lstrip("-").isdigit():
            return int(spelling)
        case JsonNumber(spelling):
            return _Float(spelling)
        case list():
            return [_convert_to_toml(each) for each in node]
        case dict():
            return {key: _convert_to_toml(each) for key, each in node.items()}
    return node
