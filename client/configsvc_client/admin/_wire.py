"""Writes as they stand on the wire, and what is read from their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from configsvc.model.change_set import Activate, Delete, Put
from configsvc.model.etag import of_revision
from configsvc.model.names import Key, Namespace
from configsvc_client._body import NotOurs
from configsvc_client.admin._api import Answer


class Stored(NamedTuple):
    """A put that was done."""

    key: str
    version: int
    revision: int
    active: int | None


class Changed(NamedTuple):
    """A change set that was done: its revision, and the version of each key."""

    revision: int
    versions: Mapping[str, int | None]


def as_body(put: Put) -> dict[str, object]:
    """The members of a put in a request's body; those that say the default are left out."""
    body: dict[str, object] = {"form": put.form, "content_type": put.content_type, "value": put.value}
    optional: Mapping[str, object] = {
        "activate": None if put.activate else False,
        "declassify": True if put.declassify else None,
        "rotate_by": put.rotate_by,
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def preconditions(put: Put) -> dict[str, str]:
    """The headers of a put for its preconditions."""
    if put.if_match is not None:
        return {"if-match": of_revision(put.if_match)}
    return {"if-none-match": "*"} if put.create_only else {}


def operation(change: Put | Activate | Delete) -> dict[str, object]:
    """One operation of a change set."""
    condition = {} if change.if_match is None else {"if_match": change.if_match}
    match change:
        case Put():
            created = {"create_only": True} if change.create_only else {}
            return {"op": "put", "key": change.key, **as_body(change), **condition, **created}
        case Activate():
            return {"op": "activate", "key": change.key, "version": change.version, **condition}
        case Delete():
            return {"op": "delete", "key": change.key, **condition}


def read_stored(namespace: Namespace, key: Key, answer: Answer) -> Stored:
    """The answer to a put of that key."""
    members = answer.members
    members.expect("namespace", namespace)
    members.expect("key", key)
    return Stored(key, members.number("version", 1), members.number("revision", 1), members.number_or_none("active", 1))


def read_changed(namespace: Namespace, keys: Sequence[Key], answer: Answer) -> Changed:
    """The answer to a change set of those keys, in their order."""
    members = answer.members
    members.expect("namespace", namespace)
    results = members.each("results", lambda each: (each.key(), each.number_or_none("version", 1)))
    if [key for key, _ in results] != list(keys):
        raise NotOurs("its results are not those of what was sent")
    return Changed(members.number("revision", 1), dict(results))


def read_destroyed(namespace: Namespace, key: Key, version: int, answer: Answer) -> int:
    """The revision that destroyed a version."""
    members = answer.members
    members.expect("namespace", namespace)
    members.expect("key", key)
    members.expect("version", version)
    return members.number("revision", 1)
