"""Take away deleted keys that retention no longer keeps, with all their versions.

The versions of a key go first, oldest first, and the key stays while one of them is there: whatever stops in between,
the next upkeep goes on with it. Then the keys go, many in one write, under a new revision. It raises HEAD's floor to
the highest version that any of them gave out, so none of those numbers is given out again; and the change log names
each key. What is served stays as it is, with its revision and its tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from configsvc.model import limits
from configsvc.service import change_log, key_state, prunable, records
from configsvc.service.change_log import Done
from configsvc.service.found import live_head
from configsvc.service.ports import Action, Check, LostRace, Ports, Remove, Write
from configsvc.service.records import Change, Head, KeyState, Version
from configsvc.service.snapshot import TRIES
from configsvc.service.summarise import summarise
from configsvc.service.writable import Writable
from configsvc.service.writing import Situation

KEYS = 45
"""Keys of one write: a condition on the `K#` of each and the removal of its `U#`, beside HEAD, settings and the log."""

REMOVALS = limits.TRANSACTION_ITEMS
"""Versions of any size in one transaction."""


class Purged(NamedTuple):
    """How many keys and versions were taken away, the key that is done with last, and whether there is more to do."""

    keys: int
    versions: int
    after: str
    more: bool


class _Due(NamedTuple):
    states: list[KeyState]
    after: str
    more: bool


def purge_keys(ports: Ports, base: Writable, situation: Situation, after: str, until: float) -> Purged:
    """From the key after `after` on, until the limits of one upkeep.

    A key that is written to meanwhile stays: it is no longer due.

    Args:
        ports: what it may use.
        base: the namespace.
        situation: who asks, and the time by which keys are due.
        after: the key that was done with last, "" to begin.
        until: the moment, by the monotonic clock, from which it begins with no other key.

    Raises:
        LostRace: others write all the time, or the settings changed.
    """
    days = base.settings.retention.deleted_days
    if days is None:
        return Purged(0, 0, "", more=False)
    due = _due(ports, base, situation.now.seconds - days * prunable.DAY, after)
    emptied, versions, last = _emptied(ports, base, due.states, until)
    keys = _purged(ports, base, situation, emptied)
    if last is not None:
        return Purged(keys, versions, last or after, more=True)
    return Purged(keys, versions, due.after, due.more)


def _due(ports: Ports, base: Writable, before: float, after: str) -> _Due:
    """Keys that were deleted before a moment. Their time is the deletion's own, which no clock has put right."""
    partition, begin = records.of_namespace(base.head.namespace), f"U#{after}" if after else ""
    due, looked = list[KeyState](), 0
    for state in ports.repository.query(partition, "U#", after=begin, values=False):
        if len(due) == KEYS or looked == limits.UPKEEP_LOOKED:
            return _Due(due, after, more=True)
        if not isinstance(state, KeyState):
            continue
        looked, after = looked + 1, state.key
        if state.deleted_at and prunable.seconds(state.deleted_at) < before:
            due.append(state)
    return _Due(due, "", more=False)


def _emptied(
    ports: Ports, base: Writable, due: Sequence[KeyState], until: float
) -> tuple[list[KeyState], int, str | None]:
    """The keys without versions by now, how many were taken away, and the last key if there is no time or room left."""
    emptied, count, last = list[KeyState](), 0, ""
    _, deleted = _still(ports, base, due)
    for state in deleted:
        if last and ports.clock.monotonic() >= until:
            return emptied, count, last
        stored = _versions(ports, state, limits.UPKEEP_VERSIONS - count + 1)
        room = limits.UPKEEP_VERSIONS - count
        count += (taken := _take(ports, base, state, stored[:room]))
        if taken == room < len(stored):
            return emptied, count, last
        if taken == len(stored):
            emptied.append(state)
        last = state.key
    return emptied, count, None


def _versions(ports: Ports, state: KeyState, most: int) -> list[Version]:
    partition, prefix = records.of_namespace(state.namespace), f"V#{state.key}#"
    found = ports.repository.query(partition, prefix, limit=most, values=False)
    return [each for each in found if isinstance(each, Version)]


def _take(ports: Ports, base: Writable, state: KeyState, gone: Sequence[Version]) -> int:
    """Versions of a key that is still deleted; fewer when it is written to meanwhile."""
    as_read = key_state.Known(state.namespace, state.key, None, state).conditions
    for start in range(0, len(gone), REMOVALS):
        removals = [Remove(records.address_of(each), each.revision) for each in gone[start : start + REMOVALS]]
        try:
            ports.repository.commit([base.condition, *as_read, *removals])
        except LostRace:
            return start
    return len(gone)


def _purged(ports: Ports, base: Writable, situation: Situation, emptied: Sequence[KeyState]) -> int:
    """The keys go, and the numbers of their versions stay used."""
    for _ in range(TRIES):
        head, gone = _still(ports, base, emptied)
        if not gone:
            return 0
        try:
            ports.repository.commit(_actions(base, head, gone, situation))
        except LostRace:
            continue
        summarise(ports, records.of_namespace(head.namespace), head.revision + 1)
        return len(gone)
    raise LostRace([records.address_of(base.head)])


def _still(ports: Ports, base: Writable, states: Sequence[KeyState]) -> tuple[Head, list[KeyState]]:
    """HEAD, and those of the keys that are as they were; the write of what is made of it shows that it stood together.

    Not read in one transaction: that takes 4 MB, and keys that are served again may serve more.

    Raises:
        LostRace: it is no longer there.
    """
    namespace = base.head.namespace
    at = [place for state in states for place in key_state.addresses(namespace, state.key)]
    found = ports.repository.get([records.head(namespace), *at])
    head = live_head(found, namespace)
    if head is None:
        raise LostRace([records.head(namespace)])
    known = ((state, key_state.known(found, namespace, state.key)) for state in states)
    return head, [state for state, each in known if each.state == state]


def _actions(base: Writable, head: Head, gone: Iterable[KeyState], situation: Situation) -> list[Action]:
    states = list(gone)
    floor = max(head.floor, *(state.latest for state in states))
    new = head._replace(revision=head.revision + 1, floor=floor)
    changes = tuple(Change(state.key, "purge", state.latest, None, None) for state in states)
    return [
        Write(new, head.revision), base.condition,
        *(Check(records.key(state.namespace, state.key), None) for state in states),
        *(Remove(records.address_of(state), state.revision) for state in states),
        change_log.logged(head.namespace, new.revision, new.served, Done("purge", changes=changes), situation),
    ]  # fmt: skip
