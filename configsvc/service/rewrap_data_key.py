"""Rewrap a data key: the same key, wrapped by KMS anew, or under another KMS key, on the caller's side."""

from __future__ import annotations

from functools import partial

from configsvc.model.names import Namespace
from configsvc.model.snapshot import DataKey, data_key_cost
from configsvc.service import access, change_log, keyring, records
from configsvc.service.change_log import Done
from configsvc.service.found import Found
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports, Write
from configsvc.service.records import Head
from configsvc.service.tally import outgrown
from configsvc.service.writable import writable
from configsvc.service.writing import Intent, Plan, Situation, refused, write


def rewrap_data_key(
    ports: Ports, caller: Caller, namespace: Namespace, data_key: DataKey, idempotency: Idempotency | None
) -> Outcome:
    """Answers 200 `{"namespace", "kid", "state", "revision"}`; nothing is written when it is wrapped just so already.

    Readers get the new wrapping where they need the key. The service cannot tell whether it holds the same key, and
    another one would leave every value under it closed for good: so the change log keeps the wrapping that it replaces.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin; or there is no such data key.
        Conflict: it is retired, or the namespace is read-only.
        TooLarge: the snapshot would pass its limit.
    """
    intent = Intent(
        records.of_namespace(namespace),
        keyring.addresses(namespace, data_key.kid),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide, namespace, data_key),
    )
    return write(ports, caller, intent, idempotency)


def _decide(namespace: Namespace, data_key: DataKey, found: Found, situation: Situation) -> Plan:
    old, base = keyring.stored(found, namespace, data_key.kid), writable(found, namespace)
    known = keyring.live(base.head, old)
    if known.data_key == data_key:
        return Plan(known.revision, (), keyring.answer(known))
    head = _counted(base.head, data_key, situation.tag)
    new = known._replace(revision=head.revision, data_key=data_key)
    done = Done("rewrap_data_key", data_key.kid, details={"was": known.data_key._asdict(), "now": data_key._asdict()})
    actions = (
        Write(head, base.head.revision), base.condition, Write(new, known.revision),
        change_log.logged(namespace, head.revision, head.served, done, situation),
    )  # fmt: skip
    plan = Plan(head.revision, actions, keyring.answer(new))
    refusal = outgrown(base.head, head, base.settings.snapshot_bytes, situation.charset)
    return refused(plan, refusal) if refusal else plan


def _counted(head: Head, data_key: DataKey, tag: str) -> Head:
    """Where entries that are served need the key, readers get something else than before."""
    revision, count = head.revision + 1, head.kids[data_key.kid]
    kids = {**head.kids, data_key.kid: count._replace(cost=data_key_cost(data_key), revision=revision)}
    counted = head._replace(revision=revision, kids=kids)
    return counted._replace(served=revision, tag=tag) if count.served else counted
