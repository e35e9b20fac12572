"""Explains a failed precondition: what is there now, who wrote it, and when.

A writer that lost the answer sees from it that the write was done after all: the principal is its own, and the
digest is that of the value it sent. Everyone else sees whom to ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from configsvc.model.errors import ConfigsvcError, PreconditionFailed, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import Entry
from configsvc.service.engine import access, records, writing
from configsvc.service.engine.access import CallerRights, FoundRecords, find_record
from configsvc.service.engine.ports import Caller, Idempotency, ServicePorts, WriteOutcome
from configsvc.service.engine.records import KeyState, LogRecord, RecordAddress, StoredVersion
from configsvc.service.engine.writing import Intent

RefusalMembers = dict[str, Any]
"""The members of an error, or of one failed operation: `ErrorMember` of configsvc.model.errors."""


def digest_value(entry: Entry) -> str:
    """Returns the SHA-256 of a stored value, in hex. A plain value could be guessed from it, so only readers get it."""
    return sha256(entry.value.encode()).hexdigest()


def describe_change(key: str, state: KeyState | None, held: CallerRights, namespace: Namespace) -> RefusalMembers:
    """Describes a key for a refusal: its revision, latest version, active version and, for a reader, the digest.

    The digest is that of the latest version if it is active; `write_and_explain` adds that of a staged one.
    """
    if state is None:
        return {"key": key, "revision": None, "latest": 0, "active": None}
    found: RefusalMembers = {"key": key, "revision": state.revision, "latest": state.latest, "active": state.active}
    if state.entry and state.active == state.latest and held.may_know(namespace):
        found["digest"] = digest_value(state.entry)
    return found


def write_and_explain(ports: ServicePorts, caller: Caller, intent: Intent, asked: Idempotency | None) -> WriteOutcome:
    """Does what `run_write` does; a failed precondition also names the principal that made the change, and when.

    That costs one more read, of records that never change. If they cannot be read, or are no longer kept, the refusal
    is sent without them.

    Raises:
        PreconditionFailed: with `changed_by`, `changed_at` and, for a reader, `digest`; also in each of `failed`.
        ConfigsvcError: as `run_write` does.
    """
    try:
        return writing.run_write(ports, caller, intent, asked)
    except ConfigsvcError as error:
        if not _find_refusals(error):
            raise
        refused = error
    with suppress(Throttled, Unavailable):
        refused = _explain(ports, caller, intent.partition, refused)
    raise refused


def _find_refusals(error: ConfigsvcError) -> list[RefusalMembers]:
    """Returns the members of each failed precondition: those of the error, and those of each failed operation."""
    failed = error.members.get("failed")
    several = [each for each in failed if isinstance(each, dict)] if isinstance(failed, list) else []
    kept = [each for each in several if each.get("code") == PreconditionFailed.code]
    return [*([error.members] if isinstance(error, PreconditionFailed) else []), *kept]


def _explain(ports: ServicePorts, caller: Caller, partition: str, error: ConfigsvcError) -> ConfigsvcError:
    refusals = _find_refusals(error)
    latest = _find_latest_address(partition, error.members) if isinstance(error, PreconditionFailed) else None
    held, found = access.read_with_rights(
        ports, caller, [*_list_log_addresses(partition, refusals), *([latest] if latest else [])], writes=True
    )
    for each in refusals:
        _name_author(partition, each, found)
    if (
        latest
        and (stored := find_record(found, latest, StoredVersion))
        and not stored.destroyed
        and held.may_know(stored.namespace)
    ):
        error.members["digest"] = digest_value(stored.entry)
    who = _describe_author(error.members)
    return type(error)(f"{error.detail} {who}" if who else error.detail, **error.members)


def _list_log_addresses(partition: str, refusals: Sequence[RefusalMembers]) -> list[RecordAddress]:
    """Returns the log records of the conflicting changes; a change set often has one record for several keys."""
    revisions = [revision for each in refusals if isinstance(revision := each.get("revision"), int)]
    return [records.log(partition, each) for each in dict.fromkeys(revisions)]


def _find_latest_address(partition: str, members: Mapping[str, object]) -> RecordAddress | None:
    """Returns the address of the latest version if its digest is unknown: it is staged, or its key was deleted."""
    match members:
        case {"digest": _}:
            return None
        case {"key": str(key), "latest": int(latest)} if latest:
            return records.version(partition.removeprefix(records.of_namespace("")), key, latest)
    return None


def _name_author(partition: str, members: RefusalMembers, found: FoundRecords) -> None:
    revision = members.get("revision")
    record = find_record(found, records.log(partition, revision), LogRecord) if isinstance(revision, int) else None
    if record:
        members |= {"changed_by": record.principal, "changed_at": record.at}


def _describe_author(members: Mapping[str, object]) -> str:
    if "changed_by" not in members:
        return ""
    return f"{members['changed_by']} made revision {members['revision']}, at {members['changed_at']}."
