"""Destroy a version: its value is gone, its record stays, and its number is never given out again."""

from __future__ import annotations

from functools import partial

from configsvc.model.errors import Conflict, InvalidRequest, NotFound
from configsvc.model.etag import of_revision
from configsvc.model.names import Key, Namespace
from configsvc.service import access, change_log, key_state, records
from configsvc.service.change_log import Done
from configsvc.service.found import Found, one
from configsvc.service.key_state import Known
from configsvc.service.ports import Action, Caller, Check, Idempotency, Outcome, Ports, Write
from configsvc.service.records import Version
from configsvc.service.writable import writable, writable_addresses
from configsvc.service.writing import Intent, Plan, Situation, write


def destroy(  # noqa: PLR0917  # as the other verbs: ports, caller, namespace, what is asked, idempotency
    ports: Ports, caller: Caller, namespace: Namespace, key: Key, version: int, idempotency: Idempotency | None
) -> Outcome:
    """Readers get what they got; who asks for that version, or for a revision that served it, gets 410.

    Answers 200 `{"namespace", "key", "version", "revision"}` and the revision as ETag; again, the same answer, and
    nothing is written.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin; or there is no such version.
        Conflict: the version is served, or the namespace is read-only.
    """
    if version < 1:
        raise InvalidRequest("A version is 1 or more.", field="version")
    wanted = (*key_state.addresses(namespace, key), records.version(namespace, key, version))
    intent = Intent(
        records.of_namespace(namespace),
        (*writable_addresses(namespace), *wanted),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide, namespace, key, version),
    )
    return write(ports, caller, intent, idempotency)


def _decide(namespace: Namespace, key: Key, number: int, found: Found, situation: Situation) -> Plan:
    known = key_state.known(found, namespace, key)
    stored = one(found, records.version(namespace, key, number), Version)
    if stored is None:
        raise NotFound("The key has no such version.", key=key, version=number)
    if stored.destroyed:
        return Plan(stored.revision, (), _answer(stored))
    if known.served and known.served.active == number:
        raise Conflict("That version is served. Activate another or delete the key first.", key=key, version=number)
    return _destroyed(known, stored, found, situation)


def _destroyed(known: Known, stored: Version, found: Found, situation: Situation) -> Plan:
    """HEAD moves its revision only: what is served stays as it is. The key must not come to serve it meanwhile."""
    base = writable(found, stored.namespace)
    new = base.head._replace(revision=base.head.revision + 1)
    gone = stored._replace(revision=new.revision, entry=stored.entry._replace(value=""), destroyed=True)
    done = Done(records.DESTROY, known.key, details={"version": stored.entry.version})
    as_read = [Check(records.address_of(known.served), known.served.revision)] if known.served else [known.not_served]
    actions: tuple[Action, ...] = (
        Write(new, base.head.revision),
        base.condition,
        Write(gone, stored.revision),
        *as_read,
        change_log.logged(stored.namespace, new.revision, new.served, done, situation),
    )
    return Plan(new.revision, actions, _answer(gone))


def _answer(gone: Version) -> Outcome:
    body = {
        "namespace": gone.namespace, "key": gone.entry.key, "version": gone.entry.version, "revision": gone.revision,
    }  # fmt: skip
    return Outcome(200, body, of_revision(gone.revision))
