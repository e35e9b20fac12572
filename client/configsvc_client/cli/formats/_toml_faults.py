"""Where a TOML text is at fault and how, as far as `tomllib` says it; its own words may repeat the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from configsvc.model import limits
from configsvc_client.cli.formats import _place, _tree
from configsvc_client.cli.formats._row import Problem

_MOST_DOTS = 200
"""In a key: tomllib takes time in the square of the parts. A value may not be nested as deep anyway."""

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
    (r"Invalid initial character", "a key that begins with a character TOML does not take there; put it in quotes"),
    (r"Invalid value", "a value that is not one of TOML; put texts in quotes"),
    (r"Invalid statement", "a line that does not begin with a key or ["),
    (r"Found invalid character", "a control character, or a line break alone (\\r)"),
    (r"Expected '\]", "a table's name that does not end with ]"),
)
"""By how the messages of `tomllib` begin."""

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
"""Of the numbers that stand for what JSON does not have."""


def costly(text: str) -> Problem | None:
    """A key with so many dots that reading it would take long."""
    bare = _QUOTED.sub(lambda each: '""' + "\n" * each[0].count("\n"), text)
    found = _LONG_KEY.search(bare)
    if found is None:
        return None
    return Problem(_place.at(bare.count("\n", 0, found.start()) + 1), None, f"a key with more than {_MOST_DOTS} dots")


def syntax(text: str, message: str) -> Problem:
    """What is wrong with a text, by a message of `tomllib`."""
    place = _PLACE.search(message)
    said = next((said for pattern, said in _FAULTS if re.match(pattern, message)), None)
    if place:
        found = _place.at(int(place[1]), int(place[2]))
    else:  # the end of the text: what is open there was opened by the last long quote, if by any
        opened = max(text.rfind('"""'), text.rfind("'''"))
        found = _place.of(text, opened if opened >= 0 and "string" in message else len(text))
    return Problem(found, None, f"not TOML: {said}" if said else "not TOML")


def too_deep(text: str) -> Problem:
    """More brackets, one inside the other, than tomllib can follow."""
    found = _BRACKETS.search(text)
    return Problem(_place.of(text, found.start()) if found else "", None, _tree.TOO_DEEP)


class Unheld:
    """Where dates, times, inf and nan are. tomllib gives no places, so each is read as a number that names its own."""

    def __init__(self, text: str) -> None:
        import tomllib

        self._places: list[str] = []
        try:
            self._found = tomllib.loads(_UNHELD.sub(lambda each: self._number(text, each.start()), text))
        except (ValueError, RecursionError):
            self._found = {}

    def place(self, key: str) -> str:
        """The place of the first one in the value of a key; empty where it is not known."""
        return next(self._in(self._found.get(key)), "")

    def _number(self, text: str, offset: int) -> str:
        self._places.append(_place.of(text, offset))
        return str(_FIRST + len(self._places) - 1)

    def _in(self, node: object) -> Iterator[str]:
        if isinstance(node, int) and _FIRST <= node < _FIRST + len(self._places):
            yield self._places[node - _FIRST]
        elif isinstance(node, dict | list):
            for each in node.values() if isinstance(node, dict) else node:
                yield from self._in(each)
