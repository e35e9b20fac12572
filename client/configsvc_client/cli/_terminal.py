"""What a person sees on a terminal: masks, and no control characters of others."""

from __future__ import annotations

import sys

MASK = "••••••••"

_KEPT = {"\n", "\t"}


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def printable(text: str) -> str:
    """The text without control characters, which could move the cursor or retitle a terminal."""
    return "".join(each if each in _KEPT or each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
