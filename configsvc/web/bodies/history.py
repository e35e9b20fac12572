"""The responses of the change log and of differences."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from configsvc.web.bodies.common import (
    AContentType,
    AForm,
    Answer,
    Arn,
    Cursor,
    Key,
    Namespace,
    Revision,
    Served,
    Time,
    Version,
)


class KeyChange(Answer):
    """The effect of a change on one key: `was` and `now` are the active versions.

    `purge`: upkeep removed all records of a deleted key; `version` is its last version.
    """

    key: Key
    op: Literal["put", "activate", "delete", "purge"]
    version: Annotated[int | None, Field(examples=[7])]
    was: Annotated[int | None, Field(examples=[6])]
    now: Annotated[int | None, Field(examples=[7])]


class Change(Answer):
    """A record of the change log."""

    revision: Revision
    served_revision: Served
    verb: Annotated[str, Field(examples=["change"])]
    subject: Annotated[str, Field(description="A kid, key or principal, if the change has one.", examples=[""])]
    details: Annotated[dict[str, object], Field(description="Details of the change; never a value.", examples=[{}])]
    keys: list[KeyChange]
    message: Annotated[str, Field(examples=["move to the new cluster"])]
    at: Time
    principal: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]
    arn: Arn
    api_key: Annotated[str, Field(examples=["api-key:a1b2c3d4e5"])]
    source_ip: Annotated[str, Field(examples=["203.0.113.9"])]
    user_agent: Annotated[str, Field(examples=["configsvc/1.0"])]
    correlation_id: Annotated[str, Field(examples=["f3b1c5d2-58d5-4a0e-9a38-0d3f0f2b7a11"])]


class ChangePage(Answer):
    """Records of a namespace's change log. `revision` is the current one of the namespace."""

    namespace: Namespace
    revision: Revision
    changes: list[Change]
    cursor: Cursor


class GrantChangePage(Answer):
    """Records of the grants' change log."""

    revision: Revision
    changes: list[Change]
    cursor: Cursor


class Side(Answer):
    """An entry in a diff."""

    version: Version
    form: AForm
    content_type: AContentType


class Moved(Answer):
    """A key that differs between two revisions; null if it is not served."""

    key: Key
    was: Side | None
    now: Side | None


class Diff(Answer):
    """The differences between two revisions."""

    namespace: Namespace
    start: Annotated[int, Field(alias="from", ge=1, examples=[40])]
    to: Annotated[int, Field(ge=1, examples=[42])]
    differences: list[Moved]
    cursor: Cursor


class Apart(Answer):
    """A key that differs between two namespaces; null if it is not served."""

    key: Key
    here: Side | None
    there: Side | None
    values: Annotated[Literal["same", "different", "unknown"] | None, Field(description="`unknown` if one is sealed.")]


class DiffAgainst(Answer):
    """The differences between two namespaces. The revisions are their served revisions."""

    namespace: Namespace
    revision: Served
    against: Annotated[str, Field(examples=["payments.staging"])]
    against_revision: Served
    differences: list[Apart]
    cursor: Cursor
