"""Patterns in which `*` stands for any text, matched in linear time whatever the pattern is."""

from __future__ import annotations


def matches(text: str, pattern: str) -> bool:
    """Whether the whole text matches. Each part between two `*` is taken where it comes first, and never again."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
