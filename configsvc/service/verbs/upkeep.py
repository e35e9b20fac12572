"""Upkeep: take away what retention lets go. Readers get what they got; only what purges deleted keys is a revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice, takewhile
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import access, key_state, log_tree, paging, records, retention
from configsvc.service.engine.key_state import Writable, require_writable, writable_addresses
from configsvc.service.engine.ports import Caller, LostRace, Remove, ServicePorts, StampCheck, WriteAction
from configsvc.service.engine.records import LogRecord, StoredSummary, StoredVersion
from configsvc.service.engine.retention import PurgedKeys, purge_keys
from configsvc.service.engine.summaries import Ranges, Summary
from configsvc.service.engine.time_travel import oldest_revision
from configsvc.service.engine.writing import Situation, retry_lost_races

TRIES = 8
"""Lost races of one call: it may be repeated, and what it took away before stays away."""

ACTIONS = 99
"""Removals in one transaction beside its condition: TransactWriteItems takes 100 actions."""


_DELETED = "U#"
"""What a cursor begins with while deleted keys are purged. No key does."""

LEVELS = 8
"""Levels of summaries: the eighth covers four thousand million revisions, half of what a lift goes to."""


class _PrunedLog(NamedTuple):
    pruned: int
    more: bool


def run_upkeep(
    ports: ServicePorts, caller: Caller, namespace: Namespace, cursor: str | None = None
) -> dict[str, object]:
    """Take away what retention lets go.

    Log records go first, oldest first; then deleted keys with all their versions; then versions that no revision in the
    log needs.

    One call takes away so much and no more. Answers `{"namespace", "log_pruned", "keys_purged", "versions_pruned",
    "oldest_revision", "done", "cursor"}`; while it is not done, call again with its cursor, which is None to begin
    anew. It may be stopped and repeated at any moment. Expired answers to Idempotency-Keys are the table's business.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin.
        InvalidRequest: not a cursor of ours.
        Conflict: the namespace is read-only.
        Unprocessable: so many keys were written since the oldest revision that one request does not read what they
            served; fewer days of the log let it.
        Contended: others write all the time.
    """
    after = paging.parse_cursor(cursor, "", _parse_place)
    partition = records.of_namespace(namespace)
    return retry_lost_races(ports, partition, lambda: _upkeep(ports, caller, namespace, after), TRIES)


def _upkeep(ports: ServicePorts, caller: Caller, namespace: Namespace, after: str) -> dict[str, object]:
    held, found = access.read_with_rights(ports, caller, writable_addresses(namespace), writes=True)
    access.require(held, found, namespace, "admin")
    base = require_writable(found, namespace)
    log = _prune_log(ports, base)
    begin = oldest_revision(ports, namespace) or 0
    situation = Situation(caller, held, ports.clock.now(), "", ports.schemas, ports.charset)
    until = ports.clock.monotonic() + limits.UPKEEP_SECONDS
    purged = _purge(ports, base, situation, (after, until), log)
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
    """Where an upkeep goes on: after a key or version that was pruned, or after a key that was purged, if it was due.

    Raises:
        InvalidName: neither.
    """
    if text.startswith(_DELETED):
        names.parse_key(text.removeprefix(_DELETED))
        return text
    return _check_place(text)


def _purge(
    ports: ServicePorts, base: Writable, situation: Situation, between: tuple[str, float], log: _PrunedLog
) -> PurgedKeys:
    """Deleted keys, after the log and before other versions; `after` of what comes of it is where to go on."""
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
    _take_records(ports, base, taken)
    begin = oldest_revision(ports, base.head.namespace)
    left = _prune_summaries(ports, base, begin or 0)
    return _PrunedLog(len(taken), more=left or len(gone) > len(taken))


def _take_records(ports: ServicePorts, base: Writable, taken: Sequence[LogRecord | StoredSummary]) -> None:
    for start in range(0, len(taken), ACTIONS):
        chunk: list[WriteAction] = [
            Remove(records.address_of(each), each.revision) for each in taken[start : start + ACTIONS]
        ]
        ports.repository.commit([base.condition, *chunk])


def _prune_summaries(ports: ServicePorts, base: Writable, begin: int) -> bool:
    """Those whose last record is gone; whether more are left than one upkeep takes away."""
    partition = records.of_namespace(base.head.namespace)
    gone = list[StoredSummary]()
    for level in range(1, LEVELS + 1):
        found = ports.repository.query(partition, f"S#{level}#", limit=limits.UPKEEP_SUMMARIES + 1)
        known = (each for each in found if isinstance(each, StoredSummary))
        gone += takewhile(lambda each: each.revision < begin, known)
    _take_records(ports, base, gone[: limits.UPKEEP_SUMMARIES])
    return len(gone) > limits.UPKEEP_SUMMARIES


VERSION_REMOVALS = limits.TRANSACTION_ITEMS - 1
"""Versions of any size in one transaction, beside the key that serves another."""


class PrunedVersions(NamedTuple):
    """How many were taken away, the key or version that is done with last, and whether there is more to do."""

    number: int
    after: str
    more: bool


class TakenVersions(NamedTuple):
    """How many versions of one key were taken away, and whether those were all that should have been."""

    number: int
    all: bool


class _SummedLog:
    """What the log above its oldest revision says, once somebody asks."""

    def __init__(self, ports: ServicePorts, base: Writable, oldest: int) -> None:
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
            self._said = log_tree.read_between(self._ports.repository, partition, self._oldest, self._head.revision)
        if self._said is None:
            raise LostRace([records.address_of(self._head)])
        known = self._said.keys.get(key)
        return known.served if known else ()


def prune_versions(ports: ServicePorts, base: Writable, oldest: int, after: str, until: float) -> PrunedVersions:
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
        return PrunedVersions(0, after, more=False)
    log = _SummedLog(ports, base, oldest)
    count = looked = 0
    skipped = False
    for key, versions in _by_key(ports, base, after):
        most = limits.UPKEEP_LOOKED + kept
        stored = list(islice(versions, most))
        gone = retention.find_surplus(stored, kept, log.served(key)) if len(stored) > kept else []
        taken = gone[: limits.UPKEEP_VERSIONS - count]
        took = _take_versions(ports, base, taken)
        count, looked, skipped = count + took.number, looked + len(stored), skipped or not took.all
        if len(gone) > len(taken):
            return PrunedVersions(count, _place_of(taken[-1]) if taken else after, more=True)
        after = key if len(stored) < most else _place_of(stored[-kept - 1])
        if looked >= limits.UPKEEP_LOOKED or ports.clock.monotonic() >= until:
            return PrunedVersions(count, after, more=True)
    return PrunedVersions(count, "", more=skipped)


def _check_place(after: str) -> str:
    """Where an upkeep of versions goes on: after a key, or after one of its versions.

    Raises:
        InvalidName: neither.
    """
    key, version, number = after.partition("#")
    names.parse_key(key)
    if version:
        paging.parse_number(number)
    return after


def _place_of(version: StoredVersion) -> str:
    return f"{version.entry.key}#{version.entry.version}"


def _by_key(ports: ServicePorts, base: Writable, after: str) -> Iterator[tuple[Key, Iterator[StoredVersion]]]:
    """The versions of each key, without values, in order."""
    namespace = base.head.namespace
    key, _, number = after.partition("#")
    begin = records.version(namespace, key, int(number)).sk if number else f"V#{key}#~" if key else ""
    found = ports.repository.query(records.of_namespace(namespace), "V#", after=begin, values=False)
    return groupby((each for each in found if isinstance(each, StoredVersion)), lambda version: version.entry.key)


def _take_versions(ports: ServicePorts, base: Writable, gone: Sequence[StoredVersion]) -> TakenVersions:
    """Versions of one key; none when it was touched since the log was read, or is meanwhile."""
    if not gone:
        return TakenVersions(0, all=True)
    namespace, key = base.head.namespace, gone[0].entry.key
    found = key_state.find_key(ports.repository.get(key_state.key_addresses(namespace, key)), namespace, key)
    state = found.state
    if state is None or state.revision > base.head.revision:
        return TakenVersions(0, all=False)
    as_read = found.conditions or (StampCheck(records.address_of(state), state.revision),)
    removals = [Remove(records.address_of(each), each.revision) for each in gone if each.entry.version != state.active]
    for start in range(0, len(removals), VERSION_REMOVALS):
        chunk: list[WriteAction] = [base.condition, *as_read, *removals[start : start + VERSION_REMOVALS]]
        try:
            ports.repository.commit(chunk)
        except LostRace:
            return TakenVersions(start, all=False)
    return TakenVersions(len(removals), all=True)
