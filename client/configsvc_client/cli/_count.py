"""Numbers and lists of things, in words."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, thing: str) -> str:
    """`1 key` or `2 keys`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def joined(texts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else "".join(texts)


def first_of(texts: Sequence[str], most: int) -> str:
    """`a, b and 7 more`: the first ones by name, the others by number."""
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return f"{', '.join(texts[:most])}{more}"
