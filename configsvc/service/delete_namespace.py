"""Delete a namespace that serves nothing."""

from __future__ import annotations

from functools import partial

from configsvc.model.errors import Conflict
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.service import access, change_log, records
from configsvc.service.access import Access
from configsvc.service.change_log import Done
from configsvc.service.found import Found, live_head, one
from configsvc.service.ports import Action, Caller, Idempotency, Outcome, Ports, Remove, Write
from configsvc.service.records import Head, Listed
from configsvc.service.writable import Writable, writable
from configsvc.service.writing import Intent, Plan, Situation, write


def delete_namespace(ports: Ports, caller: Caller, namespace: Namespace, idempotency: Idempotency | None) -> Outcome:
    """From now on it is absent to everyone. Answers 200 `{"namespace", "revision"}`.

    Its settings go. HEAD, keys, versions, data keys and change log stay, so whoever creates it again goes on counting,
    and may activate what was there.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin.
        Conflict: something is served, or the namespace is read-only.
    """
    intent = Intent(
        records.of_namespace(namespace),
        (records.head(namespace), records.settings(namespace), records.listed(namespace)),
        partial(_authorise, namespace),
        partial(_decide, namespace),
    )
    return write(ports, caller, intent, idempotency)


def _authorise(namespace: Namespace, held: Access, found: Found) -> None:
    """Whether it is there is asked later: the answer to an Idempotency-Key is that it was deleted."""
    if not held.may("admin", namespace):
        raise access.refused(held, found, namespace, "admin")


def _decide(namespace: Namespace, found: Found, situation: Situation) -> Plan:
    if live_head(found, namespace) is None:
        raise access.absent(namespace)
    base = writable(found, namespace)
    if base.head.entries:
        raise Conflict(
            f"{namespace} serves {base.head.entries} entries. Delete its keys first.", entries=base.head.entries
        )
    revision = base.head.revision + 1
    head = base.head._replace(revision=revision, served=revision, tag=situation.tag, state="deleted")
    actions = _actions(base, head, one(found, records.listed(namespace), Listed), situation)
    outcome = Outcome(200, {"namespace": namespace, "revision": revision}, of_revision(revision))
    return Plan(revision, tuple(actions), outcome)


def _actions(base: Writable, head: Head, listed: Listed | None, situation: Situation) -> list[Action]:
    actions: list[Action] = [
        Write(head, base.head.revision),
        Remove(records.address_of(base.settings), base.settings.revision),
        change_log.logged(head.namespace, head.revision, head.served, Done("delete_namespace"), situation),
    ]
    if listed:
        actions.append(Remove(records.address_of(listed), listed.revision))
    return actions
