"""The bodies of namespaces: settings, state, lift and upkeep."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from configsvc.model import limits, schema
from configsvc.model.snapshot import Form
from configsvc.service.engine import records
from configsvc.service.verbs.namespaces import NamespaceWanted
from configsvc.web.bodies.common import (
    LINE,
    Answer,
    Body,
    Cursor,
    Floor,
    KeyPattern,
    Namespace,
    Number,
    Revision,
    Served,
    check_each_once,
    validate,
)
from configsvc.web.event import parse_object


class Retention(Body):
    """Retention settings for upkeep. Null keeps everything."""

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
    """Settings of a namespace. Omitted or null settings do not change."""

    description: Annotated[
        Annotated[str, Field(json_schema_extra=LINE)] | None,
        Field(max_length=limits.DESCRIPTION, examples=["Settings of the payments service"]),
    ] = None
    forms: Annotated[
        list[Form] | None,
        Field(
            min_length=1,
            max_length=3,
            description="The forms that a put may use, without duplicates.",
            examples=[["plain", "envelope"]],
            json_schema_extra={"uniqueItems": True},
        ),
    ] = None
    snapshot_bytes: Annotated[
        int | None,
        Field(
            ge=1,
            le=limits.SNAPSHOT_BYTES_MOST,
            examples=[limits.SNAPSHOT_BYTES],
            description="The limit for the snapshot.",
        ),
    ] = None
    require_preconditions: Annotated[
        bool | None, Field(description="Whether writes to keys need If-Match, If-None-Match, if_match or create_only.")
    ] = None
    read_only: Annotated[
        bool | None, Field(description="Whether all writes are refused, except settings and a lift after a restore.")
    ] = None
    retention: Retention | None = None
    schemas: Annotated[list[KeySchema] | None, Field(max_length=limits.SCHEMAS)] = None


def parse_settings(body: bytes) -> NamespaceWanted:
    """Parses the settings of a namespace. Omitted settings do not change, so the body may be missing.

    Raises:
        InvalidRequest, TooLarge, Unprocessable
    """
    found = validate(Settings, parse_object(body) if body else {})
    schemas = found.schemas
    return NamespaceWanted(
        found.description,
        None if found.forms is None else check_each_once("forms", found.forms),
        found.snapshot_bytes,
        found.require_preconditions,
        found.read_only,
        None if found.retention is None else records.RetentionSettings(**found.retention.model_dump()),
        None if schemas is None else tuple(schema.parse_key_schema(each.keys, each.keyschema) for each in schemas),
    )


class ListedNamespace(Answer):
    """A namespace in a list."""

    namespace: Namespace
    description: Annotated[str, Field(examples=["Settings of the payments service"])]


class NamespacePage(Answer):
    """Namespaces, sorted by name."""

    namespaces: list[ListedNamespace]
    cursor: Cursor


class HeldRetention(Answer):
    """Retention settings for upkeep. Null keeps everything."""

    versions: Annotated[int | None, Field(examples=[20])]
    log_days: Annotated[int | None, Field(examples=[400])]
    deleted_days: Annotated[int | None, Field(examples=[400])]


class HeldSchema(Answer):
    """The JSON Schema of some keys."""

    keys: KeyPattern
    keyschema: Annotated[dict[str, object], Field(alias="schema", examples=[{"type": "integer", "minimum": 1}])]


class Namespace_(Answer):  # noqa: N801  # `Namespace` is the type of its name
    """A namespace: revisions, counts and settings."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Namespace")

    namespace: Namespace
    revision: Revision
    served_revision: Served
    floor: Floor
    entries: Annotated[int, Field(ge=0, examples=[12])]
    bytes: Annotated[int, Field(ge=0, examples=[5120], description="The size of the snapshot in the final response.")]
    charset: Annotated[
        Literal["ascii", "utf8"],
        Field(
            examples=["utf8"],
            description="The charset of the runtime's responses; `ascii` escapes all other characters.",
        ),
    ]
    description: Annotated[str, Field(examples=["Settings of the payments service"])]
    forms: Annotated[list[Form], Field(examples=[["plain", "kms", "envelope"]])]
    snapshot_bytes: Annotated[int, Field(ge=1, examples=[1048576])]
    require_preconditions: bool
    read_only: bool
    retention: HeldRetention
    schemas: list[HeldSchema]


class NamespaceDeleted(Answer):
    """The revision that deleted the namespace."""

    namespace: Namespace
    revision: Revision


class Lift(Body):
    """The highest revision that anyone has seen."""

    revision: Annotated[int, Field(ge=1, le=limits.REVISION_LIFT, examples=[1042])]


def parse_lift(body: bytes) -> int:
    """Parses the revision to lift to.

    Raises:
        InvalidRequest
    """
    return validate(Lift, parse_object(body)).revision


class HeadDifference(Answer):
    """A count that the namespace had stored, and the actual number."""

    what: Annotated[str, Field(examples=["entries"])]
    head: int | None
    found: int | None


class HeadCheck(Answer):
    """Whether the namespace's own counts were right."""

    right: bool
    differences: list[HeadDifference]


class Lifted(Answer):
    """A namespace after a lift."""

    namespace: Namespace
    revision: Revision
    served_revision: Served
    floor: Annotated[int, Field(ge=0, examples=[1042])]
    check: HeadCheck


class Upkeep(Answer):
    """The result of an upkeep call. If not `done`, call again with the cursor."""

    namespace: Namespace
    log_pruned: Number
    keys_purged: Number
    versions_pruned: Number
    oldest_revision: Annotated[int | None, Field(description="The oldest revision in the log.", examples=[3])]
    done: bool
    cursor: Cursor
