"""HEAD made again of what it counts, to tell whether it is right. Pure.

Seals are the one count that nothing else holds, for versions may be pruned: a data key that HEAD does not know of has
sealed no more than all versions that were ever given out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.names import Kid
from configsvc.model.snapshot import data_key_cost, entry_cost
from configsvc.service.key_state import current
from configsvc.service.records import Head, KeyState, KidCount, LogRecord, Record, StoredDataKey
from configsvc.service.tally import kid_of, stamped


class Difference(NamedTuple):
    """One number that HEAD has, and what was found."""

    what: str
    head: int | None
    found: int | None


def rebuilt(head: Head, found: Iterable[Record]) -> Head:
    """HEAD as keys, data keys and the log say; `found` is all `K#`, `U#` and `D#`, and the newest of the log."""
    stored = tuple(found)
    states = current(stored)
    entries = [state.entry for state in states if state.entry]
    data_keys = [each for each in stored if isinstance(each, StoredDataKey)]
    revision = _revision(head, stored)
    return head._replace(
        revision=revision,
        floor=min(head.floor, revision),
        entries=len(entries),
        size=sum(entry_cost(entry, "utf8") for entry in entries),
        size_ascii=sum(entry_cost(entry, "ascii") for entry in entries),
        stamps=stamped(0, (), states),
        kids=_kids(head, revision, states, data_keys),
    )


def _revision(head: Head, stored: Sequence[Record]) -> int:
    """The last revision: each has a record in the log, and the newest is never taken away.

    So a HEAD above it was raised by somebody else, and so was any number that no lift goes to.
    """
    logged = any(isinstance(each, LogRecord) for each in stored)
    said = [each.revision for each in stored] + ([] if logged else [head.revision])
    return max((each for each in said if each < limits.REVISION_END), default=0)


def differences(head: Head, found: Head) -> tuple[Difference, ...]:
    """Where two HEADs count differently."""
    numbers = [
        Difference(name, getattr(head, name), getattr(found, name))
        for name in ("revision", "floor", "entries", "size", "size_ascii", "stamps")
    ]
    kids = sorted(head.kids.keys() | found.kids.keys())
    counts = [each for kid in kids for each in _of_kid(kid, head.kids, found.kids)]
    return tuple(each for each in (*numbers, *counts) if each.head != each.found)


def overstated(found: Iterable[Record], revision: int) -> list[KeyState]:
    """The keys whose latest version somebody else raised: no key has had more versions than its namespace revisions."""
    return [each for each in current(found) if each.latest > revision]


def _kids(
    head: Head, revision: int, states: Sequence[KeyState], data_keys: Sequence[StoredDataKey]
) -> dict[Kid, KidCount]:
    given_out = sum(min(state.latest, revision) for state in states)
    needed = [kid_of(state.entry) for state in states]
    return {
        each.data_key.kid: KidCount(
            head.kids[each.data_key.kid].seals if each.data_key.kid in head.kids else given_out,
            needed.count(each.data_key.kid), data_key_cost(each.data_key), each.revision,
        )
        for each in data_keys
        if each.state == "live"
    }  # fmt: skip


def _of_kid(kid: Kid, head: Mapping[Kid, KidCount], found: Mapping[Kid, KidCount]) -> list[Difference]:
    was, now = (each.get(kid) for each in (head, found))
    return [
        Difference(f"kids.{kid}.{name}", getattr(was, name, None), getattr(now, name, None))
        for name in ("seals", "served", "cost", "revision")
    ]
