"""Take away versions that retention lets go, key after key.

The log is read whole before any key, so it knows all that was served up to the revision it comes to. A key that was
touched since is left for next time, and each removal stands on the key as it was read: a version that comes to be
served meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.errors import Conflict
from configsvc.model.names import Key
from configsvc.service import key_state, prunable, records
from configsvc.service.ports import Action, Check, LostRace, Ports, Remove
from configsvc.service.prunable import Served
from configsvc.service.records import LogRecord, Version
from configsvc.service.writable import Writable

REMOVALS = limits.TRANSACTION_ITEMS - 1
"""Versions of any size in one transaction, beside the key that serves another."""


class Pruned(NamedTuple):
    """How many were taken away, the key that is done with last, and whether there is more to do."""

    number: int
    after: str
    more: bool


class Taken(NamedTuple):
    """How many versions of one key were taken away, and whether those were all that should have been."""

    number: int
    all: bool


def prune_versions(ports: Ports, base: Writable, after: str) -> Pruned:
    """From the key after `after` on, until the limits of one upkeep; one that was skipped is for the next upkeep.

    Raises:
        Conflict: the log is too long to tell what it served.
        LostRace: the log changed while it was read.
    """
    kept = base.settings.retention.versions
    if kept is None:
        return Pruned(0, after, more=False)
    known = _served(ports, base)
    count = looked = 0
    skipped = False
    for key, stored in _by_key(ports, base, after):
        gone = prunable.beyond(stored, kept, known.versions.get(key, set()))
        room = limits.UPKEEP_VERSIONS - count
        took = _take(ports, base, known, gone[:room])
        count, looked, skipped = count + took.number, looked + len(stored), skipped or not took.all
        if len(gone) > room:
            return Pruned(count, after, more=True)
        after = key
        if looked >= limits.UPKEEP_LOOKED:
            return Pruned(count, after, more=True)
    return Pruned(count, "", more=skipped)


def _served(ports: Ports, base: Writable) -> Served:
    found = ports.repository.query(records.of_namespace(base.head.namespace), "R#")
    known = prunable.served(_no_more(each for each in found if isinstance(each, LogRecord)))
    if known.revision < base.head.revision:
        raise LostRace([records.address_of(base.head)])
    return known


def _no_more(log: Iterator[LogRecord]) -> Iterator[LogRecord]:
    """A record costs as much as it has changes: that of a put has one, those of an import 40."""
    read = 0
    for record in log:
        read += 1 + len(record.changes)
        if read > limits.UPKEEP_READ:
            raise Conflict(
                f"The change log has more than {limits.UPKEEP_READ} records and changes, and any may need a version. "
                "Set retention.log_days, or make it smaller, and run upkeep again.",
                limit=limits.UPKEEP_READ,
            )
        yield record


def _by_key(ports: Ports, base: Writable, after: str) -> Iterator[tuple[Key, list[Version]]]:
    """The versions of each key, without values, in order."""
    partition = records.of_namespace(base.head.namespace)
    found = ports.repository.query(partition, "V#", after=f"V#{after}#~" if after else "", values=False)
    versions = (each for each in found if isinstance(each, Version))
    return ((key, list(group)) for key, group in groupby(versions, lambda version: version.entry.key))


def _take(ports: Ports, base: Writable, known: Served, gone: Sequence[Version]) -> Taken:
    """Versions of one key; none when it was touched since the log was read, or is meanwhile."""
    if not gone:
        return Taken(0, all=True)
    namespace, key = base.head.namespace, gone[0].entry.key
    found = key_state.known(ports.repository.get(key_state.addresses(namespace, key)), namespace, key)
    state = found.state
    if state is None or state.revision > known.revision:
        return Taken(0, all=False)
    as_read = found.conditions or (Check(records.address_of(state), state.revision),)
    removals = [Remove(records.address_of(each), each.revision) for each in gone if each.entry.version != state.active]
    for start in range(0, len(removals), REMOVALS):
        chunk: list[Action] = [base.condition, *as_read, *removals[start : start + REMOVALS]]
        try:
            ports.repository.commit(chunk)
        except LostRace:
            return Taken(start, all=False)
    return Taken(len(removals), all=True)
