"""Rows of a file, their places, and the problems of rows that cannot be used."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from configsvc.model.content_types import TEXT
from configsvc.model.snapshot import ContentType


def name_place(line: int, column: int | None = None) -> str:
    """Names a line and, if passed, a column."""
    return f"line {line}" if column is None else f"line {line}, column {column}"


def find_place(text: str, offset: int) -> str:
    """Names the line and column of an offset in a text."""
    return name_place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class FileRow(NamedTuple):
    """A key with its bytes, their content type, and their place in the file; `repr` never shows the bytes.

    `filled_in` is true for a text with `${…}`, `$(…)` or the like, which other readers of the file would expand.
    """

    place: str
    key: str
    data: bytes
    content_type: ContentType = TEXT
    filled_in: bool = False

    def __repr__(self) -> str:
        return f"Row(place={self.place!r}, key={self.key!r}, data=***, content_type={self.content_type!r})"


class Problem(NamedTuple):
    """A row that cannot be read or written, and why. It never contains the value."""

    place: str
    key: str | None
    reason: str

    def __str__(self) -> str:
        named = f"{self.place} ({self.key})" if self.place and self.key else self.place or self.key or "the file"
        return f"{named}: {self.reason}"


class WritableValue(NamedTuple):
    """A value to write; `repr` never shows it."""

    key: str
    data: bytes
    content_type: ContentType

    def __repr__(self) -> str:
        return f"Value(key={self.key!r}, data=***, content_type={self.content_type!r})"


ReadResult = tuple[list[FileRow], list[Problem]]
FormattedFile = tuple[str, list[Problem]]
FormatReader = Callable[[str], ReadResult]
FormatWriter = Callable[[Sequence[WritableValue], str], FormattedFile]
"""Writes values; the text is their namespace, for formats that name what they hold."""


def split_problems(rows: Iterable[FileRow | Problem]) -> ReadResult:
    """Separates rows from problems. A key that appears twice is a problem, because either could be meant."""
    found: dict[str, FileRow] = {}
    problems: list[Problem] = []
    for each in rows:
        if isinstance(each, Problem):
            problems.append(each)
        elif each.key in found:
            before = found[each.key].place
            first = f"; first on {before}" if before else ""
            problems.append(Problem(each.place, each.key, f"appears twice{first}"))
        else:
            found[each.key] = each
    return list(found.values()), problems


def decode_base64(text: str) -> bytes:
    """Decodes standard base64, ignoring line breaks and spaces, because files are wrapped.

    Raises:
        ValueError: the text is not base64.
    """
    return base64.b64decode("".join(text.split()), validate=True)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Found by experiment: bash 5.2 refuses or changes values assigned to these, and dash refuses an OPTIND that is not a
# number. Most are readonly or dynamic according to bash(1), Shell Variables.
_OWN = frozenset({
    "_", "BASHOPTS", "BASHPID", "BASH_ALIASES", "BASH_ARGC", "BASH_ARGV", "BASH_CMDS", "BASH_COMMAND", "BASH_LINENO",
    "BASH_SOURCE", "BASH_SUBSHELL", "BASH_VERSINFO", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME",
    "GROUPS", "HISTCMD", "LINENO", "OPTIND", "PIPESTATUS", "PPID", "RANDOM", "SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM",
    "UID",
})  # fmt: skip


def explain_unassignable(name: str) -> str:
    """Why no shell can assign a variable, for a sentence that starts with its name; empty if one can."""
    if not _NAME.fullmatch(name):
        return "not a name that a shell can assign"
    return "a variable that bash reserves" if name in _OWN else ""
