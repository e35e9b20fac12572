"""Text that people write for people: one line, in which nothing moves a terminal or turns what is read around."""

from __future__ import annotations

import re

from configsvc.model.errors import InvalidRequest

LINE = r"[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*"
"""No control characters (C0, DEL, C1), no line or paragraph separators, nothing that changes the writing direction."""

_LINE = re.compile(LINE)
_UNFIT = re.compile(LINE.replace("[^", "[", 1).removesuffix("*") + "|[\ud800-\udfff]")


def check_line(text: str, field: str) -> None:
    """Refuse a text that does more than be read.

    Raises:
        InvalidRequest: it never shows the text.
    """
    if not _LINE.fullmatch(text):
        raise InvalidRequest(
            f"{field} is one line of text. Leave out line breaks, control characters and characters that change the "
            "writing direction.",
            field=field,
        )


def make_printable(text: str) -> str:
    """The text with � for every character that must not be shown as it is."""
    if text.isascii() and text.isprintable():  # nearly always, and in a tenth of the time: this is in every poll
        return text
    return _UNFIT.sub("\ufffd", text)
