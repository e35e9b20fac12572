"""Escapes untrusted text (from AWS, a table or a log) for a terminal."""

from __future__ import annotations


def escape(text: object) -> str:
    """Return one line with control, format and invisible characters escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


def escape_lines(text: object) -> str:
    """Return the lines of a message, each escaped. All but the first are indented: none looks like another message."""
    return "\n  ".join(escape(line) for line in str(text).split("\n"))
