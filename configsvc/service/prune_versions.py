"""Take away versions that retention lets go, key after key.

What the log says up to one revision is read once, by its summaries, and only if a key has more versions than are kept.
A key that was touched since is left for next time, and each removal stands on the key as it was read: a version that
comes to be served meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.names import Key
from configsvc.service import key_state, log_tree, paging, prunable, records
from configsvc.service.ports import Action, Check, LostRace, Ports, Remove
from configsvc.service.records import Version
from configsvc.service.summaries import Ranges, Summary
from configsvc.service.writable import Writable

REMOVALS = limits.TRANSACTION_ITEMS - 1
"""Versions of any size in one transaction, beside the key that serves another."""


class Pruned(NamedTuple):
    """How many were taken away, the key or version that is done with last, and whether there is more to do."""

    number: int
    after: str
    more: bool


class Taken(NamedTuple):
    """How many versions of one key were taken away, and whether those were all that should have been."""

    number: int
    all: bool


class _Log:
    """What the log above its oldest revision says, once somebody asks."""

    def __init__(self, ports: Ports, base: Writable, oldest: int) -> None:
        self._ports, self._head, self._oldest = ports, base.head, oldest
        self._said: Summary | None = None

    def served(self, key: Key) -> Ranges:
        """The versions of a key that revisions of the log served and that are served no more.

        What a revision served is served still, or a later record says that it was. What the oldest record says was is
        of a revision before it, which is no longer in the log.

        Raises:
            LostRace: the log changed while it was read.
            Unprocessable: so many keys were written that one request does not read it.
        """
        if self._said is None:
            partition = records.of_namespace(self._head.namespace)
            self._said = log_tree.between(self._ports.repository, partition, self._oldest, self._head.revision)
        if self._said is None:
            raise LostRace([records.address_of(self._head)])
        known = self._said.keys.get(key)
        return known.served if known else ()


def prune_versions(ports: Ports, base: Writable, oldest: int, after: str, until: float) -> Pruned:
    """From what comes after `after` on, until the limits of one upkeep; a key that was skipped is for the next upkeep.

    Of one key it looks at so many versions beside the newest that are kept anyway; its next ones are for the next call.

    Args:
        ports: what it may use.
        base: the namespace.
        oldest: the oldest revision in the log.
        after: the key that was done with last, or that version of it (`checked`).
        until: the moment, by the monotonic clock, from which it begins with no other key.

    Raises:
        LostRace: the log changed while it was read.
        Unprocessable: so many keys were written since `oldest` that one request does not read it.
    """
    kept = base.settings.retention.versions
    if kept is None:
        return Pruned(0, after, more=False)
    log = _Log(ports, base, oldest)
    count = looked = 0
    skipped = False
    for key, versions in _by_key(ports, base, after):
        most = limits.UPKEEP_LOOKED + kept
        stored = list(islice(versions, most))
        gone = prunable.beyond(stored, kept, log.served(key)) if len(stored) > kept else []
        taken = gone[: limits.UPKEEP_VERSIONS - count]
        took = _take(ports, base, taken)
        count, looked, skipped = count + took.number, looked + len(stored), skipped or not took.all
        if len(gone) > len(taken):
            return Pruned(count, _place(taken[-1]) if taken else after, more=True)
        after = key if len(stored) < most else _place(stored[-kept - 1])
        if looked >= limits.UPKEEP_LOOKED or ports.clock.monotonic() >= until:
            return Pruned(count, after, more=True)
    return Pruned(count, "", more=skipped)


def checked(after: str) -> str:
    """Where an upkeep of versions goes on: after a key, or after one of its versions.

    Raises:
        InvalidName: neither.
    """
    key, version, number = after.partition("#")
    names.key(key)
    if version:
        paging.number(number)
    return after


def _place(version: Version) -> str:
    return f"{version.entry.key}#{version.entry.version}"


def _by_key(ports: Ports, base: Writable, after: str) -> Iterator[tuple[Key, Iterator[Version]]]:
    """The versions of each key, without values, in order."""
    namespace = base.head.namespace
    key, _, number = after.partition("#")
    begin = records.version(namespace, key, int(number)).sk if number else f"V#{key}#~" if key else ""
    found = ports.repository.query(records.of_namespace(namespace), "V#", after=begin, values=False)
    return groupby((each for each in found if isinstance(each, Version)), lambda version: version.entry.key)


def _take(ports: Ports, base: Writable, gone: Sequence[Version]) -> Taken:
    """Versions of one key; none when it was touched since the log was read, or is meanwhile."""
    if not gone:
        return Taken(0, all=True)
    namespace, key = base.head.namespace, gone[0].entry.key
    found = key_state.known(ports.repository.get(key_state.addresses(namespace, key)), namespace, key)
    state = found.state
    if state is None or state.revision > base.head.revision:
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
