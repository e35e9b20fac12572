"""Text by people for people: one line, without characters that control a terminal or reverse the reading order."""

from __future__ import annotations

import re

from configsvc.model.errors import InvalidRequest

LINE = r"[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*"
"""No control characters (C0, DEL, C1), no line or paragraph separators, no characters that change text direction."""

_LINE = re.compile(LINE)
_UNFIT = re.compile(LINE.replace("[^", "[", 1).removesuffix("*") + "|[\ud800-\udfff]")


def check_line(text: str, field: str) -> None:
    """Refuses a text with line breaks or control characters.

    Raises:
        InvalidRequest: the message never shows the text.
    """
    if not _LINE.fullmatch(text):
        raise InvalidRequest(
            f"{field} must be one line of text. Remove line breaks, control characters and characters that change the "
            "text direction.",
            field=field,
        )


def make_printable(text: str) -> str:
    """The text with � for every character that is unsafe to print."""
    if text.isascii() and text.isprintable():  # nearly always true, and ten times as fast: this runs in every poll
        return text
    return _UNFIT.sub("\ufffd", text)
