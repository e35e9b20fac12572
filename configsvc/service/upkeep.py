"""Upkeep: take away what retention lets go. It moves no revision, and readers get what they got."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.errors import Unavailable
from configsvc.service import access, paging, prunable, records, writable
from configsvc.service.ports import Action, Caller, LostRace, Ports, Remove
from configsvc.service.prune_versions import Pruned, prune_versions
from configsvc.service.records import LogRecord
from configsvc.service.time_travel import oldest
from configsvc.service.writable import Writable

ACTIONS = 99
"""Removals in one transaction beside its condition: TransactWriteItems takes 100 actions."""


class _Log(NamedTuple):
    pruned: int
    more: bool


def upkeep(ports: Ports, caller: Caller, ns: str, cursor: str | None = None) -> dict[str, object]:
    """Log records older than retention keeps go first, oldest first; then versions that no revision in the log needs.

    One call takes away so much and no more. Answers `{"namespace", "log_pruned", "versions_pruned",
    "oldest_revision", "done", "cursor"}`; while it is not done, call again with its cursor, which is None to begin
    anew. It may be stopped and repeated at any moment. Expired answers to Idempotency-Keys are the table's business.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin.
        InvalidRequest: not a cursor of ours.
        Conflict: the namespace is read-only, or its log is too long to tell what it served.
        Unavailable: others write all the time.
    """
    namespace = names.namespace(ns)
    after = paging.after(cursor, "", names.key)
    held, found = access.look(ports, caller, writable.addresses(namespace), writes=True)
    access.require(held, found, namespace, "admin")
    try:
        base = writable.writable(found, namespace)
        log = _prune_log(ports, base)
        versions = Pruned(0, after, more=True) if log.more else prune_versions(ports, base, after)
    except LostRace:
        raise Unavailable("Others write here all the time. Try again.", retry_after=1) from None
    return {
        "namespace": namespace, "log_pruned": log.pruned, "versions_pruned": versions.number,
        "oldest_revision": oldest(ports, namespace), "done": not versions.more,
        "cursor": paging.cursor(versions.after) if versions.more and versions.after else None,
    }  # fmt: skip


def _prune_log(ports: Ports, base: Writable) -> _Log:
    days = base.settings.retention.log_days
    if days is None:
        return _Log(0, more=False)
    partition, before = records.of_namespace(base.head.namespace), ports.clock.now().seconds - days * prunable.DAY
    log = (each for each in ports.repository.query(partition, "R#") if isinstance(each, LogRecord))
    gone = list(islice(prunable.outdated(log, base.head.revision, before), limits.UPKEEP_LOG + 1))
    taken = gone[: limits.UPKEEP_LOG]
    for start in range(0, len(taken), ACTIONS):
        chunk: list[Action] = [
            Remove(records.address_of(each), each.revision) for each in taken[start : start + ACTIONS]
        ]
        ports.repository.commit([base.condition, *chunk])
    return _Log(len(taken), more=len(gone) > len(taken))
