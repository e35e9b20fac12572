"""Formats that hold only text: a comment on the line above marks JSON, and bytes are a problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from configsvc.model.content_types import JSON, KINDS, TEXT
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import ContentType
from configsvc_client._reading.variables import make_variable_name
from configsvc_client.cli.formats._common import FormattedFile, Problem, WritableValue, explain_unassignable

JSON_COMMENT = f"# configsvc: {JSON}"
ANY_TEXT = "yaml, json, toml, csv and k8s-secret"
"""Formats that hold any text and bytes."""

_COMMENT = re.compile(rf"\s*# *configsvc: *{JSON}\s*")
_NAME = re.compile(r"[\w./:@\[\]-]+")
_MIXED = r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])"
_BASE64 = re.compile(rf"{_MIXED}(?:[A-Za-z0-9+/]{{4}}){{2,}}(?:[A-Za-z0-9+/]{{3}}|[A-Za-z0-9+/]{{2}}=)")
"""The end of a base64 text, without its last `=`."""
_BASE64_LINE = re.compile(rf"{_MIXED}(?:[A-Za-z0-9+/]{{4}}){{10,}}")
_FILLED_IN = re.compile(r"\$[A-Za-z0-9_{(\[$@*#?!-]|`")


def list_holders(key: str) -> str:
    """The formats that hold any text without a NUL under this key; shell is one if it can assign the name."""
    if not explain_unassignable(key):
        return f"shell, {ANY_TEXT}"
    renamed = make_variable_name(key)
    return ANY_TEXT if explain_unassignable(renamed) else f"shell (as {renamed}), {ANY_TEXT}"


def explain_no_name(name: str, value: str, before: str) -> str | None:
    """Why the text before an `=` is not a name. The error must not show it, because it may be part of a secret.

    An unquoted value of several lines has such lines: JSON with an `=`, or base64 that ends with one.

    Args:
        name: the text before the `=`.
        value: the text after it.
        before: the value above.
    """
    if not _NAME.fullmatch(name):
        return "no name before the =; if this line belongs to the value above, put that value in quotes"
    if value in ("", "=") and _BASE64.fullmatch(name + value) and ("/" in name or _BASE64_LINE.fullmatch(before)):
        return "looks like the end of a base64 value; put the whole value in quotes, on one line or several"
    return None


def is_json_comment(line: str) -> bool:
    """Whether the line marks the value on the next line as JSON."""
    return bool(_COMMENT.fullmatch(line))


def choose_type(commented: bool) -> ContentType:  # noqa: FBT001  # the only argument
    """The content type of a value: JSON if the comment is above it."""
    return JSON if commented else TEXT


def is_expanded(text: str) -> bool:
    """Whether a shell or docker compose would expand `$NAME`, `${…}`, `$(…)` or backquotes in the text."""
    return bool(_FILLED_IN.search(text))


def get_text(value: WritableValue) -> str | Problem:
    """The value's text, or the problem that it is bytes."""
    if not KINDS[value.content_type].is_text:
        return Problem("", value.key, f"bytes, which this format cannot hold; {ANY_TEXT} can hold them")
    return value.data.decode()


def render_lines(values: Iterable[WritableValue], line_of: Callable[[WritableValue], str | Problem]) -> FormattedFile:
    """The file with a line for each value, under the comment if it is JSON; and the problems.

    Args:
        values: the values to write.
        line_of: renders the line of a value, without its line feed.
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
    r"""Puts JSON on one line, with other spellings for parts of its strings.

    Args:
        text: JSON. Anything else is returned unchanged.
        escapes: what to write for parts of a string in its escaped form, such as `\\` and `'`.
    """
    part = re.compile("|".join(map(re.escape, escapes)) or r"(?!)")

    def respell(match: re.Match[str]) -> str:
        return part.sub(lambda each: escapes[each[0]], match[0]) if match[1] else " "

    found = _PARTS.sub(respell, text)
    return found if same_value(JSON, text.encode(), found.encode()) else text
