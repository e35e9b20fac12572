"""Creates, describes, lists and deletes namespaces."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.errors import Conflict
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.model.schema import KeySchema, load_schema
from configsvc.model.snapshot import FORMS, Charset, Form
from configsvc.service.engine import access, checks, paging, records, writing
from configsvc.service.engine.access import CallerRights, FoundRecords, find_live_head, find_record
from configsvc.service.engine.key_state import Writable, require_writable
from configsvc.service.engine.ports import (
    Caller,
    Idempotency,
    Remove,
    Schemas,
    ServicePorts,
    StampCheck,
    Write,
    WriteAction,
    WriteOutcome,
)
from configsvc.service.engine.records import Head, Listed, RetentionSettings, StoredSettings
from configsvc.service.engine.snapshot import TRIES, build_contended_reading, read_head_again
from configsvc.service.engine.tally import compute_snapshot_cost
from configsvc.service.engine.writing import Intent, LogNote, Plan, Situation, run_write


class NamespaceWanted(NamedTuple):
    """The requested settings; None keeps the present one, or the default.

    Retention and schemas are replaced as a whole; `RetentionSettings()` keeps everything, `()` checks nothing.
    """

    description: str | None = None
    forms: tuple[Form, ...] | None = None
    snapshot_bytes: int | None = None
    require_preconditions: bool | None = None
    read_only: bool | None = None
    retention: RetentionSettings | None = None
    schemas: tuple[KeySchema, ...] | None = None


def create_namespace(
    ports: ServicePorts, caller: Caller, namespace: Namespace, wanted: NamespaceWanted, idempotency: Idempotency | None
) -> WriteOutcome:
    """Creates or changes a namespace. Answers its description with 201 if it is new and 200 if it existed.

    A request that changes nothing writes nothing.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action on it.
        InvalidRequest, TooLarge, Unprocessable: a setting is not valid.
    """
    _check_wanted(ports.schemas, wanted)
    intent = Intent(
        records.of_namespace(namespace),
        (records.head(namespace), records.settings(namespace), records.address_of_listed(namespace)),
        partial(_authorise_create, namespace),
        partial(_decide_create, namespace, wanted, ports.retention),
    )
    return run_write(ports, caller, intent, idempotency)


def _check_wanted(schemas: Schemas, wanted: NamespaceWanted) -> None:
    if wanted.description is not None:
        checks.check_description(wanted.description)
    if wanted.forms is not None:
        checks.check_forms(wanted.forms)
    if wanted.snapshot_bytes is not None:
        checks.check_snapshot_bytes(wanted.snapshot_bytes)
    if wanted.retention is not None:
        checks.check_retention(wanted.retention)
    if wanted.schemas is not None:
        checks.check_schemas(schemas, wanted.schemas)


def _authorise_create(namespace: Namespace, held: CallerRights, found: FoundRecords) -> None:
    if not held.may("admin", namespace):
        raise access.build_refusal(held, found, namespace, "admin")


def _decide_create(
    namespace: Namespace,
    wanted: NamespaceWanted,
    retention: RetentionSettings,
    found: FoundRecords,
    situation: Situation,
) -> Plan:
    head = find_record(found, records.head(namespace), Head)
    old = find_record(found, records.settings(namespace), StoredSettings)
    listed = find_record(found, records.address_of_listed(namespace), Listed)
    created = head is None or head.state == "deleted"
    settings = _merge_settings(wanted, old if old and not created else _build_default_settings(namespace, retention))
    if head and not created and old and settings == old:
        as_read = (
            StampCheck(records.address_of(head), head.revision),
            StampCheck(records.address_of(old), old.revision),
        )
        return Plan(
            head.revision,
            as_read,
            WriteOutcome(200, describe_namespace(head, old, situation.charset), of_revision(head.revision)),
        )
    new = _build_head(namespace, head, situation.tag)
    settings = settings._replace(revision=new.revision)
    done = LogNote("create_namespace" if created else "set_namespace", details=_describe_settings(settings))
    actions = (
        Write(new, head.revision if head else None),
        Write(settings, old.revision if old else None),
        Write(Listed(namespace, new.revision, settings.description), listed.revision if listed else None),
        writing.make_log_record(namespace, new.revision, new.served, done, situation),
    )
    outcome = WriteOutcome(
        201 if created else 200, describe_namespace(new, settings, situation.charset), of_revision(new.revision)
    )
    return Plan(new.revision, actions, outcome)


def _build_head(namespace: Namespace, head: Head | None, tag: str) -> Head:
    """Returns HEAD of a new namespace, empty at revision 1; one that is created again keeps counting."""
    if head is None:
        return Head(namespace, 1, 1, tag, 0, "live", 0, 0, 0, 0, {})
    if head.state == "deleted":
        return head._replace(revision=head.revision + 1, served=head.revision + 1, tag=tag, state="live")
    return head._replace(revision=head.revision + 1)


def _build_default_settings(namespace: Namespace, retention: RetentionSettings) -> StoredSettings:
    size = limits.SNAPSHOT_BYTES
    return StoredSettings(
        namespace, 0, "", FORMS, size, require_preconditions=False, read_only=False, retention=retention
    )


def _merge_settings(wanted: NamespaceWanted, base: StoredSettings) -> StoredSettings:
    asked = {name: value for name, value in wanted._asdict().items() if value is not None}
    return base._replace(**asked)


def _describe_settings(settings: StoredSettings) -> dict[str, object]:
    """Returns the settings for the log, which is read by pages: of schemas, which are long, only the digests."""
    digests = [{"keys": each.keys, "sha256": sha256(each.schema.encode()).hexdigest()} for each in settings.schemas]
    logged = {"retention": settings.retention._asdict(), "schemas": digests}
    members = (settings._asdict() | logged).items()
    return {name: value for name, value in members if name not in {"namespace", "revision"}}


def describe_namespace(head: Head, settings: StoredSettings, charset: Charset) -> dict[str, object]:
    """Describes counts and settings; `bytes` is the snapshot's cost in `charset`, `snapshot_bytes` its limit."""
    return {
        "namespace": head.namespace,
        "revision": head.revision,
        "served_revision": head.served,
        "floor": head.floor,
        "entries": head.entries,
        "bytes": compute_snapshot_cost(head, charset),
        "charset": charset,
        "description": settings.description,
        "forms": list(settings.forms),
        "snapshot_bytes": settings.snapshot_bytes,
        "require_preconditions": settings.require_preconditions,
        "read_only": settings.read_only,
        "retention": settings.retention._asdict(),
        "schemas": [{"keys": each.keys, "schema": load_schema(each)} for each in settings.schemas],
    }


def get_namespace(ports: ServicePorts, caller: Caller, namespace: Namespace) -> dict[str, object]:
    """Returns revisions, counts and settings, all of one revision.

    Raises:
        NotFound: it is absent, or the caller may not read it.
        Contended: it changed every time while it was read.
    """
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    for _ in range(TRIES):
        if settings := _read_settings(ports, head):
            return describe_namespace(head, settings, ports.charset)
        head = read_head_again(ports, head)
    raise build_contended_reading()


def _read_settings(ports: ServicePorts, head: Head) -> StoredSettings | None:
    """Returns the settings of HEAD's revision, read after HEAD; None if a write came between."""
    at = records.settings(head.namespace)
    settings = find_record(ports.repository.get([at]), at, StoredSettings)
    return settings if settings and settings.revision <= head.revision else None


def list_namespaces(
    ports: ServicePorts, caller: Caller, prefix: str, limit: int, cursor: str | None
) -> dict[str, object]:
    """Returns `{"namespaces": [{"namespace", "description"}], "cursor"}` in order of name.

    Raises:
        InvalidRequest: a bad prefix, limit or cursor.
    """
    begin = paging.parse_prefix(prefix, names.parse_namespace)
    after = paging.parse_cursor(cursor, begin, names.parse_namespace)
    held, _ = access.read_with_rights(ports, caller, (), writes=False)
    found = ports.repository.query(records.NAMESPACES, begin, after=after) if held.reader else ()
    readable = (each for each in found if isinstance(each, Listed) and held.may_read(each.namespace))
    shown, more = paging.cut_page(
        readable,
        limit,
        lambda each: each.namespace,
        lambda each: paging.measure_json(_describe_listed(each), ports.charset),
    )
    return {"namespaces": [_describe_listed(each) for each in shown], "cursor": more}


def _describe_listed(listed: Listed) -> dict[str, object]:
    return {"namespace": listed.namespace, "description": listed.description}


def delete_namespace(
    ports: ServicePorts, caller: Caller, namespace: Namespace, idempotency: Idempotency | None
) -> WriteOutcome:
    """Deletes a namespace: it is absent to everyone from then on. Answers 200 `{"namespace", "revision"}`.

    Its settings are removed. HEAD, keys, versions, data keys and change log stay, so a namespace of that name that is
    created again keeps counting, and old versions can be activated.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action.
        Conflict: something is served, or the namespace is read-only.
    """
    intent = Intent(
        records.of_namespace(namespace),
        (records.head(namespace), records.settings(namespace), records.address_of_listed(namespace)),
        partial(_authorise_delete, namespace),
        partial(_decide_delete, namespace),
    )
    return run_write(ports, caller, intent, idempotency)


def _authorise_delete(namespace: Namespace, held: CallerRights, found: FoundRecords) -> None:
    """Checks the right only: a repeated request must get the kept answer although the namespace is gone."""
    if not held.may("admin", namespace):
        raise access.build_refusal(held, found, namespace, "admin")


def _decide_delete(namespace: Namespace, found: FoundRecords, situation: Situation) -> Plan:
    if find_live_head(found, namespace) is None:
        raise access.build_absent_refusal(namespace)
    base = require_writable(found, namespace)
    if base.head.entries:
        raise Conflict(
            f"{namespace} serves {base.head.entries} entries. Delete its keys first.", entries=base.head.entries
        )
    revision = base.head.revision + 1
    head = base.head._replace(revision=revision, served=revision, tag=situation.tag, state="deleted")
    actions = _build_delete(base, head, find_record(found, records.address_of_listed(namespace), Listed), situation)
    outcome = WriteOutcome(200, {"namespace": namespace, "revision": revision}, of_revision(revision))
    return Plan(revision, tuple(actions), outcome)


def _build_delete(base: Writable, head: Head, listed: Listed | None, situation: Situation) -> list[WriteAction]:
    actions: list[WriteAction] = [
        Write(head, base.head.revision),
        Remove(records.address_of(base.settings), base.settings.revision),
        writing.make_log_record(head.namespace, head.revision, head.served, LogNote("delete_namespace"), situation),
    ]
    if listed:
        actions.append(Remove(records.address_of(listed), listed.revision))
    return actions
