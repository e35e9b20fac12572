"""Formats that hold texts only: a comment on the line above marks JSON, and bytes cannot be held."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from configsvc.model.content_types import JSON, KINDS, TEXT
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import ContentType
from configsvc_client._reading.variables import make_variable_name
from configsvc_client.cli.formats._common import Problem, WritableValue, Written, why_not_assignable

JSON_COMMENT = f"# configsvc: {JSON}"
ANY_TEXT = "yaml, json, toml, csv and k8s-secret"
"""Formats that hold any text, and bytes."""

_COMMENT = re.compile(rf"\s*# *configsvc: *{JSON}\s*")
_NAME = re.compile(r"[\w./:@\[\]-]+")
_MIXED = r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])"
_BASE64 = re.compile(rf"{_MIXED}(?:[A-Za-z0-9+/]{{4}}){{2,}}(?:[A-Za-z0-9+/]{{3}}|[A-Za-z0-9+/]{{2}}=)")
"""The end of a base64 text, without its last `=`."""
_BASE64_LINE = re.compile(rf"{_MIXED}(?:[A-Za-z0-9+/]{{4}}){{10,}}")
_FILLED_IN = re.compile(r"\$[A-Za-z0-9_{(\[$@*#?!-]|`")


def holders(key: str) -> str:
    """The formats that hold any text without a NUL under this key: a shell does if it can assign the name."""
    if not why_not_assignable(key):
        return f"shell, {ANY_TEXT}"
    renamed = make_variable_name(key)
    return ANY_TEXT if why_not_assignable(renamed) else f"shell (as {renamed}), {ANY_TEXT}"


def why_no_name(name: str, value: str, before: str) -> str | None:
    """Why what is before an `=` is not taken as a name, for an error that must not show it: it may be part of a secret.

    A value of several lines that should have been in quotes has such lines: JSON with an `=`, or base64 that ends so.

    Args:
        name: what is before it.
        value: what follows.
        before: the value above.
    """
    if not _NAME.fullmatch(name):
        return "no name before the =; if this line belongs to the value above, put that in quotes"
    if value in ("", "=") and _BASE64.fullmatch(name + value) and ("/" in name or _BASE64_LINE.fullmatch(before)):
        return "looks like the end of a base64 text; put the whole value in quotes, on one line or several"
    return None


def is_json_comment(line: str) -> bool:
    """Whether the line says that the value on the next one is JSON."""
    return bool(_COMMENT.fullmatch(line))


def type_after(commented: bool) -> ContentType:  # noqa: FBT001  # whether the comment was there is all there is
    """The content type of a value, by whether the comment is above it."""
    return JSON if commented else TEXT


def is_filled_in(text: str) -> bool:
    """Whether a shell or docker compose would put something else in place of `$NAME`, `${…}`, `$(…)` or backquotes."""
    return bool(_FILLED_IN.search(text))


def text_of(value: WritableValue) -> str | Problem:
    """The value's text, or that it has none."""
    if not KINDS[value.content_type].is_text:
        return Problem("", value.key, f"bytes, which this format cannot hold; {ANY_TEXT} can")
    return value.data.decode()


def lines_of(values: Iterable[WritableValue], line_of: Callable[[WritableValue], str | Problem]) -> Written:
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
        lines += [JSON_COMMENT] if KINDS[value.content_type].is_json else []
        lines.append(line)
    return "".join(f"{line}\n" for line in lines), problems


_PARTS = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\n\r]+', re.DOTALL)


def respell_json(text: str, escapes: Mapping[str, str]) -> str:
    r"""The JSON on one line, with other spellings for parts of its strings.

    Args:
        text: JSON. Anything else comes back as it is.
        escapes: what to write for a part of a string, as JSON escapes it: `\\` and `'`, for example.
    """
    part = re.compile("|".join(map(re.escape, escapes)) or r"(?!)")

    def spelled(match: re.Match[str]) -> str:
        return part.sub(lambda each: escapes[each[0]], match[0]) if match[1] else " "

    found = _PARTS.sub(spelled, text)
    return found if same_value(JSON, text.encode(), found.encode()) else text
