r"""Java properties files, by the rules of `java.util.Properties.load` (Java SE API).

The key ends at the first `=`, `:`, space, tab or form feed without a backslash. Spaces around that separator are
ignored; spaces at the end of the value are not. A backslash at the end of a line continues it. Files are read as UTF-8,
as Java 9 and later read resource bundles, and written as ASCII with `\uXXXX`, which Java reads in every encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from configsvc_client.cli.formats import _common
from configsvc_client.cli.formats._common import (
    FileRow,
    FormattedFile,
    Problem,
    ReadResult,
    WritableValue,
    split_problems,
)
from configsvc_client.cli.formats._text_types import choose_type, get_text, is_json_comment, render_lines

_BLANK = " \t\f"
_ENDS = re.compile(r"\r\n|\r|\n")
_KEY = re.compile(r"(?:\\.|[^\\=: \t\f])*", re.DOTALL)
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.)|\Z)", re.DOTALL)
_BAD = re.compile(r"(?<!\\)(?:\\\\)*\\u(?![0-9A-Fa-f]{4})")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_ESCAPED = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f", "\\": "\\\\"}


class _Line(NamedTuple):
    """A logical line: its number, its text with continuations, and whether a JSON comment precedes it."""

    number: int
    text: str
    commented: bool


def read(text: str) -> ReadResult:
    """Reads the file. Problems: escapes that Java refuses, and keys that appear twice, where Java uses the last."""
    return split_problems(_read_row(each) for each in _iter_lines(text))


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes lines that every Java version reads as the same values. Bytes are a problem."""
    del namespace
    return render_lines(values, _render_line)


def _iter_lines(text: str) -> Iterator[_Line]:
    natural = _ENDS.split(text)
    commented, at = False, 0
    while at < len(natural):
        number, line = at + 1, natural[at].lstrip(_BLANK)
        at += 1
        if line[:1] in ("#", "!"):
            commented = is_json_comment(line)
            continue
        if line == "\\":  # continues nothing: the next line may be a comment
            continue
        parts = [line]
        while _is_continued(parts[-1]) and at < len(natural):
            parts[-1] = parts[-1][:-1]
            parts.append(natural[at].lstrip(_BLANK))
            at += 1
        if any(parts):
            yield _Line(number, "".join(parts), commented)
        commented = False


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _read_row(line: _Line) -> FileRow | Problem:
    place = _common.name_place(line.number)
    if _BAD.search(line.text):
        return Problem(place, None, "a \\u without four hexadecimal digits; write a backslash as \\\\")
    key = _KEY.match(line.text)
    start = key.end() if key else 0
    separator = _SEPARATOR.match(line.text, start)
    name, value = (
        _unescape_text(line.text[:start]),
        _unescape_text(line.text[separator.end() if separator else start :]),
    )
    if name is None or value is None:
        return Problem(place, None, "contains half a surrogate pair, which is not text")
    if start == len(line.text):
        # Not shown: it may be a line of a secret.
        return Problem(place, None, "no value; write KEY= for an empty value, and end lines that continue with \\")
    return FileRow(place, name, value.encode(), choose_type(line.commented))


def _unescape_text(escaped: str) -> str | None:
    """The text of a key or a value; None if it is not valid Unicode."""
    found = _ESCAPE.sub(_unescape, escaped)
    try:
        return found.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _unescape(found: re.Match[str]) -> str:
    code, letter = found.groups()
    return chr(int(code, 16)) if code else _LETTERS.get(letter or "", letter or "")


def _render_line(value: WritableValue) -> str | Problem:
    text = get_text(value)
    if isinstance(text, Problem):
        return text
    key = "".join(f"\\{each}" if each in " =:#!" else _escape(each) for each in value.key)
    lead = len(text) - len(text.lstrip(" "))
    return "".join((key, "=", "\\ " * lead, *map(_escape, text[lead:])))


def _escape(letter: str) -> str:
    if letter in _ESCAPED:
        return _ESCAPED[letter]
    if letter.isascii() and letter.isprintable():
        return letter
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
