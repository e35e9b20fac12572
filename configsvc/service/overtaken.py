"""What a failed precondition is answered with: what is there now, who made it so, and when.

A writer whose answer was lost sees by it that the write was done after all: the principal is its own, and the digest is
that of the value it sent. Everybody else sees whom to ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from configsvc.model.entry import Entry
from configsvc.model.errors import ConfigsvcError, PreconditionFailed, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc.service import access, records, writing
from configsvc.service.access import Access
from configsvc.service.found import Found, one
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports
from configsvc.service.records import Address, KeyState, LogRecord, Version
from configsvc.service.writing import Intent

Members = dict[str, Any]
"""Of an error, or of one failed operation: `Member` of configsvc.model.errors."""


def digest_of(entry: Entry) -> str:
    """SHA-256 of a value as it is stored, in hex. Of a plain value it can be guessed from, so only readers get it."""
    return sha256(entry.value.encode()).hexdigest()


def changed(key: str, state: KeyState | None, held: Access, namespace: Namespace) -> Members:
    """What a refusal says of a key: its revision, its latest version, the served one and, for a reader, the digest.

    The digest is that of the latest version, where it is the one that is served; `write` adds that of a staged one.
    """
    if state is None:
        return {"key": key, "revision": None, "latest": 0, "active": None}
    found: Members = {"key": key, "revision": state.revision, "latest": state.latest, "active": state.active}
    if state.entry and state.active == state.latest and held.may_know(namespace):
        found["digest"] = digest_of(state.entry)
    return found


def write(ports: Ports, caller: Caller, intent: Intent, asked: Idempotency | None) -> Outcome:
    """As `writing.write`; a failed precondition also names the principal that made the change, and when.

    That costs one more read, of records that never change once they are written. If they cannot be read, or are no
    longer kept, the refusal goes without them.

    Raises:
        PreconditionFailed: with `changed_by`, `changed_at` and, for a reader, `digest`; also in each of `failed`.
        ConfigsvcError: as `writing.write`.
    """
    try:
        return writing.write(ports, caller, intent, asked)
    except ConfigsvcError as error:
        if not _refusals(error):
            raise
        refused = error
    with suppress(Throttled, Unavailable):
        refused = _explained(ports, caller, intent.partition, refused)
    raise refused


def _refusals(error: ConfigsvcError) -> list[Members]:
    """The members of each precondition that failed: those of the error, and those of each failed operation."""
    failed = error.members.get("failed")
    several = [each for each in failed if isinstance(each, dict)] if isinstance(failed, list) else []
    kept = [each for each in several if each.get("code") == PreconditionFailed.code]
    return [*([error.members] if isinstance(error, PreconditionFailed) else []), *kept]


def _explained(ports: Ports, caller: Caller, partition: str, error: ConfigsvcError) -> ConfigsvcError:
    refusals = _refusals(error)
    latest = _latest(partition, error.members) if isinstance(error, PreconditionFailed) else None
    held, found = access.look(
        ports, caller, [*_logged(partition, refusals), *([latest] if latest else [])], writes=True
    )
    for each in refusals:
        _name(partition, each, found)
    if latest and (stored := one(found, latest, Version)) and not stored.destroyed and held.may_know(stored.namespace):
        error.members["digest"] = digest_of(stored.entry)
    who = _who(error.members)
    return type(error)(f"{error.detail} {who}" if who else error.detail, **error.members)


def _logged(partition: str, refusals: Sequence[Members]) -> list[Address]:
    """The records of the changes that were in the way; a change set often has one for several keys."""
    revisions = [revision for each in refusals if isinstance(revision := each.get("revision"), int)]
    return [records.log(partition, each) for each in dict.fromkeys(revisions)]


def _latest(partition: str, members: Mapping[str, object]) -> Address | None:
    """Where the latest version is, if its digest is not known yet: it is staged, or its key was deleted."""
    match members:
        case {"digest": _}:
            return None
        case {"key": str(key), "latest": int(latest)} if latest:
            return records.version(partition.removeprefix(records.of_namespace("")), key, latest)
    return None


def _name(partition: str, members: Members, found: Found) -> None:
    revision = members.get("revision")
    record = one(found, records.log(partition, revision), LogRecord) if isinstance(revision, int) else None
    if record:
        members |= {"changed_by": record.principal, "changed_at": record.at}


def _who(members: Mapping[str, object]) -> str:
    if "changed_by" not in members:
        return ""
    return f"{members['changed_by']} made revision {members['revision']}, at {members['changed_at']}."
