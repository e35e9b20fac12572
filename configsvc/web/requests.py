"""The bodies of writes, strict: what is not asked for is an error, and no error shows what was sent.

This is the one module that needs pydantic, which loads with the first write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from configsvc.model import change_set as operations
from configsvc.model import grants, limits, names, snapshot
from configsvc.model.encoding import from_base64std
from configsvc.model.entry import ContentType, Form
from configsvc.model.errors import InvalidRequest
from configsvc.service.create_namespace import NamespaceWanted
from configsvc.web.body import object_in
from configsvc.web.rejection import validated
from configsvc.web.request import Preconditions

_KMS_KEY = r"^arn:aws[a-z-]*:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/[A-Za-z0-9-]{1,128}$"
_MOST = 10**15

Item = TypeVar("Item")

Message = Annotated[str, Field(max_length=limits.MESSAGE)]
Revision = Annotated[int, Field(ge=1, le=_MOST)]
Version = Annotated[int, Field(ge=1, le=10**10 - 1)]


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Date = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _Value(_Body):
    form: Form
    content_type: ContentType
    value: str
    activate: bool = True
    declassify: bool = False
    rotate_by: Date | None = None


class _Put(_Value):
    message: Message = ""


class _PutOperation(_Value):
    op: Literal["put"]
    key: str
    if_match: Revision | None = None


class _ActivateOperation(_Body):
    op: Literal["activate"]
    key: str
    version: Version
    if_match: Revision | None = None


class _DeleteOperation(_Body):
    op: Literal["delete"]
    key: str
    if_match: Revision | None = None


_Operation = Annotated[_PutOperation | _ActivateOperation | _DeleteOperation, Field(discriminator="op")]


class _ChangeSet(_Body):
    message: Message = ""
    operations: list[_Operation]


class _DataKey(_Body):
    kid: str
    kms_key: Annotated[str, Field(pattern=_KMS_KEY)]
    wrapped: Annotated[str, Field(min_length=4, max_length=limits.WRAPPED_DATA_KEY)]


class _Namespace(_Body):
    description: Message | None = None
    forms: Annotated[list[Form], Field(min_length=1, max_length=3)] | None = None


class _Grant(_Body):
    actions: Annotated[list[grants.Action], Field(min_length=1, max_length=3)]
    namespaces: Annotated[list[str], Field(min_length=1, max_length=limits.GRANTS)]


class _Grants(_Body):
    grants: Annotated[list[_Grant], Field(max_length=limits.GRANTS)]


def put_wanted(key: str, body: bytes, preconditions: Preconditions) -> tuple[operations.Put, str]:
    """The put of one key, and its message.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(_Put, object_in(body))
    return _put(key, found, preconditions), found.message


def change_set(body: bytes, preconditions: Preconditions) -> operations.ChangeSet:
    """The change set in a body.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(_ChangeSet, object_in(body))
    return operations.ChangeSet(
        tuple(_operation(each) for each in found.operations), found.message, preconditions.if_match
    )


def data_key(body: bytes) -> snapshot.DataKey:
    """The wrapped data key in a body.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(_DataKey, object_in(body))
    try:
        from_base64std(found.wrapped)
    except ValueError:
        raise InvalidRequest("wrapped is the base64 of what KMS answered.", field="wrapped") from None
    return snapshot.DataKey(names.kid(found.kid), found.kms_key, found.wrapped)


def namespace_wanted(body: bytes) -> NamespaceWanted:
    """The settings of a namespace; what is left out stays as it is. No body is no wish.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validated(_Namespace, object_in(body) if body else {})
    forms = None if found.forms is None else _once("forms", found.forms)
    return NamespaceWanted(description=found.description, forms=forms)


def grants_wanted(body: bytes) -> tuple[grants.Grant, ...]:
    """The grants of one principal.

    Raises:
        InvalidRequest, TooLarge
    """
    return tuple(_grant(each) for each in validated(_Grants, object_in(body)).grants)


def _put(key: str, found: _Value, preconditions: Preconditions) -> operations.Put:
    return operations.Put(
        names.key(key), found.form, found.content_type, found.value, found.activate, found.declassify,
        found.rotate_by, preconditions.if_match, preconditions.create_only,
    )  # fmt: skip


def _operation(found: _PutOperation | _ActivateOperation | _DeleteOperation) -> operations.Operation:
    match found:
        case _PutOperation():
            return _put(found.key, found, Preconditions(found.if_match, create_only=False))
        case _ActivateOperation():
            return operations.Activate(names.key(found.key), found.version, found.if_match)
        case _DeleteOperation():
            return operations.Delete(names.key(found.key), found.if_match)


def _grant(found: _Grant) -> grants.Grant:
    patterns = tuple(grants.pattern(each) for each in found.namespaces)
    return grants.Grant(_once("actions", found.actions), _once("namespaces", patterns))


def _once(field: str, items: Sequence[Item]) -> tuple[Item, ...]:
    if len(set(items)) != len(items):
        raise InvalidRequest(f"Name each of {field} once.", field=field)
    return tuple(items)
