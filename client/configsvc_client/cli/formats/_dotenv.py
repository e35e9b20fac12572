"""A dotenv file, read by python-dotenv. Keys are never renamed; `${…}` is text and stands for nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, once
from configsvc_client.cli.formats._text_types import JSON_COMMENT, is_json_comment, text_of, type_after

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,-]+")
_ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'"})


def read(text: str) -> Read:
    """The rows of a dotenv file, and its problems: lines that are none, keys without a value, keys that stand twice."""
    return once(_found(text))


def write(values: Sequence[Value], namespace: str) -> Written:
    """Lines that python-dotenv reads as the same texts, and shells too where no quote or backslash is in them."""
    del namespace
    lines: list[str] = []
    problems: list[Problem] = []
    for value in values:
        text = text_of(value)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        lines += [JSON_COMMENT] if value.content_type == "application/json" else []
        lines.append(f"{value.key}={_quoted(text)}")
    return "".join(f"{line}\n" for line in lines), problems


def _found(text: str) -> Iterator[Row | Problem]:
    from dotenv.parser import parse_stream

    commented, line = False, 1
    for binding in parse_stream(io.StringIO(text)):
        key, line = binding.key, _line(binding.original.string, binding.original.line)
        if binding.error:
            yield Problem(f"line {line}", None, "not KEY=VALUE; is a quote left open?")
        elif key is not None and binding.value is None:
            # The word is not told: it may be a line of a secret that should have been in quotes.
            yield Problem(
                f"line {line}", None, "no value; write KEY= for an empty one, and quote values of several lines"
            )
        elif key is not None:
            yield Row(f"line {line}", key, str(binding.value).encode(), type_after(commented))
        commented = key is None and is_json_comment(binding.original.string)


def _line(string: str, first: int) -> int:
    """The line a binding starts on; python-dotenv counts the empty lines before it as its own."""
    return first + string[: len(string) - len(string.lstrip())].count("\n")


def _quoted(text: str) -> str:
    return text if _BARE.fullmatch(text) or not text else f"'{text.translate(_ESCAPED)}'"
