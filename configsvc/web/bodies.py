"""The bodies of writes, strict: what is not asked for is an error, and no error shows what was sent.

With `configsvc.web.shapes` the only modules of the service that need pydantic, which loads with the first write.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from configsvc.model import limits
from configsvc.model.entry import ContentType, Form
from configsvc.model.grants import Action
from configsvc.web.shapes import (
    LINE,
    Date,
    Key,
    KeyPattern,
    Kid,
    KmsKey,
    Message,
    NamespacePattern,
    Revision,
    Version,
    Wrapped,
)

_STORED = (
    "The value as it is stored. Plain JSON is what every reader reads alike: each name once in its object, "
    f"finite numbers, whole characters, {limits.JSON_DEPTH} levels at most."
)
IfMatch = Annotated[Revision | None, Field(description="The revision that must still be the key's last.")]


class Body(BaseModel):
    """Strict: no field but those named, no type but those said."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _Value(Body):
    form: Annotated[Form, Field(examples=["plain"])]
    content_type: Annotated[ContentType, Field(examples=["text/plain"])]
    value: Annotated[str, Field(description=_STORED, examples=["postgres://db.internal/payments"])]
    activate: Annotated[bool, Field(description="False stages it.")] = True
    declassify: Annotated[bool, Field(description="Let a plain value follow a sealed one; needs admin.")] = False
    rotate_by: Annotated[Date | None, Field(description="The day by which it is to be replaced.")] = None


class Put(_Value):
    """A value to store as the next version of a key."""

    message: Message = ""


class PutOperation(_Value):
    """Store a value as the next version."""

    op: Literal["put"]
    key: Key
    if_match: IfMatch = None
    create_only: Annotated[bool, Field(description="Only if nothing is served under the key.")] = False


class ActivateOperation(Body):
    """Serve a version that is there."""

    op: Literal["activate"]
    key: Key
    version: Version
    if_match: IfMatch = None


class DeleteOperation(Body):
    """Serve the key no longer."""

    op: Literal["delete"]
    key: Key
    if_match: IfMatch = None


Operation = Annotated[PutOperation | ActivateOperation | DeleteOperation, Field(discriminator="op")]


class ChangeSet(Body):
    """Operations on one namespace that commit together, each key once."""

    message: Message = ""
    operations: Annotated[
        list[Operation], Field(json_schema_extra={"minItems": 1, "maxItems": limits.OPERATIONS})
    ]  # which the verb holds to


class Activate(Body):
    """The version to serve."""

    version: Version
    message: Message = ""


class NewDataKey(Body):
    """A data key, wrapped by KMS for the namespace."""

    kid: Kid
    kms_key: KmsKey
    wrapped: Wrapped


class Wrapping(Body):
    """Another wrapping of the same data key."""

    kms_key: KmsKey
    wrapped: Wrapped


class Retention(Body):
    """What upkeep keeps; null keeps everything."""

    versions: Annotated[int | None, Field(ge=1, le=limits.RETENTION_VERSIONS, examples=[20])] = None
    log_days: Annotated[int | None, Field(ge=1, le=limits.RETENTION_DAYS, examples=[400])] = None
    deleted_days: Annotated[int | None, Field(ge=1, le=limits.RETENTION_DAYS, examples=[400])] = None


class KeySchema(Body):
    """A JSON Schema (draft 2020-12, no remote references) for the plain values of some keys."""

    keys: KeyPattern
    keyschema: Annotated[
        dict[str, object], Field(alias="schema", examples=[{"type": "integer", "minimum": 1, "maximum": 100}])
    ]


class Settings(Body):
    """Settings of a namespace; what is left out or null stays as it is."""

    description: Annotated[
        Annotated[str, Field(json_schema_extra=LINE)] | None,
        Field(max_length=limits.DESCRIPTION, examples=["Settings of the payments service"]),
    ] = None
    forms: Annotated[
        list[Form] | None,
        Field(
            min_length=1,
            max_length=3,
            description="The forms that may be put, each once.",
            examples=[["plain", "envelope"]],
            json_schema_extra={"uniqueItems": True},
        ),
    ] = None
    snapshot_bytes: Annotated[
        int | None,
        Field(ge=1, le=limits.SNAPSHOT_BYTES_MOST, examples=[limits.SNAPSHOT_BYTES], description="Of the snapshot."),
    ] = None
    require_preconditions: Annotated[
        bool | None, Field(description="Whether writes of keys need If-Match, If-None-Match, if_match or create_only.")
    ] = None
    read_only: Annotated[
        bool | None, Field(description="Whether nothing may be written but settings and, after a restore, a lift.")
    ] = None
    retention: Retention | None = None
    schemas: Annotated[list[KeySchema] | None, Field(max_length=limits.SCHEMAS)] = None


class Lift(Body):
    """The highest revision that anyone has seen."""

    revision: Annotated[int, Field(ge=1, le=limits.REVISION_LIFT, examples=[1042])]


class NewGrant(Body):
    """Actions on the namespaces that the patterns name."""

    actions: Annotated[
        list[Action], Field(min_length=1, max_length=3, examples=[["read"]], json_schema_extra={"uniqueItems": True})
    ]
    namespaces: Annotated[
        list[NamespacePattern],
        Field(
            min_length=1, max_length=limits.GRANTS, examples=[["payments.*"]], json_schema_extra={"uniqueItems": True}
        ),
    ]


class NewGrants(Body):
    """All grants of a principal; none takes all away."""

    grants: Annotated[list[NewGrant], Field(max_length=limits.GRANTS)]
