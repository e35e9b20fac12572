"""Maintains the counts of HEAD: served entries, their cost, seals and served entries of data keys, and stamps."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.envelope import peek
from configsvc.model.errors import Conflict, TooLarge
from configsvc.model.names import Kid
from configsvc.model.sizes import refuse_large_escaped, refuse_large_namespace
from configsvc.model.snapshot import Charset, Entry, compute_entry_cost, compute_total_cost
from configsvc.service.engine import records
from configsvc.service.engine.ports import LostRace
from configsvc.service.engine.records import Head, KeyState, KidCount

_STAMPS = limits.EXACT
"""Stamps are counted modulo this: JSON represents smaller numbers exactly."""


class KidsOfMove(NamedTuple):
    """The data keys that a write of one key affects: of the entry served before and after, and of a new version."""

    was: Kid | None = None
    now: Kid | None = None
    sealed: Kid | None = None


class CountedMove(NamedTuple):
    """One key before and after a write, and the data keys that the write affects."""

    before: KeyState | None
    after: KeyState
    kids: KidsOfMove


def find_kid(entry: Entry | None) -> Kid | None:
    """Returns the data key that a stored entry needs."""
    return peek(entry.value).kid if entry and entry.form == "envelope" else None


def stamp_key(state: KeyState) -> int:
    """Returns a number that differs for each revision of each key, as far as 53 bits of SHA-256 can.

    A sum of revisions alone would not do: a deleted key that a read still saw, and a key that it missed, cancel out if
    one revision wrote both.
    """
    digest = sha256(f"{state.key}#{state.revision}".encode()).digest()
    return int.from_bytes(digest[:8]) % _STAMPS


def add_stamps(stamps: int, gone: Iterable[KeyState], come: Iterable[KeyState]) -> int:
    """Returns `stamps` of HEAD after the `K#` of some states went and those of others came; others count nothing."""
    added = sum(stamp_key(state) for state in come if state.entry)
    return (stamps + added - sum(stamp_key(state) for state in gone if state.entry)) % _STAMPS


def count_writes(head: Head, moves: Iterable[CountedMove], tag: str) -> Head:
    """Returns HEAD after a write of keys, at the next revision.

    The served revision and the tag move only if readers get something new.

    Raises:
        Conflict: a data key has reached its limit of sealed values.
        LostRace: HEAD and a key were read at different moments.
    """
    revision, served = head.revision + 1, False
    entries, size, size_ascii, kids = head.entries, head.size, head.size_ascii, dict(head.kids)
    moved = tuple(moves)
    for before, after, needed in moved:
        was, now = before.entry if before else None, after.entry
        entries += (now is not None) - (was is not None)
        size += _compute_entry_cost(now, "utf8") - _compute_entry_cost(was, "utf8")
        size_ascii += _compute_entry_cost(now, "ascii") - _compute_entry_cost(was, "ascii")
        served = served or was != now
        _check_counted(head, before, needed.was)
        _count_kid(kids, needed.was, served=-1)
        _count_kid(kids, needed.now, served=1)
        _count_kid(kids, needed.sealed, seals=1)
    stamps = add_stamps(head.stamps, [each.before for each in moved if each.before], [each.after for each in moved])
    counted = head._replace(
        revision=revision, entries=entries, size=size, size_ascii=size_ascii, stamps=stamps, kids=kids
    )
    return counted._replace(served=revision, tag=tag) if served else counted


def compute_snapshot_cost(head: Head, charset: Charset) -> int:
    """Returns the bytes that the namespace's snapshot costs in Lambda's answer."""
    data_keys = [count.cost for count in head.kids.values() if count.served]
    size = head.size_ascii if charset == "ascii" else head.size
    return compute_total_cost(head.namespace, head.served, data_keys, head.entries, size)


def check_size(before: Head, after: Head, limit: int, charset: Charset) -> TooLarge | None:
    """Refuses a snapshot that is over the limit and growing. One above a lowered limit may still shrink.

    Besides the namespace's own limit, which counts as the present runtime answers, every runtime must be able to
    answer: the stage may change to one that escapes more.
    """
    if size := _measure_excess(before, after, limit, charset):
        return refuse_large_namespace(after.namespace, size, limit)
    if size := _measure_excess(before, after, limits.ANSWERABLE, "ascii"):
        return refuse_large_escaped(after.namespace, size, limits.ANSWERABLE)
    return None


def _measure_excess(before: Head, after: Head, most: int, charset: Charset) -> int:
    size = compute_snapshot_cost(after, charset)
    return size if size > most and size > compute_snapshot_cost(before, charset) else 0


def _compute_entry_cost(entry: Entry | None, charset: Charset) -> int:
    return compute_entry_cost(entry, charset) if entry else 0


def _check_counted(head: Head, before: KeyState | None, kid: Kid | None) -> None:
    """Checks that HEAD counts the data key of a served entry; otherwise HEAD was read before the key or after it."""
    if before and kid and kid not in head.kids:
        raise LostRace([records.head(head.namespace), records.key(head.namespace, before.key)])


def _count_kid(kids: dict[Kid, KidCount], kid: Kid | None, *, seals: int = 0, served: int = 0) -> None:
    if kid is None:
        return
    count = kids[kid]
    kids[kid] = count._replace(seals=count.seals + seals, served=count.served + served)
    if kids[kid].seals > limits.SEALS_PER_DATA_KEY:
        raise Conflict(
            "The data key has sealed as many values as it may. Rotate: add a data key and seal under it.", kid=kid
        )
