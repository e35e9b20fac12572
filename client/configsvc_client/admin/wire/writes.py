"""Render writes as requests, read their answers, and split puts into change sets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.change_set import Activate, Delete, Put, count_stored_bytes
from configsvc.model.etag import of_revision
from configsvc.model.names import Key, Namespace
from configsvc_client._service.answers import NotOurs
from configsvc_client.admin.wire.api import ApiAnswer


class Stored(NamedTuple):
    """The result of a put."""

    key: str
    version: int
    revision: int
    active: int | None


class Changed(NamedTuple):
    """The result of a change set: its revision, and the version of each key."""

    revision: int
    versions: Mapping[str, int | None]


def render_put(put: Put) -> dict[str, object]:
    """Renders the members of a put for a request's body, without defaults."""
    body: dict[str, object] = {"form": put.form, "content_type": put.content_type, "value": put.value}
    optional: Mapping[str, object] = {
        "activate": None if put.activate else False,
        "declassify": True if put.declassify else None,
        "rotate_by": put.rotate_by,
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def render_preconditions(put: Put) -> dict[str, str]:
    """Renders the preconditions of a put as headers."""
    if put.if_match is not None:
        return {"if-match": of_revision(put.if_match)}
    return {"if-none-match": "*"} if put.create_only else {}


def render_operation(change: Put | Activate | Delete) -> dict[str, object]:
    """Renders one operation of a change set."""
    condition = {} if change.if_match is None else {"if_match": change.if_match}
    match change:
        case Put():
            created = {"create_only": True} if change.create_only else {}
            return {"op": "put", "key": change.key, **render_put(change), **condition, **created}
        case Activate():
            return {"op": "activate", "key": change.key, "version": change.version, **condition}
        case Delete():
            return {"op": "delete", "key": change.key, **condition}


def read_stored(namespace: Namespace, key: Key, answer: ApiAnswer) -> Stored:
    """Reads the answer to a put of a key."""
    members = answer.members
    members.expect("namespace", namespace)
    members.expect("key", key)
    return Stored(key, members.number("version", 1), members.number("revision", 1), members.number_or_none("active", 1))


def read_changed(namespace: Namespace, keys: Sequence[Key], answer: ApiAnswer) -> Changed:
    """Reads the answer to a change set of these keys, in their order."""
    members = answer.members
    members.expect("namespace", namespace)
    results = members.each("results", lambda each: (each.key(), each.number_or_none("version", 1)))
    if [key for key, _ in results] != list(keys):
        raise NotOurs("its results do not match the request")
    return Changed(members.number("revision", 1), dict(results))


def read_destroyed(namespace: Namespace, key: Key, version: int, answer: ApiAnswer) -> int:
    """Reads the revision that destroyed a version."""
    members = answer.members
    members.expect("namespace", namespace)
    members.expect("key", key)
    members.expect("version", version)
    return members.number("revision", 1)


_GROWTH = 4 * limits.KIB
"""Room for versions with more digits, when a change set is sealed again after a lost race."""

_FRAME = 16 * limits.KIB
"""Room in a request's body for the message and the members of each operation."""

MOST_STORED = limits.CHANGE_SET_BYTES - _GROWTH
MOST_SENT = limits.REQUEST_BYTES - _FRAME - _GROWTH


def split_puts(puts: Iterable[Put]) -> list[tuple[Put, ...]]:
    """Splits puts into change sets: at most 40 operations, 1 MiB of stored values, and a body of 2 MiB each.

    A value that is too large by itself gets its own change set, so that the service refuses it by name.
    """
    groups: list[list[Put]] = []
    stored = body = 0
    for put in puts:
        stored += count_stored_bytes(put.value)
        body += _count_text_bytes(put.value)
        if not groups or len(groups[-1]) == limits.OPERATIONS or stored > MOST_STORED or body > MOST_SENT:
            groups.append([])
            stored, body = count_stored_bytes(put.value), _count_text_bytes(put.value)
        groups[-1].append(put)
    return [tuple(group) for group in groups]


def count_sent_bytes(puts: Iterable[Put]) -> int:
    """Counts the bytes that a request's body with these puts may have."""
    return _FRAME + sum(_count_text_bytes(put.value) for put in puts)


def _count_text_bytes(value: str) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
