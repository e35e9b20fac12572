"""A file for `docker run --env-file`: KEY=VALUE, the value as it stands to the end of the line. There are no quotes.

As Docker's CLI reads it (docker/cli, pkg/kvfile): lines of at most 64 KiB, those that begin with # are comments. A
library of Docker's own for Python reads it otherwise: it strips spaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from configsvc.model import limits
from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, once
from configsvc_client.cli.formats._text_types import JSON_COMMENT, is_json_comment, text_of, type_after

_LINE = 64 * limits.KIB - 1


def read(text: str) -> Read:
    """The rows of an env-file, and its problems; a key without `=`, which Docker takes from its own environment."""
    return once(_found(text))


def write(values: Sequence[Value], namespace: str) -> Written:
    """Lines that Docker takes as the same texts; what has a line break or a NUL is a problem."""
    del namespace
    lines: list[str] = []
    problems: list[Problem] = []
    for value in values:
        line = _line(value)
        if isinstance(line, Problem):
            problems.append(line)
            continue
        lines += [JSON_COMMENT] if value.content_type == "application/json" else []
        lines.append(line)
    return "".join(f"{line}\n" for line in lines), problems


def _found(text: str) -> Iterator[Row | Problem]:
    commented = False
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole.removesuffix("\r").lstrip()
        key, equals, value = line.partition("=")
        if line and not line.startswith("#"):
            if not equals:
                # The line is not told: it may be part of a secret of several lines.
                yield Problem(f"line {number}", None, "no value; Docker would take it from its own environment")
            else:
                yield Row(f"line {number}", key, value.encode(), type_after(commented))
        commented = is_json_comment(line)


def _line(value: Value) -> str | Problem:
    text = text_of(value)
    if isinstance(text, Problem):
        return text
    if any(each in text for each in "\n\r\0"):
        return Problem("", value.key, "has a line break or a NUL, which Docker's env-file cannot hold")
    line = f"{value.key}={text}"
    return line if len(line.encode()) <= _LINE else Problem("", value.key, "longer than 64 KiB, Docker's longest line")
