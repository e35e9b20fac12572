"""Conversion between records and DynamoDB items, without I/O.

Every item has `pk`, `sk` and `revision`, the stamp that conditions compare. None is omitted. `ttl` is the table's TTL
attribute. JSON that is only stored (first answers, details of the log) stays JSON text.

| sk | further attributes |
|---|---|
| HEAD | served, tag, floor, state, entries, size, size_ascii, stamps, kids: {kid: [seals, served, cost, revision]};
of GRANTS: none |
| SETTINGS | description, forms, snapshot_bytes, require_preconditions, read_only, retention: {versions, log_days,
deleted_days}, schemas: [[keys, schema]] |
| K#<key> | latest, latest_form, rotate_by, active, form, type, value |
| U#<key> | latest, latest_form, rotate_by, deleted_at |
| V#<key>#<version> | form, type, value, written_at, written_by, destroyed |
| R#<revision> | served, verb, subject, details, changes: [[key, op, {version, was, now}]], message, at, principal, arn,
api_key, source_ip, user_agent, correlation_id |
| S#<level>#<revision> | first_at, last_at, principals, packed |
| D#<kid> | added, kms_key, wrapped, state, created_at, created_by |
| I#<digest> | request, status, body, etag, ttl |
| G#<principal> | grants: [[[action], [pattern]]] |
| <namespace> | description |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.adapters import item_parts as parts
from configsvc.adapters.item_parts import AttributeMembers, Plain, as_text, from_attribute, to_attribute
from configsvc.model import names
from configsvc.model.encoding import to_canonical_json
from configsvc.model.names import Namespace
from configsvc.model.snapshot import DataKey
from configsvc.service.engine import records
from configsvc.service.engine.records import (
    DataKeyRecord,
    GrantsHead,
    Head,
    KeptAnswer,
    KeyState,
    Listed,
    LogRecord,
    Record,
    RecordAddress,
    StoredGrants,
    StoredSettings,
    StoredSummary,
    StoredVersion,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]


def build_key(address: RecordAddress) -> dict[str, AttributeValueTypeDef]:
    """The primary key of an item."""
    return {"pk": {"S": address.pk}, "sk": {"S": address.sk}}


def to_item(record: Record) -> dict[str, AttributeValueTypeDef]:
    """Converts a record to an item."""
    members = {"revision": record.revision, **_build_members(record)}
    return {
        **build_key(records.address_of(record)),
        **{name: to_attribute(value) for name, value in members.items() if value is not None},
    }


def from_item(item: Item) -> Record:
    """Converts an item to a record. If the value was not read, it is empty.

    Raises:
        KeyError, TypeError, ValueError: the service did not write this item.
    """
    plain = {name: from_attribute(value) for name, value in item.items()}
    members = AttributeMembers(plain)
    address = RecordAddress(members.text("pk"), members.text("sk"))
    if address.pk == records.NAMESPACES:
        return Listed(Namespace(address.sk), members.number("revision"), members.text("description"))
    kind = address.sk.partition("#")[0]
    if address.pk == records.GRANTS:
        return _OF_GRANTS[kind](address, members)
    return _OF_NAMESPACE[kind](address, members)


def _build_members(record: Record) -> Mapping[str, Plain | None]:  # noqa: C901, PLR0911  # one line per kind of record
    match record:
        case Head():
            kids: dict[str, Plain] = {kid: list(count) for kid, count in record.kids.items()}
            return parts.build_members_without(record, "namespace", kids=kids)
        case StoredSettings():
            schemas, forms = [list(each) for each in record.schemas], list(record.forms)
            retention = parts.build_retention_members(record.retention)
            return parts.build_members_without(record, "namespace", forms=forms, retention=retention, schemas=schemas)
        case KeyState():
            own: dict[str, Plain | None] = {
                "latest": record.latest, "latest_form": record.latest_form, "rotate_by": record.rotate_by,
                "deleted_at": record.deleted_at,
            }  # fmt: skip
            return own | (parts.build_entry_members(record.entry, "active") if record.entry else {})
        case StoredVersion():
            own = {"written_at": record.written_at, "written_by": record.written_by}
            return own | parts.build_entry_members(record.entry) | ({"destroyed": True} if record.destroyed else {})
        case LogRecord():
            changes = [parts.build_change_members(each) for each in record.changes]
            return parts.build_members_without(
                record, "namespace", details=_render_json(record.details), changes=changes
            )
        case StoredSummary():
            principals = None if record.principals is None else list(record.principals)
            own = {"principals": principals, "packed": record.packed}
            return {"first_at": record.first_at, "last_at": record.last_at, **own}
        case DataKeyRecord(data_key=data_key):
            wrapping = {"kms_key": data_key.kms_key, "wrapped": data_key.wrapped}
            return parts.build_members_without(record, "namespace", "data_key", **wrapping)
        case KeptAnswer():
            return parts.build_members_without(
                record, "address", "expires", body=_render_json(record.body), ttl=record.expires
            )
        case Listed():
            return {"description": record.description}
        case StoredGrants():
            return {"grants": [[list(grant.actions), list(grant.namespaces)] for grant in record.grants]}
        case GrantsHead():
            return {}


def _render_json(value: Mapping[str, object]) -> str:
    return to_canonical_json(value).decode()


def _parse_namespace(address: RecordAddress) -> Namespace:
    return Namespace(address.pk.removeprefix("N#"))


def _parse_last(address: RecordAddress) -> str:
    return address.sk.partition("#")[2]


def _read_head(address: RecordAddress, members: AttributeMembers) -> Head:
    return Head(
        _parse_namespace(address), members.number("revision"), members.number("served"), members.text("tag"),
        members.number("floor"), parts.read_state(members.text("state")), members.number("entries"),
        members.number("size"), members.number("size_ascii"), members.number("stamps"),
        parts.read_kids(members.mapping("kids")),
    )  # fmt: skip


def _read_settings(address: RecordAddress, members: AttributeMembers) -> StoredSettings:
    return StoredSettings(
        _parse_namespace(address), members.number("revision"), members.text("description"),
        parts.read_forms(members.each("forms")), members.number("snapshot_bytes"),
        members.flag("require_preconditions"), members.flag("read_only"),
        parts.read_retention(members.mapping("retention")),
        parts.read_schemas(members.each("schemas")),
    )  # fmt: skip


def _read_unserved(address: RecordAddress, members: AttributeMembers) -> KeyState:
    return KeyState(
        _parse_namespace(address), names.parse_key(_parse_last(address)), members.number("revision"),
        members.number("latest"), parts.read_form(members.text("latest_form")), None, members.text_or_none("rotate_by"),
        members.text_or_none("deleted_at"),
    )  # fmt: skip


def _read_served(address: RecordAddress, members: AttributeMembers) -> KeyState:
    state = _read_unserved(address, members)
    return state._replace(entry=parts.read_entry(state.key, members.number("active"), members))


def _read_version(address: RecordAddress, members: AttributeMembers) -> StoredVersion:
    key, _, number = _parse_last(address).rpartition("#")
    return StoredVersion(
        _parse_namespace(address), members.number("revision"),
        parts.read_entry(names.parse_key(key), int(number), members),
        members.text("written_at"), members.text("written_by"), members.flag("destroyed"),
    )  # fmt: skip


def _read_log(address: RecordAddress, members: AttributeMembers) -> LogRecord:
    details = json.loads(members.text("details"))
    changes = tuple(parts.read_change(each) for each in members.each("changes"))
    texts = (members.text(name) for name in LogRecord._fields[7:])
    return LogRecord(
        records.namespace_of(address.pk), members.number("revision"), members.number("served"), members.text("verb"),
        members.text("subject"), details, changes, *texts,
    )  # fmt: skip


def _read_summary(address: RecordAddress, members: AttributeMembers) -> StoredSummary:
    """Reads a summary. A damaged one becomes empty bytes, which do not unpack, so its parts are read instead."""
    try:
        return _read_whole_summary(address, members)
    except (KeyError, TypeError, ValueError):
        _, level, end = address.sk.split("#")
        return StoredSummary(records.namespace_of(address.pk), int(end), int(level), "", "", None, b"")


def _read_whole_summary(address: RecordAddress, members: AttributeMembers) -> StoredSummary:
    level, _, _ = _parse_last(address).partition("#")
    named = tuple(map(as_text, members.each("principals"))) if "principals" in members else None
    return StoredSummary(
        records.namespace_of(address.pk), members.number("revision"), int(level), members.text("first_at"),
        members.text("last_at"), named, members.data("packed"),
    )  # fmt: skip


def _read_data_key(address: RecordAddress, members: AttributeMembers) -> DataKeyRecord:
    data_key = DataKey(names.parse_kid(_parse_last(address)), members.text("kms_key"), members.text("wrapped"))
    return DataKeyRecord(
        _parse_namespace(address), members.number("revision"), members.number("added"), data_key,
        parts.read_data_key_state(members.text("state")),
        members.text("created_at"), members.text("created_by"),
    )  # fmt: skip


def _read_answer(address: RecordAddress, members: AttributeMembers) -> KeptAnswer:
    return KeptAnswer(
        address, members.number("revision"), members.text("request"), members.number("status"),
        json.loads(members.text("body")), members.text_or_none("etag"), members.number("ttl"),
    )  # fmt: skip


def _read_granted(address: RecordAddress, members: AttributeMembers) -> StoredGrants:
    return StoredGrants(
        _parse_last(address), members.number("revision"), tuple(map(parts.read_grant, members.each("grants")))
    )


def _read_grants_head(_address: RecordAddress, members: AttributeMembers) -> GrantsHead:
    return GrantsHead(members.number("revision"))


_Reader = Callable[[RecordAddress, AttributeMembers], Record]

_OF_NAMESPACE: Mapping[str, _Reader] = {
    "HEAD": _read_head, "SETTINGS": _read_settings, "K": _read_served, "U": _read_unserved, "V": _read_version,
    "R": _read_log, "S": _read_summary, "D": _read_data_key, "I": _read_answer,
}  # fmt: skip
_OF_GRANTS: Mapping[str, _Reader] = {
    "HEAD": _read_grants_head,
    "G": _read_granted,
    "R": _read_log,
    "S": _read_summary,
    "I": _read_answer,
}
