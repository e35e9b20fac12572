"""Add a data key, wrapped by KMS on the caller's side."""

from __future__ import annotations

from functools import partial

from configsvc.model import limits
from configsvc.model.errors import AlreadyExists, Conflict
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.model.snapshot import DataKey, data_key_cost
from configsvc.service import access, change_log, keyring, records
from configsvc.service.change_log import Done
from configsvc.service.found import Found, one
from configsvc.service.ports import Caller, Idempotency, LostRace, Outcome, Ports, Write
from configsvc.service.records import Head, KidCount, StoredDataKey
from configsvc.service.writable import writable
from configsvc.service.writing import Intent, Plan, Situation, write


def add_data_key(
    ports: Ports, caller: Caller, namespace: Namespace, data_key: DataKey, idempotency: Idempotency | None
) -> Outcome:
    """Answers 201 `{"namespace", "kid", "revision"}`; 200 with the first revision when it is there just so.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin.
        AlreadyExists: the kid is there with another wrapping.
        Conflict: as many data keys are live as may be, or the namespace is read-only.
    """
    intent = Intent(
        records.of_namespace(namespace),
        keyring.addresses(namespace, data_key.kid),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide, namespace, data_key),
    )
    return write(ports, caller, intent, idempotency)


def _decide(namespace: Namespace, data_key: DataKey, found: Found, situation: Situation) -> Plan:
    stored = one(found, records.data_key(namespace, data_key.kid), StoredDataKey)
    if stored:
        return _again(namespace, data_key, stored)
    base = writable(found, namespace)
    head = base.head
    if data_key.kid in head.kids:
        raise LostRace([records.head(namespace), records.data_key(namespace, data_key.kid)])
    if len(head.kids) >= limits.LIVE_DATA_KEYS:
        raise Conflict(
            f"A namespace has {limits.LIVE_DATA_KEYS} live data keys at most. Retire one.", limit=limits.LIVE_DATA_KEYS
        )
    new = _counted(head, data_key)
    author = situation.caller.principal or ""
    actions = (
        Write(new, head.revision),
        base.condition,
        Write(StoredDataKey(namespace, new.revision, new.revision, data_key, "live", situation.now.text, author), None),
        change_log.logged(
            namespace, new.revision, new.served,
            Done("add_data_key", data_key.kid, details={"kms_key": data_key.kms_key}), situation,
        ),
    )  # fmt: skip
    return Plan(new.revision, actions, _answer(201, namespace, data_key, new.revision))


def _again(namespace: Namespace, data_key: DataKey, stored: StoredDataKey) -> Plan:
    if stored.data_key != data_key or stored.state != "live":
        raise AlreadyExists("There is a data key of that kid, wrapped otherwise or retired.", kid=data_key.kid)
    return Plan(stored.revision, (), _answer(200, namespace, data_key, stored.revision))


def _counted(head: Head, data_key: DataKey) -> Head:
    revision = head.revision + 1
    kids = {**head.kids, data_key.kid: KidCount(0, 0, data_key_cost(data_key), revision)}
    return head._replace(revision=revision, kids=kids)


def _answer(status: int, namespace: Namespace, data_key: DataKey, revision: int) -> Outcome:
    return Outcome(status, {"namespace": namespace, "kid": data_key.kid, "revision": revision}, of_revision(revision))
