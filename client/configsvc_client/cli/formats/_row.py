"""Rows of a file, and problems of those that cannot be taken."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from configsvc.model.content_types import TEXT
from configsvc.model.entry import ContentType


class Row(NamedTuple):
    """A key with its bytes, what they are, and where in the file it is; `repr` never shows the bytes.

    `filled_in` is true for a text with `${…}`, `$(…)` or the like, where other readers of the file would put something
    else in place of that.
    """

    place: str
    key: str
    data: bytes
    content_type: ContentType = TEXT
    filled_in: bool = False

    def __repr__(self) -> str:
        return f"Row(place={self.place!r}, key={self.key!r}, data=***, content_type={self.content_type!r})"


class Problem(NamedTuple):
    """What cannot be taken or held, and why; never what it is."""

    place: str
    key: str | None
    reason: str

    def __str__(self) -> str:
        named = f"{self.place} ({self.key})" if self.place and self.key else self.place or self.key or "the file"
        return f"{named}: {self.reason}"


class Value(NamedTuple):
    """A value to write; `repr` never shows it."""

    key: str
    data: bytes
    content_type: ContentType

    def __repr__(self) -> str:
        return f"Value(key={self.key!r}, data=***, content_type={self.content_type!r})"


Read = tuple[list[Row], list[Problem]]
Written = tuple[str, list[Problem]]
Reader = Callable[[str], Read]
Writer = Callable[[Sequence[Value], str], Written]
"""Writes values; the text is their namespace, for formats that name what they hold."""


def once(rows: Iterable[Row | Problem]) -> Read:
    """Rows and problems apart; a key that appears twice is a problem, for nobody knows which is meant."""
    found: dict[str, Row] = {}
    problems: list[Problem] = []
    for each in rows:
        if isinstance(each, Problem):
            problems.append(each)
        elif each.key in found:
            before = found[each.key].place
            first = f"; the first time on {before}" if before else ""
            problems.append(Problem(each.place, each.key, f"appears twice{first}"))
        else:
            found[each.key] = each
    return list(found.values()), problems


def from_base64(text: str) -> bytes:
    """Bytes of standard base64; line breaks and spaces in it count for nothing, as files are wrapped.

    Raises:
        ValueError: it is something else.
    """
    return base64.b64decode("".join(text.split()), validate=True)
