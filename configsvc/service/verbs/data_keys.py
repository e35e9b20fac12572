"""Lists, adds, rewraps and retires the data keys of a namespace."""

from __future__ import annotations

from functools import partial

from configsvc.model import limits
from configsvc.model.errors import AlreadyExists, Conflict, NotFound
from configsvc.model.etag import of_revision
from configsvc.model.names import Kid, Namespace
from configsvc.model.snapshot import DataKey, compute_data_key_cost
from configsvc.service.engine import access, paging, records, writing
from configsvc.service.engine.access import FoundRecords, find_record
from configsvc.service.engine.key_state import list_writable_addresses, require_writable
from configsvc.service.engine.ports import Caller, Idempotency, LostRace, ServicePorts, Write, WriteOutcome
from configsvc.service.engine.records import DataKeyRecord, Head, KidCount, RecordAddress
from configsvc.service.engine.tally import check_size
from configsvc.service.engine.writing import Intent, LogNote, Plan, Situation, refuse_plan, run_write


def list_data_keys(ports: ServicePorts, caller: Caller, namespace: Namespace) -> dict[str, object]:
    """Returns `{"namespace", "data_keys": [...]}`, newest first by revision, with HEAD's counts for each live one.

    There are few live ones. Of retired ones, the oldest are omitted if the answer would exceed 3 MiB.

    Raises:
        NotFound: it is absent, or the caller may not read it.
    """
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    every = ports.repository.query(records.of_namespace(namespace), "D#")
    stored = [each for each in every if isinstance(each, DataKeyRecord)]
    by_state = sorted(stored, key=lambda each: (each.state == "live", each.added), reverse=True)
    shown = paging.cut_by_size(
        by_state, lambda each: paging.measure_json(_describe_data_key(head, each), ports.charset)
    )
    newest = sorted(shown, key=lambda each: each.added, reverse=True)
    return {"namespace": namespace, "data_keys": [_describe_data_key(head, each) for each in newest]}


def _describe_data_key(head: Head, stored: DataKeyRecord) -> dict[str, object]:
    count = head.kids.get(stored.data_key.kid)
    return {
        **stored.data_key._asdict(),
        "revision": stored.added,
        "state": stored.state,
        "seals": count.seals if count else None,
        "served": count.served if count else 0,
        "created_at": stored.created_at,
        "created_by": stored.created_by,
    }


def add_data_key(
    ports: ServicePorts, caller: Caller, namespace: Namespace, data_key: DataKey, idempotency: Idempotency | None
) -> WriteOutcome:
    """Answers 201 `{"namespace", "kid", "revision"}`; 200 with the first revision if the same data key is there.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action.
        AlreadyExists: the kid exists with another wrapping.
        Conflict: the limit of live data keys is reached, or the namespace is read-only.
    """
    intent = Intent(
        records.of_namespace(namespace),
        _list_data_key_addresses(namespace, data_key.kid),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide_add, namespace, data_key),
    )
    return run_write(ports, caller, intent, idempotency)


def _decide_add(namespace: Namespace, data_key: DataKey, found: FoundRecords, situation: Situation) -> Plan:
    stored = find_record(found, records.data_key(namespace, data_key.kid), DataKeyRecord)
    if stored:
        return _repeat_add(namespace, data_key, stored)
    base = require_writable(found, namespace)
    head = base.head
    if data_key.kid in head.kids:
        raise LostRace([records.head(namespace), records.data_key(namespace, data_key.kid)])
    if len(head.kids) >= limits.LIVE_DATA_KEYS:
        raise Conflict(
            f"A namespace has at most {limits.LIVE_DATA_KEYS} live data keys. Retire one.", limit=limits.LIVE_DATA_KEYS
        )
    new = _count_added(head, data_key)
    author = situation.caller.principal or ""
    actions = (
        Write(new, head.revision),
        base.condition,
        Write(DataKeyRecord(namespace, new.revision, new.revision, data_key, "live", situation.now.text, author), None),
        writing.make_log_record(
            namespace, new.revision, new.served,
            LogNote("add_data_key", data_key.kid, details={"kms_key": data_key.kms_key}), situation,
        ),
    )  # fmt: skip
    return Plan(new.revision, actions, _answer_added(201, namespace, data_key, new.revision))


def _repeat_add(namespace: Namespace, data_key: DataKey, stored: DataKeyRecord) -> Plan:
    if stored.data_key != data_key or stored.state != "live":
        raise AlreadyExists(
            "A data key with this kid already exists, retired or with another wrapping.", kid=data_key.kid
        )
    return Plan(stored.revision, (), _answer_added(200, namespace, data_key, stored.revision))


def _count_added(head: Head, data_key: DataKey) -> Head:
    revision = head.revision + 1
    kids = {**head.kids, data_key.kid: KidCount(0, 0, compute_data_key_cost(data_key), revision)}
    return head._replace(revision=revision, kids=kids)


def _answer_added(status: int, namespace: Namespace, data_key: DataKey, revision: int) -> WriteOutcome:
    return WriteOutcome(
        status, {"namespace": namespace, "kid": data_key.kid, "revision": revision}, of_revision(revision)
    )


def rewrap_data_key(
    ports: ServicePorts, caller: Caller, namespace: Namespace, data_key: DataKey, idempotency: Idempotency | None
) -> WriteOutcome:
    """Answers 200 `{"namespace", "kid", "state", "revision"}`; writes nothing if the wrapping is the same already.

    Readers get the new wrapping where they need the key. The service cannot check that it contains the same key, and
    another one would make every value under it unreadable for good, so the change log keeps the old wrapping.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action; or no such data key exists.
        Conflict: it is retired, or the namespace is read-only.
        TooLarge: the snapshot would exceed its limit.
    """
    intent = Intent(
        records.of_namespace(namespace),
        _list_data_key_addresses(namespace, data_key.kid),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide_rewrap, namespace, data_key),
    )
    return run_write(ports, caller, intent, idempotency)


def _decide_rewrap(namespace: Namespace, data_key: DataKey, found: FoundRecords, situation: Situation) -> Plan:
    old, base = _require_stored(found, namespace, data_key.kid), require_writable(found, namespace)
    known = _require_live(base.head, old)
    if known.data_key == data_key:
        return Plan(known.revision, (), _answer_state(known))
    head = _count_rewrapped(base.head, data_key, situation.tag)
    new = known._replace(revision=head.revision, data_key=data_key)
    done = LogNote(
        "rewrap_data_key", data_key.kid, details={"was": known.data_key._asdict(), "now": data_key._asdict()}
    )
    actions = (
        Write(head, base.head.revision), base.condition, Write(new, known.revision),
        writing.make_log_record(namespace, head.revision, head.served, done, situation),
    )  # fmt: skip
    plan = Plan(head.revision, actions, _answer_state(new))
    refusal = check_size(base.head, head, base.settings.snapshot_bytes, situation.charset)
    return refuse_plan(plan, refusal) if refusal else plan


def _count_rewrapped(head: Head, data_key: DataKey, tag: str) -> Head:
    """Counts the new wrapping. Readers get something new if served entries need the data key."""
    revision, count = head.revision + 1, head.kids[data_key.kid]
    kids = {**head.kids, data_key.kid: count._replace(cost=compute_data_key_cost(data_key), revision=revision)}
    counted = head._replace(revision=revision, kids=kids)
    return counted._replace(served=revision, tag=tag) if count.served else counted


def retire_data_key(
    ports: ServicePorts, caller: Caller, namespace: Namespace, kid: Kid, idempotency: Idempotency | None
) -> WriteOutcome:
    """Answers 200 `{"namespace", "kid", "state", "revision"}`; writes nothing if it is retired already.

    Its wrapping is kept for earlier revisions. Retiring cannot be undone: add another data key instead.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action; or no such data key exists.
        Conflict: served entries need it, or the namespace is read-only.
    """
    intent = Intent(
        records.of_namespace(namespace),
        _list_data_key_addresses(namespace, kid),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide_retire, namespace, kid),
    )
    return run_write(ports, caller, intent, idempotency)


def _decide_retire(namespace: Namespace, kid: Kid, found: FoundRecords, situation: Situation) -> Plan:
    known = _require_stored(found, namespace, kid)
    if known.state == "retired":
        return Plan(known.revision, (), _answer_state(known))
    base = require_writable(found, namespace)
    _require_live(base.head, known)
    count = base.head.kids[kid]
    if count.served:
        raise Conflict(
            f"{count.served} served entries need that data key. Put their values again under another, then retire it.",
            kid=kid, served=count.served,
        )  # fmt: skip
    kids = {other: each for other, each in base.head.kids.items() if other != kid}
    head = base.head._replace(revision=base.head.revision + 1, kids=kids)
    new = known._replace(revision=head.revision, state="retired")
    done = LogNote("retire_data_key", kid, details={"seals": count.seals})
    actions = (
        Write(head, base.head.revision), base.condition, Write(new, known.revision),
        writing.make_log_record(namespace, head.revision, head.served, done, situation),
    )  # fmt: skip
    return Plan(head.revision, actions, _answer_state(new))


def _list_data_key_addresses(namespace: Namespace, kid: Kid) -> tuple[RecordAddress, ...]:
    """Returns the addresses that decisions on a data key read."""
    return (*list_writable_addresses(namespace), records.data_key(namespace, kid))


def _require_stored(found: FoundRecords, namespace: Namespace, kid: Kid) -> DataKeyRecord:
    """Returns the data key, live or retired.

    Raises:
        NotFound: no data key has that kid.
    """
    known = find_record(found, records.data_key(namespace, kid), DataKeyRecord)
    if known is None:
        raise NotFound("There is no such data key.", kid=kid)
    return known


def _require_live(head: Head, known: DataKeyRecord) -> DataKeyRecord:
    """Returns the data key, if it is live and HEAD agrees.

    Raises:
        Conflict: it is retired.
        LostRace: HEAD and the data key were read at different moments.
    """
    kid = known.data_key.kid
    if known.state == "retired":
        raise Conflict("The data key is retired. Add another and seal under it.", kid=kid)
    count = head.kids.get(kid)
    if count is None or count.revision != known.revision:
        raise LostRace([records.head(head.namespace), records.address_of(known)])
    return known


def _answer_state(known: DataKeyRecord) -> WriteOutcome:
    """Answers `{"namespace", "kid", "state", "revision"}` of an existing data key, and the revision as ETag."""
    body = {
        "namespace": known.namespace, "kid": known.data_key.kid, "state": known.state, "revision": known.revision,
    }  # fmt: skip
    return WriteOutcome(200, body, of_revision(known.revision))
