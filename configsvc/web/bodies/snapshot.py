"""The responses of snapshots."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from configsvc.web.bodies.common import (
    AContentType,
    AForm,
    Answer,
    Key,
    Kid,
    KmsKey,
    Namespace,
    Served,
    Value,
    Version,
    Wrapped,
)


class WrappedDataKey(Answer):
    """A data key that a snapshot's entries need."""

    kid: Kid
    kms_key: KmsKey
    wrapped: Wrapped


class Entry(Answer):
    """A served entry."""

    key: Key
    version: Version
    form: AForm
    content_type: AContentType
    value: Value


class Snapshot(Answer):
    """All active entries of a namespace at one served revision, with the data keys in use."""

    namespace: Namespace
    revision: Served
    data_keys: list[WrappedDataKey]
    entries: list[Entry]


class SnapshotList(Answer):
    """Snapshots in the requested order. Get those in `deferred` separately."""

    snapshots: list[Snapshot]
    deferred: Annotated[list[Namespace], Field(examples=[["shared.prod"]])]
