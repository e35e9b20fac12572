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
    "The value as it is stored. Plain JSON must be unambiguous: no duplicate names in an object, only finite numbers "
    f"and complete characters, at most {limits.JSON_DEPTH} levels."
)


class ValueBody(Body):
    """A value and its storage form."""

    form: Annotated[Form, Field(examples=["plain"])]
    content_type: Annotated[ContentType, Field(examples=["text/plain"])]
    value: Annotated[str, Field(description=_STORED, examples=["postgres://db.internal/payments"])]
    activate: Annotated[bool, Field(description="False stages the version.")] = True
    declassify: Annotated[bool, Field(description="Allow a plain value after a sealed one; needs admin.")] = False
    rotate_by: Annotated[Date | None, Field(description="The day by which the value should be replaced.")] = None


class Put(ValueBody):
    """A value to store as the next version of a key."""

    message: Message = ""


class Activate(Body):
    """The version to serve."""

    version: VersionWanted
    message: Message = ""


def parse_put(key: names.Key, body: bytes, preconditions: Preconditions) -> tuple[operations.Put, str]:
    """Parses the put of one key, and its message.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validate(Put, parse_object(body))
    return build_put(key, found, preconditions), found.message


def parse_activate(key: names.Key, body: bytes, preconditions: Preconditions) -> tuple[operations.Activate, str]:
    """Parses the version of a key to serve, and the message.

    Raises:
        InvalidRequest, TooLarge
    """
    found = validate(Activate, parse_object(body))
    return operations.Activate(key, found.version, preconditions.if_match), found.message


def parse_delete(key: names.Key, preconditions: Preconditions) -> operations.Delete:
    """Builds the deletion of a key."""
    return operations.Delete(key, preconditions.if_match)


def build_put(key: names.Key, found: ValueBody, preconditions: Preconditions) -> operations.Put:
    """Builds the operation in a body."""
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
        Field(description="Whether a version is served; if not, whether one is staged or the key was deleted."),
    ]


class KeyPage(Answer):
    """Keys, sorted by name."""

    namespace: Namespace
    revision: Revision
    floor: Floor
    keys: list[ListedKey]
    cursor: Cursor


class KeyEntry(Entry):
    """An entry of a key. `written_at` and `written_by` are set only if the request has a `version`."""

    namespace: Namespace
    latest: Latest
    next_version: Next
    revision: Revision
    active: Active = None
    written_at: Time = ""
    written_by: Annotated[str, Field(examples=["arn:aws:iam::123456789012:role/Deploy"])] = ""


class ListedVersion(Answer):
    """A version without its value. `revision` is the one that wrote or destroyed it."""

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
    """A key after a write. `active` is null if it serves nothing."""

    namespace: Namespace
    key: Key
    version: Annotated[int | None, Field(examples=[7])]
    revision: Revision
    active: Active


class VersionDestroyed(Answer):
    """A destroyed version, and the revision that destroyed it."""

    namespace: Namespace
    key: Key
    version: Version
    revision: Revision
