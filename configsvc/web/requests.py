"""The bodies of writes as values of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from configsvc.model import change_set as operations
from configsvc.model import grants, names, schema, snapshot
from configsvc.model.encoding import from_base64std
from configsvc.model.errors import InvalidRequest, Unprocessable
from configsvc.model.names import Key, Kid
from configsvc.service.create_namespace import NamespaceWanted
from configsvc.service.records import Retention
from configsvc.web import bodies
from configsvc.web.body import object_in
from configsvc.web.rejection import validated
from configsvc.web.request import Preconditions

Item = TypeVar("Item")


def put_wanted(key: Key, body: bytes, preconditions: Preconditions) -> tuple[operations.Put, str]:
    """The put of one key, and its message.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(bodies.Put, object_in(body))
    return _put(key, found, preconditions), found.message


def change_set(body: bytes, preconditions: Preconditions) -> operations.ChangeSet:
    """The change set in a body.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(bodies.ChangeSet, object_in(body))
    return operations.ChangeSet(
        tuple(_operation(each) for each in found.operations), found.message, preconditions.if_match
    )


def activate_wanted(key: Key, body: bytes, preconditions: Preconditions) -> tuple[operations.Activate, str]:
    """The version of a key to serve, and the message.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(bodies.Activate, object_in(body))
    return operations.Activate(key, found.version, preconditions.if_match), found.message


def delete_wanted(key: Key, preconditions: Preconditions) -> operations.Delete:
    """The key that is to be served no longer.

    Raises:
        InvalidRequest
    """
    return operations.Delete(key, preconditions.if_match)


def data_key(body: bytes) -> snapshot.DataKey:
    """The wrapped data key in a body.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(bodies.NewDataKey, object_in(body))
    return _data_key(names.kid(found.kid), found.kms_key, found.wrapped)


def wrapping(kid: Kid, body: bytes) -> snapshot.DataKey:
    """The data key of that id, wrapped as a body says.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(bodies.Wrapping, object_in(body))
    return _data_key(kid, found.kms_key, found.wrapped)


def namespace_wanted(body: bytes) -> NamespaceWanted:
    """The settings of a namespace; what is left out stays as it is. No body is no wish.

    Raises:
        InvalidRequest, TooLarge, Unprocessable
    """
    found = validated(bodies.Settings, object_in(body) if body else {})
    schemas = found.schemas
    return NamespaceWanted(
        found.description,
        None if found.forms is None else _once("forms", found.forms),
        found.snapshot_bytes,
        found.require_preconditions,
        found.read_only,
        None if found.retention is None else Retention(**found.retention.model_dump()),
        None if schemas is None else tuple(schema.key_schema(each.keys, each.keyschema) for each in schemas),
    )


def lift_wanted(body: bytes) -> int:
    """The revision to lift to.

    Raises:
        InvalidRequest
    """
    return validated(bodies.Lift, object_in(body)).revision


def grants_wanted(body: bytes) -> tuple[grants.Grant, ...]:
    """The grants of one principal.

    Raises:
        InvalidRequest, TooLarge
    """
    return tuple(_grant(each) for each in validated(bodies.NewGrants, object_in(body)).grants)


def _data_key(kid: Kid, kms_key: str, wrapped: str) -> snapshot.DataKey:
    try:
        from_base64std(wrapped)
    except ValueError:
        raise InvalidRequest("wrapped is the base64 of what KMS answered.", field="wrapped") from None
    return snapshot.DataKey(kid, kms_key, wrapped)


def _put(key: Key, found: bodies.Put | bodies.PutOperation, preconditions: Preconditions) -> operations.Put:
    return operations.Put(
        key, found.form, found.content_type, found.value, found.activate, found.declassify,
        found.rotate_by, preconditions.if_match, preconditions.create_only,
    )  # fmt: skip


def _preconditions(found: bodies.PutOperation) -> Preconditions:
    if found.if_match is not None and found.create_only:
        raise Unprocessable("Send if_match or create_only, not both.", field="create_only")
    return Preconditions(found.if_match, create_only=found.create_only)


def _operation(found: bodies.Operation) -> operations.Operation:
    match found:
        case bodies.PutOperation():
            return _put(names.key(found.key), found, _preconditions(found))
        case bodies.ActivateOperation():
            return operations.Activate(names.key(found.key), found.version, found.if_match)
        case bodies.DeleteOperation():
            return operations.Delete(names.key(found.key), found.if_match)


def _grant(found: bodies.NewGrant) -> grants.Grant:
    patterns = tuple(grants.pattern(each) for each in found.namespaces)
    return grants.Grant(_once("actions", found.actions), _once("namespaces", patterns))


def _once(field: str, items: Sequence[Item]) -> tuple[Item, ...]:
    if len(set(items)) != len(items):
        raise InvalidRequest(f"Name each of {field} once.", field=field)
    return tuple(items)
