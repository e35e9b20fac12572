"""JSON in a spelling that a format can hold: escapes for some characters, spaces for line breaks. It says the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

from configsvc.model.content_types import JSON
from configsvc.model.same_value import same_value

_PARTS = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\n\r]+', re.DOTALL)


def respelled(text: str, escapes: Mapping[str, str]) -> str:
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
