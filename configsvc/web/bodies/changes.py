"""The bodies of change sets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from configsvc.model import change_set as operations
from configsvc.model import limits, names
from configsvc.model.errors import Unprocessable
from configsvc.web.bodies.common import (
    Active,
    Answer,
    Body,
    Key,
    Message,
    Namespace,
    Revision,
    RevisionWanted,
    VersionWanted,
    validate,
)
from configsvc.web.bodies.keys import ValueBody, build_put
from configsvc.web.event import parse_object
from configsvc.web.request import Preconditions

IfMatch = Annotated[RevisionWanted | None, Field(description="The revision that must still be the key's latest.")]


class PutOperation(ValueBody):
    """Store a value as the next version."""

    op: Literal["put"]
    key: Key
    if_match: IfMatch = None
    create_only: Annotated[bool, Field(description="Only if the key serves nothing yet.")] = False


class ActivateOperation(Body):
    """Serve an existing version."""

    op: Literal["activate"]
    key: Key
    version: VersionWanted
    if_match: IfMatch = None


class DeleteOperation(Body):
    """Stop serving the key."""

    op: Literal["delete"]
    key: Key
    if_match: IfMatch = None


Operation = Annotated[PutOperation | ActivateOperation | DeleteOperation, Field(discriminator="op")]


class ChangeSet(Body):
    """Operations on one namespace that commit together, each key once."""

    message: Message = ""
    operations: Annotated[
        list[Operation], Field(json_schema_extra={"minItems": 1, "maxItems": limits.OPERATIONS})
    ]  # which the verb checks


def parse_change_set(body: bytes, preconditions: Preconditions) -> operations.ChangeSet:
    """Parses the change set in a body.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validate(ChangeSet, parse_object(body))
    return operations.ChangeSet(
        tuple(_build_operation(each) for each in found.operations), found.message, preconditions.if_match
    )


def _parse_preconditions(found: PutOperation) -> Preconditions:
    if found.if_match is not None and found.create_only:
        raise Unprocessable("Send either if_match or create_only, not both.", field="create_only")
    return Preconditions(found.if_match, create_only=found.create_only)


def _build_operation(found: Operation) -> operations.Operation:
    match found:
        case PutOperation():
            return build_put(names.parse_key(found.key), found, _parse_preconditions(found))
        case ActivateOperation():
            return operations.Activate(names.parse_key(found.key), found.version, found.if_match)
        case DeleteOperation():
            return operations.Delete(names.parse_key(found.key), found.if_match)


class OperationResult(Answer):
    """The result of one operation."""

    key: Key
    op: Literal["put", "activate", "delete"]
    version: Annotated[int | None, Field(examples=[7])]
    active: Active


class ChangeSetWritten(Answer):
    """The results of all operations, in order, at one revision."""

    namespace: Namespace
    revision: Revision
    results: list[OperationResult]


class FailedOperation(Answer):
    """Why one operation of a change set failed."""

    model_config = ConfigDict(extra="allow", strict=True)

    key: Key
    code: str
    detail: str
