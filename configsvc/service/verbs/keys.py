"""Writes one key: puts a value, activates a version, deletes the key, destroys a version."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from configsvc.model.change_set import Activate, ChangeSet, Delete, Operation, Put, check_change_set
from configsvc.model.errors import Conflict, InvalidRequest, NotFound
from configsvc.model.etag import of_revision
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import access, decide_change, key_state, records, writing
from configsvc.service.engine.access import FoundRecords, find_record
from configsvc.service.engine.key_state import KnownKey, list_writable_addresses, require_writable
from configsvc.service.engine.ports import (
    Caller,
    Idempotency,
    LostRace,
    ServicePorts,
    StampCheck,
    Write,
    WriteAction,
    WriteOutcome,
)
from configsvc.service.engine.preconditions import write_and_explain
from configsvc.service.engine.records import LoggedChange, StoredVersion
from configsvc.service.engine.writing import Intent, LogNote, Plan, Situation, run_write
from configsvc.service.verbs import change_sets
from configsvc.service.verbs.change_sets import answer_operation


def put_key(  # noqa: PLR0917  # as the other verbs: ports, caller, namespace, what is asked, idempotency
    ports: ServicePorts,
    caller: Caller,
    namespace: Namespace,
    wanted: Put,
    message: str,
    idempotency: Idempotency | None,
) -> WriteOutcome:
    """Puts a value at one new revision, with one read and one transaction.

    Answers 201 `{"namespace", "key", "version", "revision", "active"}` and the revision as ETag; 200 with the first
    version and revision if the identical envelope is already the latest version.

    Raises:
        ConfigsvcError: the operation is refused.
    """
    change_set = check_change_set(ChangeSet((wanted,), message))
    intent = Intent(
        records.of_namespace(namespace),
        decide_change.list_change_addresses(namespace, change_set),
        partial(access.require, namespace=namespace, action="write"),
        partial(_decide_put, namespace, change_set),
    )
    return write_and_explain(ports, caller, intent, idempotency)


def _decide_put(namespace: Namespace, change_set: ChangeSet, found: FoundRecords, situation: Situation) -> Plan:
    operation = change_set.operations[0]
    if again := find_replayed(namespace, operation, found):
        revision, number, state = again.version.revision, again.version.entry.version, again.known.state
        first = LoggedChange(operation.key, "put", number, None, state and state.active)
        return Plan(revision, again.known.conditions, answer_operation(200, namespace, revision, [first]))
    return decide_change.decide_change_set(namespace, change_set, partial(answer_operation, 201), found, situation)


def activate_version(  # noqa: PLR0917  # as put: ports, caller, namespace, what is asked, idempotency
    ports: ServicePorts,
    caller: Caller,
    namespace: Namespace,
    wanted: Activate,
    message: str,
    idempotency: Idempotency | None,
) -> WriteOutcome:
    """Moves the active pointer at one new revision; nothing is sealed again.

    Answers 200 `{"namespace", "key", "version", "revision", "active"}` and the revision as ETag.

    Raises:
        NotFound: the key has no such version; or as for every write.
        Gone: its value was destroyed.
        Conflict: its data key is retired.
        ConfigsvcError: it is refused for another reason.
    """
    return change_sets.commit_operation(ports, caller, namespace, wanted, message, idempotency)


def delete_key(  # noqa: PLR0917  # as put: ports, caller, namespace, what is asked, idempotency
    ports: ServicePorts,
    caller: Caller,
    namespace: Namespace,
    wanted: Delete,
    message: str,
    idempotency: Idempotency | None,
) -> WriteOutcome:
    """Removes the key from snapshots at one new revision.

    Answers 200 `{"namespace", "key", "version": null, "revision", "active": null}` and the revision as ETag.

    Raises:
        NotFound: nothing is served under the key; or as for every write.
        ConfigsvcError: it is refused for another reason.
    """
    return change_sets.commit_operation(ports, caller, namespace, wanted, message, idempotency)


class Replayed(NamedTuple):
    """A version that exists already, and its key."""

    version: StoredVersion
    known: KnownKey


def find_replayed(namespace: Namespace, operation: Operation, found: FoundRecords) -> Replayed | None:
    """Returns the version that an operation would write again, or None if it would write something else.

    A deleted key may have lost its versions to an unfinished upkeep: then nothing is repeated.

    Raises:
        LostRace: the key is served, but its version was not there yet: it was being written.
    """
    if not isinstance(operation, Put) or operation.header is None:
        return None
    number = operation.header.version
    at = records.version(namespace, operation.key, number)
    version = find_record(found, at, StoredVersion)
    known = key_state.find_key(found, namespace, operation.key)
    state = known.state
    if state is None or state.latest != number:
        return None
    if version is None and known.served:
        raise LostRace([at])
    if version is None or version.entry.value != operation.value:
        return None
    return Replayed(version, known)


def destroy_version(  # noqa: PLR0917  # as the other verbs: ports, caller, namespace, what is asked, idempotency
    ports: ServicePorts, caller: Caller, namespace: Namespace, key: Key, version: int, idempotency: Idempotency | None
) -> WriteOutcome:
    """Destroys the value of a version that is not served. A request for it, or for a revision that served it, gets 410.

    Answers 200 `{"namespace", "key", "version", "revision"}` and the revision as ETag. Repeating it gives the same
    answer
    and writes nothing.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action; or no such version exists.
        Conflict: the version is served, or the namespace is read-only.
    """
    if version < 1:
        raise InvalidRequest("A version must be 1 or more.", field="version")
    wanted = (*key_state.list_key_addresses(namespace, key), records.version(namespace, key, version))
    intent = Intent(
        records.of_namespace(namespace),
        (*list_writable_addresses(namespace), *wanted),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide_destroy, namespace, key, version),
    )
    return run_write(ports, caller, intent, idempotency)


def _decide_destroy(namespace: Namespace, key: Key, number: int, found: FoundRecords, situation: Situation) -> Plan:
    known = key_state.find_key(found, namespace, key)
    stored = find_record(found, records.version(namespace, key, number), StoredVersion)
    if stored is None:
        raise NotFound("The key has no such version.", key=key, version=number)
    if stored.destroyed:
        return Plan(stored.revision, (), _answer_destroyed(stored))
    if known.served and known.served.active == number:
        raise Conflict("That version is served. Activate another or delete the key first.", key=key, version=number)
    return _plan_destroy(known, stored, found, situation)


def _plan_destroy(known: KnownKey, stored: StoredVersion, found: FoundRecords, situation: Situation) -> Plan:
    """Plans the removal of the value. Only HEAD's revision moves. The key must not start to serve the version."""
    base = require_writable(found, stored.namespace)
    new = base.head._replace(revision=base.head.revision + 1)
    gone = stored._replace(revision=new.revision, entry=stored.entry._replace(value=""), destroyed=True)
    done = LogNote(records.DESTROY, known.key, details={"version": stored.entry.version})
    as_read = (
        [StampCheck(records.address_of(known.served), known.served.revision)] if known.served else [known.not_served]
    )
    actions: tuple[WriteAction, ...] = (
        Write(new, base.head.revision),
        base.condition,
        Write(gone, stored.revision),
        *as_read,
        writing.make_log_record(stored.namespace, new.revision, new.served, done, situation),
    )
    return Plan(new.revision, actions, _answer_destroyed(gone))


def _answer_destroyed(gone: StoredVersion) -> WriteOutcome:
    body = {
        "namespace": gone.namespace, "key": gone.entry.key, "version": gone.entry.version, "revision": gone.revision,
    }  # fmt: skip
    return WriteOutcome(200, body, of_revision(gone.revision))
