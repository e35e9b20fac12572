"""The bodies of keys and their versions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from configsvc.model import change_set as operations
from configsvc.model import limits, names
from configsvc.model.snapshot import ContentType, Form
from configsvc.web.bodies.common import (
    AContentType,
    Active,
    AForm,
    Answer,
    Body,
    Cursor,
    Date,
    Floor,
    Key,
    Latest,
    Message,
    Namespace,
    Next,
    Revision,
    Time,
    Version,
    VersionWanted,
    validate,
)
from configsvc.web.bodies.snapshot import Entry
from configsvc.web.event import parse_object
from configsvc.web.request import Preconditions

_STORED = (
    "The value as it is stored. Plain JSON is what every reader reads alike: each name once in its object, "
    f"finite numbers, whole characters, {limits.JSON_DEPTH} levels at most."
)


class ValueBody(Body):
    """A value and how it is stored."""

    form: Annotated[Form, Field(examples=["plain"])]
    content_type: Annotated[ContentType, Field(examples=["text/plain"])]
    value: Annotated[str, Field(description=_STORED, examples=["postgres://db.internal/payments"])]
    activate: Annotated[bool, Field(description="False stages it.")] = True
    declassify: Annotated[bool, Field(description="Let a plain value follow a sealed one; needs admin.")] = False
    rotate_by: Annotated[Date | None, Field(description="The day by which it is to be replaced.")] = None


class Put(ValueBody):
    """A value to store as the next version of a key."""

    message: Message = ""


class Activate(Body):
    """The version to serve."""

    version: VersionWanted
    message: Message = ""


def parse_put(key: names.Key, body: bytes, preconditions: Preconditions) -> tuple[operations.Put, str]:
    """The put of one key, and its message.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validate(Put, parse_object(body))
    return build_put(key, found, preconditions), found.message


def parse_activate(key: names.Key, body: bytes, preconditions: Preconditions) -> tuple[operations.Activate, str]:
    """The version of a key to serve, and the message.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validate(Activate, parse_object(body))
    return operations.Activate(key, found.version, preconditions.if_match), found.message


def parse_delete(key: names.Key, preconditions: Preconditions) -> operations.Delete:
    """The key that is to be served no longer.

    Raises:
        InvalidRequest
    """
    return operations.Delete(key, preconditions.if_match)


def build_put(key: names.Key, found: ValueBody, preconditions: Preconditions) -> operations.Put:
    """The operation that a body asks for."""
    return operations.Put(
        key, found.form, found.content_type, found.value, found.activate, found.declassify,
        found.rotate_by, preconditions.if_match, preconditions.create_only,
    )  # fmt: skip


class ListedKey(Answer):
    """A key without its value."""

    key: Key
    active: Active
    latest: Latest
    next_version: Next
    form: AForm
    content_type: AContentType | None
    revision: Revision
    rotate_by: Date | None
    state: Annotated[
        Literal["served", "staged", "deleted"],
        Field(description="Whether a version is served; if not, whether one waits to be, or the key was deleted."),
    ]


class KeyPage(Answer):
    """Keys in order of name."""

    namespace: Namespace
    revision: Revision
    floor: Floor
    keys: list[ListedKey]
    cursor: Cursor


class KeyEntry(Entry):
    """An entry of a key; where it comes from is answered only to who asks for a `version`."""

    namespace: Namespace
    latest: Latest
    next_version: Next
    revision: Revision
    active: Active = None
    written_at: Time = ""
    written_by: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])] = ""


class ListedVersion(Answer):
    """A version without its value; `revision` wrote or destroyed it."""

    version: Version
    form: AForm
    content_type: AContentType
    written_at: Time
    written_by: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])]
    revision: Revision
    active: bool
    destroyed: bool


class VersionPage(Answer):
    """Versions of a key, newest first."""

    namespace: Namespace
    key: Key
    latest: Latest
    next_version: Next
    revision: Revision
    versions: list[ListedVersion]
    cursor: Cursor


class KeyWritten(Answer):
    """A key after a write; `active` is null when nothing is served under it."""

    namespace: Namespace
    key: Key
    version: Annotated[int | None, Field(examples=[7])]
    revision: Revision
    active: Active


class VersionDestroyed(Answer):
    """A version without a value, and the revision that took it away."""

    namespace: Namespace
    key: Key
    version: Version
    revision: Revision
