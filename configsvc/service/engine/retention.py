"""Finds log records and versions that retention no longer keeps, and removes deleted keys with all their versions."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from configsvc.model import limits
from configsvc.service.engine import key_state, records, writing
from configsvc.service.engine.access import find_live_head
from configsvc.service.engine.key_state import Writable
from configsvc.service.engine.log_tree import write_summaries
from configsvc.service.engine.ports import LostRace, Remove, ServicePorts, StampCheck, Write, WriteAction
from configsvc.service.engine.records import Head, KeyState, LoggedChange, LogRecord, StoredVersion
from configsvc.service.engine.snapshot import TRIES
from configsvc.service.engine.summaries import Ranges, is_in_ranges
from configsvc.service.engine.writing import LogNote, Situation

DAY = 24 * 3600


def find_outdated(log: Iterable[LogRecord], head: int, before: float) -> Iterable[LogRecord]:
    """Yields the beginning of the log that was written before a moment, in seconds since the epoch.

    It never includes HEAD's record or the newest: if somebody raised HEAD, only the newest tells the last revision.
    """
    older = (record for record, _newer in pairwise(log))
    return takewhile(lambda record: record.revision < head and parse_seconds(record.at) < before, older)


def find_surplus(stored: Sequence[StoredVersion], kept: int, served: Ranges) -> list[StoredVersion]:
    """Returns the versions of a key, in order, before the newest `kept` that no revision in the log served."""
    old = stored[: max(0, len(stored) - kept)]
    return [version for version in old if not is_in_ranges(served, version.entry.version)]


def parse_seconds(at: str) -> float:
    """Returns the seconds since the epoch of a time in the log, without its milliseconds."""
    date, _, time = at.partition("T")
    year, month, day = (int(part) for part in date.split("-"))
    hour, minute, second = (int(part) for part in time[:8].split(":"))
    return float(timegm((year, month, day, hour, minute, second)))


KEYS = 45
"""Keys of one write: for each, a check of its `K#` and the removal of its `U#`, besides HEAD, settings and log."""

REMOVALS = limits.TRANSACTION_ITEMS
"""Versions of any size in one transaction."""


class PurgedKeys(NamedTuple):
    """The numbers of keys and versions removed, the last key that is done, and whether there is more to do."""

    keys: int
    versions: int
    after: str
    more: bool


class _DueKeys(NamedTuple):
    states: list[KeyState]
    after: str
    more: bool


def purge_keys(ports: ServicePorts, base: Writable, situation: Situation, after: str, until: float) -> PurgedKeys:
    """Purges the keys after `after`, within the limits of one upkeep.

    A key that is written to in the meantime stays: it is no longer due.

    Args:
        ports: what it may use.
        base: the namespace.
        situation: the caller, and the time at which keys are due.
        after: the last key that is done, "" to begin.
        until: the time of the monotonic clock after which it begins no other key.

    Raises:
        LostRace: there are too many concurrent writes, or the settings changed.
    """
    days = base.settings.retention.deleted_days
    if days is None:
        return PurgedKeys(0, 0, "", more=False)
    due = _find_due(ports, base, situation.now.seconds - days * DAY, after)
    emptied, versions, last = _empty_keys(ports, base, due.states, until)
    keys = _remove_keys(ports, base, situation, emptied)
    if last is not None:
        return PurgedKeys(keys, versions, last or after, more=True)
    return PurgedKeys(keys, versions, due.after, due.more)


def _find_due(ports: ServicePorts, base: Writable, before: float, after: str) -> _DueKeys:
    """Finds keys deleted before a moment. The time is that of the deletion, uncorrected by later clocks."""
    partition, begin = records.of_namespace(base.head.namespace), f"U#{after}" if after else ""
    due, looked = list[KeyState](), 0
    for state in ports.repository.query(partition, "U#", after=begin, values=False):
        if len(due) == KEYS or looked == limits.UPKEEP_LOOKED:
            return _DueKeys(due, after, more=True)
        if not isinstance(state, KeyState):
            continue
        looked, after = looked + 1, state.key
        if state.deleted_at and parse_seconds(state.deleted_at) < before:
            due.append(state)
    return _DueKeys(due, "", more=False)


def _empty_keys(
    ports: ServicePorts, base: Writable, due: Sequence[KeyState], until: float
) -> tuple[list[KeyState], int, str | None]:
    """Returns the keys that now have no versions, the number removed, and the last key if time or room ran out."""
    emptied, count, last = list[KeyState](), 0, ""
    _, deleted = _confirm_unserved(ports, base, due)
    for state in deleted:
        if last and ports.clock.monotonic() >= until:
            return emptied, count, last
        stored = _read_versions(ports, state, limits.UPKEEP_VERSIONS - count + 1)
        room = limits.UPKEEP_VERSIONS - count
        count += (taken := _remove_versions(ports, base, state, stored[:room]))
        if taken == room < len(stored):
            return emptied, count, last
        if taken == len(stored):
            emptied.append(state)
        last = state.key
    return emptied, count, None


def _read_versions(ports: ServicePorts, state: KeyState, most: int) -> list[StoredVersion]:
    partition, prefix = records.of_namespace(state.namespace), f"V#{state.key}#"
    found = ports.repository.query(partition, prefix, limit=most, values=False)
    return [each for each in found if isinstance(each, StoredVersion)]


def _remove_versions(ports: ServicePorts, base: Writable, state: KeyState, gone: Sequence[StoredVersion]) -> int:
    """Removes versions of a key that is still deleted; fewer if it is written to in the meantime."""
    as_read = key_state.KnownKey(state.namespace, state.key, None, state).conditions
    for start in range(0, len(gone), REMOVALS):
        removals = [Remove(records.address_of(each), each.revision) for each in gone[start : start + REMOVALS]]
        try:
            ports.repository.commit([base.condition, *as_read, *removals])
        except LostRace:
            return start
    return len(gone)


def _remove_keys(ports: ServicePorts, base: Writable, situation: Situation, emptied: Sequence[KeyState]) -> int:
    """Removes the keys; the numbers of their versions stay used."""
    for _ in range(TRIES):
        head, gone = _confirm_unserved(ports, base, emptied)
        if not gone:
            return 0
        try:
            ports.repository.commit(_build_purge(base, head, gone, situation))
        except LostRace:
            continue
        write_summaries(ports, records.of_namespace(head.namespace), head.revision + 1)
        return len(gone)
    raise LostRace([records.address_of(base.head)])


def _confirm_unserved(ports: ServicePorts, base: Writable, states: Sequence[KeyState]) -> tuple[Head, list[KeyState]]:
    """Returns HEAD and the keys that are unchanged; the write made from them proves that they belong together.

    They are not read in one transaction: its limit is 4 MB, and keys that are served again may hold more.

    Raises:
        LostRace: the namespace no longer exists.
    """
    namespace = base.head.namespace
    at = [place for state in states for place in key_state.list_key_addresses(namespace, state.key)]
    found = ports.repository.get([records.head(namespace), *at])
    head = find_live_head(found, namespace)
    if head is None:
        raise LostRace([records.head(namespace)])
    known = ((state, key_state.find_key(found, namespace, state.key)) for state in states)
    return head, [state for state, each in known if each.state == state]


def _build_purge(base: Writable, head: Head, gone: Iterable[KeyState], situation: Situation) -> list[WriteAction]:
    states = list(gone)
    floor = max(head.floor, *(state.latest for state in states))
    new = head._replace(revision=head.revision + 1, floor=floor)
    changes = tuple(LoggedChange(state.key, "purge", state.latest, None, None) for state in states)
    return [
        Write(new, head.revision), base.condition,
        *(StampCheck(records.key(state.namespace, state.key), None) for state in states),
        *(Remove(records.address_of(state), state.revision) for state in states),
        writing.make_log_record(head.namespace, new.revision, new.served, LogNote("purge", changes=changes), situation),
    ]  # fmt: skip
