"""Texts of several origins in one line, so that none runs into the next. Loaded with the first error."""

from __future__ import annotations

import re

_ENDS = (".", "?", "!", ":")
_COMMAND = re.compile(r"(?s)^(.*): ((?:aws|configsvc) [a-z][^`]*[^`.?!:])$")


def sentences(*texts: str) -> str:
    """The texts one after another, each with a full stop where it lacks one. Empty ones are left out.

    A command at the end of a text is there to be pasted. It stays as it is at the very end, and is set in backquotes
    where more follows.
    """
    given = [each for each in (text.strip() for text in texts) if each]
    return " ".join(
        [*map(_followed, given[:-1]), *(each if _COMMAND.match(each) else _ended(each) for each in given[-1:])]
    )


def _followed(text: str) -> str:
    return _ended(_COMMAND.sub(r"\1: `\2`", text))


def _ended(text: str) -> str:
    return text if text.endswith(_ENDS) else f"{text.rstrip(',;')}."
