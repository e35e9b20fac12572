"""Text of others for a person's terminal: what AWS, a table or a log says, without what a terminal would obey."""

from __future__ import annotations


def shown(text: object) -> str:
    """One line, in which control, format and invisible characters are escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))
