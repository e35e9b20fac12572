"""What differs between the entries of two namespaces: pure, and without their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from configsvc.model.entry import Entry
from configsvc.model.names import Key
from configsvc.model.same_value import same_value

Values = Literal["same", "different", "unknown"]


class Apart(NamedTuple):
    """A key that two namespaces do not serve alike.

    `values` is None where only one has the key, and "unknown" where one is sealed: the service cannot read it, and
    sealing one value twice gives two texts.
    """

    key: Key
    here: Entry | None
    there: Entry | None
    values: Values | None


def apart(here: Mapping[Key, Entry], there: Mapping[Key, Entry]) -> list[Apart]:
    """The keys, in order, that only one has, or whose form, content type or value is not the same.

    Versions do not count: each namespace has its own.
    """
    keys = sorted({*here, *there})
    both = (Apart(key, here.get(key), there.get(key), _values(here.get(key), there.get(key))) for key in keys)
    return [each for each in both if each.values != "same" or _what(each.here) != _what(each.there)]


def shown(entry: Entry | None) -> dict[str, object] | None:
    """An entry as a diff shows it."""
    return entry and {"version": entry.version, "form": entry.form, "content_type": entry.content_type}


def _values(one: Entry | None, other: Entry | None) -> Values | None:
    if one is None or other is None:
        return None
    if one.content_type != other.content_type:
        return "different"
    if one.value == other.value:
        return "same"
    if one.sealed or other.sealed:
        return "unknown"
    return "same" if same_value(one.content_type, one.value.encode(), other.value.encode()) else "different"


def _what(entry: Entry | None) -> tuple[str, str] | None:
    return entry and (entry.form, entry.content_type)
