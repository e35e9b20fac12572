"""Two sides compared: by version where that tells enough, else by value. Only what has to be is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from configsvc.model.content_types import TEXT
from configsvc.model.same_value import same_value
from configsvc_client.cli._sides import Item, Side

Change = Literal["added", "removed", "changed", "unknown"]


class Compared(NamedTuple):
    """A key that differs; the values are there where they were asked for and open."""

    key: str
    change: Change
    left: Item | None
    right: Item | None
    was: bytes | None = None
    now: bytes | None = None

    def __repr__(self) -> str:
        return f"Compared(key={self.key!r}, change={self.change!r})"


def compared(left: Side, right: Side, *, values: bool) -> list[Compared]:
    """The keys that differ, in their order; `values` asks for the values of all of them."""
    here, there = left.items(), right.items()
    both = sorted(key for key in here.keys() & there.keys() if not _identical(here[key], there[key]))
    was, now = left.data(both), right.data(both)
    found = [Compared(key, "removed", here[key], None) for key in here.keys() - there.keys()]
    found += [Compared(key, "added", None, there[key]) for key in there.keys() - here.keys()]
    found += [
        Compared(key, change, here[key], there[key], was.get(key), now.get(key))
        for key in both
        if (change := _change(here[key], there[key], was.get(key), now.get(key)))
    ]
    return sorted(_valued(found, left, right) if values else found)


def _valued(found: list[Compared], left: Side, right: Side) -> list[Compared]:
    was = left.data([each.key for each in found if each.change == "removed"])
    now = right.data([each.key for each in found if each.change == "added"])
    return [_filled(each, was, now) for each in found]


def _filled(each: Compared, was: Mapping[str, bytes | None], now: Mapping[str, bytes | None]) -> Compared:
    return each._replace(was=was.get(each.key, each.was), now=now.get(each.key, each.now))


def _identical(left: Item, right: Item) -> bool:
    """Whether they are one version of one key: that never changes."""
    return left.identity is not None and left.identity == right.identity


def _change(left: Item, right: Item, was: bytes | None, now: bytes | None) -> Change | None:
    if (left.form and right.form and left.form != right.form) or of_other_types(left, right):
        return "changed"
    if was is None or now is None:
        return "unknown"
    return None if same_value(left.content_type or right.content_type or TEXT, was, now) else "changed"


def of_other_types(left: Item | None, right: Item | None) -> bool:
    """Whether two values differ in their content type, so far as both have one."""
    types = {each.content_type for each in (left, right) if each and each.content_type}
    return len(types) > 1
