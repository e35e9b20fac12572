r"""Makes foreign text safe to show: whatever could act on a terminal is escaped, such as `\x1b` or `\u202e`.

Escaped are control characters (C0, DEL, C1), line and paragraph separators, every format character (bidi controls,
zero-width ones, tags), spaces other than the ASCII one, unpaired surrogates, private and unassigned characters, letters
and marks that show nothing, and combining marks that pile up or have nothing to combine with. Wide characters and
letters of every script are shown unchanged.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

from configsvc.model import json_text

_LINES_AND_TABS = frozenset("\n\t")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_LINE, _CELL = 20_000, 2_000
"""The most characters of foreign text that are shown to people; programs get everything."""

_MARKS = 8
"""The most combining marks shown in a row. No language needs more; hundreds of them would cover the lines above."""

# isprintable() accepts these, yet they are invisible: fillers, invisible marks, blanks (Default_Ignorable_Code_Point).
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
    """Escapes a text as one line, cut if it is too long to read. Backslashes stay, because people read it."""
    return _escape_text(text if len(text) <= most else f"{text[:most]}…", frozenset())


def escape_cell(text: str) -> str:
    """Escapes a text as a table cell for people."""
    return escape_line(text, _CELL)


def escape_lines(text: str) -> str:
    """Escapes a text but for line feeds and tabs, for a value that a person asked to see."""
    return _escape_text(text, _LINES_AND_TABS)


def escape_field(text: str) -> str:
    r"""Escapes a field of a tab-separated line. Backslashes are doubled, so that a program can undo every escape."""
    return _escape_text(text.replace("\\", "\\\\"), frozenset())


def render_json(found: object, indent: int | None = None) -> str:
    """Renders JSON in which every character is visible: JSON's own escapes are used where this module escapes."""
    text = json_text.render(found, indent)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return _replace(text, frozenset("\n"), lambda each: json.dumps(each)[1:-1], 0)


def _escape_text(text: str, kept: frozenset[str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _replace(text, kept, _escape_character, _MARKS)  # a leading mark would combine with the text before it


def _replace(text: str, kept: frozenset[str], escape: Callable[[str], str], marks: int) -> str:
    """Escapes a text; `marks` is the number of combining marks before it."""
    shown = []
    for each in text:
        marks = marks + 1 if unicodedata.category(each)[0] == "M" else 0
        shown.append(each if each in kept or (_is_seen(each) and marks <= _MARKS) else escape(each))
    return "".join(shown)


def _is_seen(character: str) -> bool:
    return character.isprintable() and character not in _UNSEEN


def _escape_character(character: str) -> str:
    number = ord(character)
    if number > 0xFFFF:  # noqa: PLR2004  # the highest with four digits
        return f"\\U{number:08x}"
    return _SHORT.get(character) or (f"\\u{number:04x}" if number > 0xFF else f"\\x{number:02x}")  # noqa: PLR2004  # two digits
