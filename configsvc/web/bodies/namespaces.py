"""The bodies of namespaces: settings, and what a namespace says of itself."""

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
    Revision,
    Served,
    check_each_once,
    validate,
)
from configsvc.web.event import parse_object


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


def parse_settings(body: bytes) -> NamespaceWanted:
    """The settings of a namespace; what is left out stays as it is. No body is no wish.

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
    """Namespaces in order of name."""

    namespaces: list[ListedNamespace]
    cursor: Cursor


class HeldRetention(Answer):
    """What upkeep keeps; null keeps everything."""

    versions: Annotated[int | None, Field(examples=[20])]
    log_days: Annotated[int | None, Field(examples=[400])]
    deleted_days: Annotated[int | None, Field(examples=[400])]


class HeldSchema(Answer):
    """The JSON Schema of some keys."""

    keys: KeyPattern
    keyschema: Annotated[dict[str, object], Field(alias="schema", examples=[{"type": "integer", "minimum": 1}])]


class Namespace_(Answer):  # noqa: N801  # `Namespace` is the name of one
    """A namespace: revisions, counts and settings."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Namespace")

    namespace: Namespace
    revision: Revision
    served_revision: Served
    floor: Floor
    entries: Annotated[int, Field(ge=0, examples=[12])]
    bytes: Annotated[int, Field(ge=0, examples=[5120], description="What the snapshot costs in the final answer.")]
    charset: Annotated[
        Literal["ascii", "utf8"],
        Field(
            examples=["utf8"], description="What the runtime answers in; in `ascii` all else is escaped, and larger."
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
    """It is absent from that revision on."""

    namespace: Namespace
    revision: Revision
