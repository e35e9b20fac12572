"""Where in a file something is, for people: lines and columns count from 1."""

from __future__ import annotations


def at(line: int, column: int | None = None) -> str:
    """A line, and the column of a character in it."""
    return f"line {line}" if column is None else f"line {line}, column {column}"


def of(text: str, offset: int) -> str:
    """The line and column of a character in a text."""
    return at(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
