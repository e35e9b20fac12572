"""A dotenv file as rows. Keys are taken as they stand, never renamed; `${…}` is text and stands for nothing."""

from __future__ import annotations

import io
from typing import NamedTuple


class Row(NamedTuple):
    """A key and its text, and the line it starts on; `repr` never shows the text."""

    line: int
    key: str
    text: str

    def __repr__(self) -> str:
        return f"Row(line={self.line}, key={self.key!r}, text=***)"


class Problem(NamedTuple):
    """A line that cannot be taken, and why; never what it holds."""

    line: int
    key: str | None
    reason: str


def rows(text: str) -> tuple[list[Row], list[Problem]]:
    """The rows of a dotenv file, and its problems: lines that are none, keys without a value, keys that stand twice."""
    from dotenv.parser import parse_stream

    found: dict[str, Row] = {}
    problems: list[Problem] = []
    for binding in parse_stream(io.StringIO(text)):
        line, key = binding.original.line, binding.key
        if binding.error:
            problems.append(Problem(line, None, "not KEY=VALUE; is a quote left open?"))
        elif key is not None and binding.value is None:
            problems.append(Problem(line, key, "no value; write KEY= for an empty one"))
        elif key is not None and key in found:
            problems.append(Problem(line, key, f"stands already on line {found[key].line}"))
        elif key is not None:
            found[key] = Row(line, key, str(binding.value))
    return list(found.values()), problems
