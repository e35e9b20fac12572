"""The cells of a CSV file (RFC 4180), each with its line and column, whatever separates them.

As Python's `csv` reads it in its strict mode, which cannot tell the column of a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from configsvc_client.cli.formats import _place

SEPARATORS = (",", ";", "\t", "|")
"""A semicolon is Excel's where a comma is the decimal sign."""

_SEP = re.compile(r'(?P<quote>"?)sep=(?P<separator>.)(?P=quote)(?:\r\n|\r|\n|\Z)', re.IGNORECASE)


class Cell(NamedTuple):
    """A text with its place in the file; `repr` never shows it."""

    line: int
    column: int
    text: str

    def __repr__(self) -> str:
        return f"Cell(line={self.line}, column={self.column}, text=***)"

    @property
    def place(self) -> str:
        """For a person."""
        return _place.at(self.line, self.column)


class Broken(ValueError):
    """A quote is not closed, or something follows a closing quote. Its text is the place."""


def named_separator(text: str) -> tuple[str, str, int]:
    """The separator that Excel's first line `sep=;` names, or none; the text after that line, and its first line."""
    found = _SEP.match(text)
    return (found["separator"], text[found.end() :], 2) if found else ("", text, 1)


def records(text: str, separator: str, line: int = 1) -> Iterator[list[Cell]]:
    """The records that are not blank.

    Args:
        text: of the file.
        separator: one character.
        line: the number of the first line.

    Raises:
        Broken: at the place in its text.
    """
    apart = re.escape(separator)
    field = re.compile(
        rf'(?:"((?>[^"]*(?:""[^"]*)*))"|((?!")[^{apart}\r\n]*))({apart}|\r\n|\r|\n|\Z)',
    )
    at, record = 0, list[Cell]()
    while at < len(text) or record:
        found = field.match(text, at)
        if not found:
            raise Broken(_place.at(line, len(record) + 1))
        quoted, plain, end = found.groups()
        record.append(Cell(line, len(record) + 1, plain if quoted is None else quoted.replace('""', '"')))
        line += _breaks(found[0])
        at = found.end()
        if end != separator:
            if any(cell.text.strip() for cell in record):
                yield record
            record = []


def _breaks(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
