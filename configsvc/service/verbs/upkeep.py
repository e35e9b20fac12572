"""Removes what retention no longer keeps. Readers see no change; only purging deleted keys makes a revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice, takewhile
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import access, key_state, log_tree, paging, records, retention
from configsvc.service.engine.key_state import Writable, list_writable_addresses, require_writable
from configsvc.service.engine.ports import Caller, LostRace, Remove, ServicePorts, StampCheck, WriteAction
from configsvc.service.engine.records import LogRecord, StoredSummary, StoredVersion
from configsvc.service.engine.retention import PurgedKeys, purge_keys
from configsvc.service.engine.summaries import Ranges, Summary
from configsvc.service.engine.time_travel import find_oldest_revision
from configsvc.service.engine.writing import Situation, retry_lost_races

TRIES = 8
"""Lost races of one call: it may be repeated, and what it removed before stays removed."""

ACTIONS = 99
"""Removals in one transaction besides its condition: TransactWriteItems takes 100 actions."""

_DELETED = "U#"
"""The prefix of a cursor while deleted keys are purged. No key begins like that."""

LEVELS = 8
"""Levels of summaries: the eighth covers four billion revisions, half of what a lift can reach."""


class _PrunedLog(NamedTuple):
    pruned: int
    more: bool


def run_upkeep(
    ports: ServicePorts, caller: Caller, namespace: Namespace, cursor: str | None = None
) -> dict[str, object]:
    """Removes what retention no longer keeps.

    Log records go first, oldest first; then deleted keys with all their versions; then versions that no revision in the
    log needs.

    The work of one call is limited. Answers `{"namespace", "log_pruned", "keys_purged", "versions_pruned",
    "oldest_revision", "done", "cursor"}`; while it is not done, call again with its cursor, or with None to start over.
    It
    may be stopped and repeated at any moment. The table itself drops expired answers to Idempotency-Keys.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action.
        InvalidRequest: it is not a cursor of an upkeep.
        Conflict: the namespace is read-only.
        Unprocessable: too many keys were written since the oldest revision to read what they served in one request;
            keep the log for fewer days.
        Contended: there are too many concurrent writes.
    """
    after = paging.parse_cursor(cursor, "", _parse_place)
    partition = records.of_namespace(namespace)
    return retry_lost_races(ports, partition, lambda: _attempt_upkeep(ports, caller, namespace, after), TRIES)


def _attempt_upkeep(ports: ServicePorts, caller: Caller, namespace: Namespace, after: str) -> dict[str, object]:
    held, found = access.read_with_rights(ports, caller, list_writable_addresses(namespace), writes=True)
    access.require(held, found, namespace, "admin")
    base = require_writable(found, namespace)
    log = _prune_log(ports, base)
    begin = find_oldest_revision(ports, namespace) or 0
    situation = Situation(caller, held, ports.clock.now(), "", ports.schemas, ports.charset)
    until = ports.clock.monotonic() + limits.UPKEEP_SECONDS
    purged = _purge_due(ports, base, situation, (after, until), log)
    more = log.more or purged.more
    versions = (
        PrunedVersions(0, purged.after, more=True) if more else prune_versions(ports, base, begin, purged.after, until)
    )
    return {
        "namespace": namespace, "log_pruned": log.pruned, "keys_purged": purged.keys,
        "versions_pruned": purged.versions + versions.number,
        "oldest_revision": begin or None, "done": not versions.more,
        "cursor": paging.make_cursor(versions.after) if versions.more and versions.after else None,
    }  # fmt: skip


def _parse_place(text: str) -> str:
    """Validates where an upkeep continues: after a pruned key or version, or after a key of the purge.

    Raises:
        InvalidName: it is none of these.
    """
    if text.startswith(_DELETED):
        names.parse_key(text.removeprefix(_DELETED))
        return text
    return _check_place(text)


def _purge_due(
    ports: ServicePorts, base: Writable, situation: Situation, between: tuple[str, float], log: _PrunedLog
) -> PurgedKeys:
    """Purges deleted keys after the log and before other versions; `after` of the result is where to continue."""
    after, until = between
    if log.more or (after and not after.startswith(_DELETED)):
        return PurgedKeys(0, 0, after, more=False)
    purged = purge_keys(ports, base, situation, after.removeprefix(_DELETED), until)
    return purged._replace(after=_DELETED + purged.after) if purged.more and purged.after else purged


def _prune_log(ports: ServicePorts, base: Writable) -> _PrunedLog:
    days = base.settings.retention.log_days
    if days is None:
        return _PrunedLog(0, more=False)
    partition, before = records.of_namespace(base.head.namespace), ports.clock.now().seconds - days * retention.DAY
    log = (each for each in ports.repository.query(partition, "R#") if isinstance(each, LogRecord))
    gone = list(islice(retention.find_outdated(log, base.head.revision, before), limits.UPKEEP_LOG + 1))
    taken = gone[: limits.UPKEEP_LOG]
    _remove_records(ports, base, taken)
    begin = find_oldest_revision(ports, base.head.namespace)
    left = _prune_summaries(ports, base, begin or 0)
    return _PrunedLog(len(taken), more=left or len(gone) > len(taken))


def _remove_records(ports: ServicePorts, base: Writable, taken: Sequence[LogRecord | StoredSummary]) -> None:
    for start in range(0, len(taken), ACTIONS):
        chunk: list[WriteAction] = [
            Remove(records.address_of(each), each.revision) for each in taken[start : start + ACTIONS]
        ]
        ports.repository.commit([base.condition, *chunk])


def _prune_summaries(ports: ServicePorts, base: Writable, begin: int) -> bool:
    """Removes summaries whose last record is gone; returns whether more are left than one upkeep removes."""
    partition = records.of_namespace(base.head.namespace)
    gone = list[StoredSummary]()
    for level in range(1, LEVELS + 1):
        found = ports.repository.query(partition, f"S#{level}#", limit=limits.UPKEEP_SUMMARIES + 1)
        known = (each for each in found if isinstance(each, StoredSummary))
        gone += takewhile(lambda each: each.revision < begin, known)
    _remove_records(ports, base, gone[: limits.UPKEEP_SUMMARIES])
    return len(gone) > limits.UPKEEP_SUMMARIES


VERSION_REMOVALS = limits.TRANSACTION_ITEMS - 1
"""Versions of any size in one transaction, besides the check of the key."""


class PrunedVersions(NamedTuple):
    """The number removed, the last key or version that is done, and whether there is more to do."""

    number: int
    after: str
    more: bool


class RemovedVersions(NamedTuple):
    """The number of versions removed of one key, and whether those were all that should be."""

    number: int
    all: bool


class _SummedLog:
    """The summary of the log above its oldest revision, read on first use."""

    def __init__(self, ports: ServicePorts, base: Writable, oldest: int) -> None:
        self._ports, self._head, self._oldest = ports, base.head, oldest
        self._summary: Summary | None = None

    def find_served(self, key: Key) -> Ranges:
        """Returns the versions of a key that revisions of the log served and that are no longer served.

        A version that a revision served is either still served, or a later record names it as replaced. The version
        that the
        oldest record replaced belongs to an earlier revision, which is no longer in the log.

        Raises:
            LostRace: the log changed while it was read.
            Unprocessable: too many keys were written for one request to read.
        """
        if self._summary is None:
            partition = records.of_namespace(self._head.namespace)
            self._summary = log_tree.read_between(self._ports.repository, partition, self._oldest, self._head.revision)
        if self._summary is None:
            raise LostRace([records.address_of(self._head)])
        known = self._summary.keys.get(key)
        return known.served if known else ()


def prune_versions(ports: ServicePorts, base: Writable, oldest: int, after: str, until: float) -> PrunedVersions:
    """Prunes versions after `after`, within the limits of one upkeep; a skipped key is left to the next upkeep.

    Of one key it examines a limited number of versions besides the newest, which are kept anyway.

    Args:
        ports: what it may use.
        base: the namespace.
        oldest: the oldest revision in the log.
        after: the last key that is done, or the last version of it (`_check_place`).
        until: the time of the monotonic clock after which it begins no other key.

    Raises:
        LostRace: the log changed while it was read.
        Unprocessable: too many keys were written since `oldest` for one request to read.
    """
    kept = base.settings.retention.versions
    if kept is None:
        return PrunedVersions(0, after, more=False)
    log = _SummedLog(ports, base, oldest)
    count = looked = 0
    skipped = False
    for key, versions in _read_by_key(ports, base, after):
        most = limits.UPKEEP_LOOKED + kept
        stored = list(islice(versions, most))
        gone = retention.find_surplus(stored, kept, log.find_served(key)) if len(stored) > kept else []
        taken = gone[: limits.UPKEEP_VERSIONS - count]
        took = _remove_versions(ports, base, taken)
        count, looked, skipped = count + took.number, looked + len(stored), skipped or not took.all
        if len(gone) > len(taken):
            return PrunedVersions(count, _format_place(taken[-1]) if taken else after, more=True)
        after = key if len(stored) < most else _format_place(stored[-kept - 1])
        if looked >= limits.UPKEEP_LOOKED or ports.clock.monotonic() >= until:
            return PrunedVersions(count, after, more=True)
    return PrunedVersions(count, "", more=skipped)


def _check_place(after: str) -> str:
    """Validates where pruning continues: after a key, or after one of its versions.

    Raises:
        InvalidName: it is neither.
    """
    key, version, number = after.partition("#")
    names.parse_key(key)
    if version:
        paging.parse_number(number)
    return after


def _format_place(version: StoredVersion) -> str:
    return f"{version.entry.key}#{version.entry.version}"


def _read_by_key(ports: ServicePorts, base: Writable, after: str) -> Iterator[tuple[Key, Iterator[StoredVersion]]]:
    """Yields the versions of each key, without values, in order."""
    namespace = base.head.namespace
    key, _, number = after.partition("#")
    begin = records.version(namespace, key, int(number)).sk if number else f"V#{key}#~" if key else ""
    found = ports.repository.query(records.of_namespace(namespace), "V#", after=begin, values=False)
    return groupby((each for each in found if isinstance(each, StoredVersion)), lambda version: version.entry.key)


def _remove_versions(ports: ServicePorts, base: Writable, gone: Sequence[StoredVersion]) -> RemovedVersions:
    """Removes versions of one key; none if the key was written to since the log was read."""
    if not gone:
        return RemovedVersions(0, all=True)
    namespace, key = base.head.namespace, gone[0].entry.key
    found = key_state.find_key(ports.repository.get(key_state.list_key_addresses(namespace, key)), namespace, key)
    state = found.state
    if state is None or state.revision > base.head.revision:
        return RemovedVersions(0, all=False)
    as_read = found.conditions or (StampCheck(records.address_of(state), state.revision),)
    removals = [Remove(records.address_of(each), each.revision) for each in gone if each.entry.version != state.active]
    for start in range(0, len(removals), VERSION_REMOVALS):
        chunk: list[WriteAction] = [base.condition, *as_read, *removals[start : start + VERSION_REMOVALS]]
        try:
            ports.repository.commit(chunk)
        except LostRace:
            return RemovedVersions(start, all=False)
    return RemovedVersions(len(removals), all=True)
