"""Upkeep: take away what retention lets go. Readers get what they got; only what purges deleted keys is a revision."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.names import Namespace
from configsvc.service import access, paging, prunable, records
from configsvc.service.ports import Action, Caller, Ports, Remove
from configsvc.service.prune_versions import Pruned, checked, prune_versions
from configsvc.service.purge_keys import Purged, purge_keys
from configsvc.service.records import LogRecord, StoredSummary
from configsvc.service.time_travel import oldest
from configsvc.service.writable import Writable, writable, writable_addresses
from configsvc.service.writing import Situation, decided

TRIES = 8
"""Lost races of one call: it may be repeated, and what it took away before stays away."""

ACTIONS = 99
"""Removals in one transaction beside its condition: TransactWriteItems takes 100 actions."""


_DELETED = "U#"
"""What a cursor begins with while deleted keys are purged. No key does."""

LEVELS = 8
"""Levels of summaries: the eighth covers four thousand million revisions, half of what a lift goes to."""


class _Log(NamedTuple):
    pruned: int
    more: bool


def upkeep(ports: Ports, caller: Caller, namespace: Namespace, cursor: str | None = None) -> dict[str, object]:
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
    after = paging.after(cursor, "", _place)
    partition = records.of_namespace(namespace)
    return decided(ports, partition, lambda: _upkeep(ports, caller, namespace, after), TRIES)


def _upkeep(ports: Ports, caller: Caller, namespace: Namespace, after: str) -> dict[str, object]:
    held, found = access.look(ports, caller, writable_addresses(namespace), writes=True)
    access.require(held, found, namespace, "admin")
    base = writable(found, namespace)
    log = _prune_log(ports, base)
    begin = oldest(ports, namespace) or 0
    situation = Situation(caller, held, ports.clock.now(), "", ports.schemas, ports.charset)
    until = ports.clock.monotonic() + limits.UPKEEP_SECONDS
    purged = _purge(ports, base, situation, (after, until), log)
    more = log.more or purged.more
    versions = Pruned(0, purged.after, more=True) if more else prune_versions(ports, base, begin, purged.after, until)
    return {
        "namespace": namespace, "log_pruned": log.pruned, "keys_purged": purged.keys,
        "versions_pruned": purged.versions + versions.number,
        "oldest_revision": begin or None, "done": not versions.more,
        "cursor": paging.make_cursor(versions.after) if versions.more and versions.after else None,
    }  # fmt: skip


def _place(text: str) -> str:
    """Where an upkeep goes on: after a key or version that was pruned, or after a key that was purged, if it was due.

    Raises:
        InvalidName: neither.
    """
    if text.startswith(_DELETED):
        names.key(text.removeprefix(_DELETED))
        return text
    return checked(text)


def _purge(ports: Ports, base: Writable, situation: Situation, between: tuple[str, float], log: _Log) -> Purged:
    """Deleted keys, after the log and before other versions; `after` of what comes of it is where to go on."""
    after, until = between
    if log.more or (after and not after.startswith(_DELETED)):
        return Purged(0, 0, after, more=False)
    purged = purge_keys(ports, base, situation, after.removeprefix(_DELETED), until)
    return purged._replace(after=_DELETED + purged.after) if purged.more and purged.after else purged


def _prune_log(ports: Ports, base: Writable) -> _Log:
    days = base.settings.retention.log_days
    if days is None:
        return _Log(0, more=False)
    partition, before = records.of_namespace(base.head.namespace), ports.clock.now().seconds - days * prunable.DAY
    log = (each for each in ports.repository.query(partition, "R#") if isinstance(each, LogRecord))
    gone = list(islice(prunable.outdated(log, base.head.revision, before), limits.UPKEEP_LOG + 1))
    taken = gone[: limits.UPKEEP_LOG]
    _take(ports, base, taken)
    begin = oldest(ports, base.head.namespace)
    left = _prune_summaries(ports, base, begin or 0)
    return _Log(len(taken), more=left or len(gone) > len(taken))


def _take(ports: Ports, base: Writable, taken: Sequence[LogRecord | StoredSummary]) -> None:
    for start in range(0, len(taken), ACTIONS):
        chunk: list[Action] = [
            Remove(records.address_of(each), each.revision) for each in taken[start : start + ACTIONS]
        ]
        ports.repository.commit([base.condition, *chunk])


def _prune_summaries(ports: Ports, base: Writable, begin: int) -> bool:
    """Those whose last record is gone; whether more are left than one upkeep takes away."""
    partition = records.of_namespace(base.head.namespace)
    gone = list[StoredSummary]()
    for level in range(1, LEVELS + 1):
        found = ports.repository.query(partition, f"S#{level}#", limit=limits.UPKEEP_SUMMARIES + 1)
        known = (each for each in found if isinstance(each, StoredSummary))
        gone += takewhile(lambda each: each.revision < begin, known)
    _take(ports, base, gone[: limits.UPKEEP_SUMMARIES])
    return len(gone) > limits.UPKEEP_SUMMARIES
