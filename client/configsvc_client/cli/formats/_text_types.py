"""Formats that hold texts only: a comment on the line above marks JSON, and bytes cannot be held."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from configsvc.model.entry import ContentType
from configsvc_client.cli.formats._row import Problem, Value, Written

JSON_COMMENT = "# configsvc: application/json"
SHELL_AND_TREES = "shell, yaml, json, toml, csv and k8s-secret"
"""Formats that hold any text without a NUL."""

TREES = "yaml, json, toml, csv and k8s-secret"
"""Formats that hold any text."""

_COMMENT = re.compile(r"\s*# *configsvc: *application/json\s*")
_FILLED_IN = re.compile(r"\$[A-Za-z0-9_{(\[$@*#?!-]|`")


def is_json_comment(line: str) -> bool:
    """Whether the line says that the value on the next one is JSON."""
    return bool(_COMMENT.fullmatch(line))


def type_after(commented: bool) -> ContentType:  # noqa: FBT001  # whether the comment was there is all there is
    """The content type of a value, by whether the comment is above it."""
    return "application/json" if commented else "text/plain"


def is_filled_in(text: str) -> bool:
    """Whether a shell or docker compose would put something else in place of `$NAME`, `${…}`, `$(…)` or backquotes."""
    return bool(_FILLED_IN.search(text))


def text_of(value: Value) -> str | Problem:
    """The value's text, or that it has none."""
    if value.content_type == "application/octet-stream":
        return Problem("", value.key, "bytes, which this format cannot hold; yaml, json, csv and k8s-secret can")
    return value.data.decode()


def lines_of(values: Iterable[Value], line_of: Callable[[Value], str | Problem]) -> Written:
    """The file of a line for each value, under the comment where it is JSON; and what has no line.

    Args:
        values: what to write.
        line_of: the line of one, without the line feed at its end.
    """
    lines: list[str] = []
    problems: list[Problem] = []
    for value in values:
        line = line_of(value)
        if isinstance(line, Problem):
            problems.append(line)
            continue
        lines += [JSON_COMMENT] if value.content_type == "application/json" else []
        lines.append(line)
    return "".join(f"{line}\n" for line in lines), problems
