r"""Text of others, made safe to show: what could act on a terminal is shown as an escape, such as `\x1b` or `\u202e`.

Escaped are control characters (C0, DEL, C1), line and paragraph separators, every format character (bidi controls,
zero-width ones, tags), spaces other than the ASCII one, unpaired surrogates, private and unassigned characters, letters
and marks that show nothing, and combining marks that pile up or have nothing to combine with. Wide characters and
letters of every script are shown as they are.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

from configsvc.model import json_text

_LINES_AND_TABS = frozenset("\n\t")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_LINE, _CELL = 20_000, 2_000
"""Characters of others that are shown to people; programs get everything."""

_MARKS = 8
"""Combining marks in a row that are shown. No language needs more; hundreds of them cover the lines above."""

# isprintable() takes these, yet nothing is seen: fillers, invisible marks, blanks (Default_Ignorable_Code_Point).
_UNSEEN = frozenset(
    map(
        chr,
        (
            0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE0E),
            0xFFA0, *range(0xE0100, 0xE01F0),
        ),
    )
)  # fmt: skip


def escape_line(text: str, most: int = _LINE) -> str:
    """The text as one line, cut where it is too long to read. A backslash stays as it is: this is for people."""
    return _escape_text(text if len(text) <= most else f"{text[:most]}…", frozenset())


def escape_cell(text: str) -> str:
    """The text as a cell of a table for people."""
    return escape_line(text, _CELL)


def escape_lines(text: str) -> str:
    """The text with its line feeds and tabs, for a value that a person asked to see."""
    return _escape_text(text, _LINES_AND_TABS)


def escape_field(text: str) -> str:
    r"""A field of a tab-separated line. A backslash is doubled, so a program can undo every escape."""
    return _escape_text(text.replace("\\", "\\\\"), frozenset())


def render_json(found: object, indent: int | None = None) -> str:
    """JSON in which every character is seen: what this module escapes is in JSON's own escapes."""
    text = json_text.render(found, indent)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return _replace(text, frozenset("\n"), lambda each: json.dumps(each)[1:-1], 0)


def _escape_text(text: str, kept: frozenset[str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _replace(
        text, kept, _escape_character, _MARKS
    )  # a mark that comes first would combine with what is before it


def _replace(text: str, kept: frozenset[str], escape: Callable[[str], str], marks: int) -> str:
    """The text with escapes; `marks` is how many combining marks come before it."""
    shown = []
    for each in text:
        marks = marks + 1 if unicodedata.category(each)[0] == "M" else 0
        shown.append(each if each in kept or (_is_seen(each) and marks <= _MARKS) else escape(each))
    return "".join(shown)


def _is_seen(character: str) -> bool:
    return character.isprintable() and character not in _UNSEEN


def _escape_character(character: str) -> str:
    number = ord(character)
    if number > 0xFFFF:  # noqa: PLR2004  # the last that four digits can write
        return f"\\U{number:08x}"
    return _SHORT.get(character) or (f"\\u{number:04x}" if number > 0xFF else f"\\x{number:02x}")  # noqa: PLR2004  # two digits
