"""Writes as requests: their bodies, their answers, and how many puts fit into one change set."""

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
    """A put that was done."""

    key: str
    version: int
    revision: int
    active: int | None


class Changed(NamedTuple):
    """A change set that was done: its revision, and the version of each key."""

    revision: int
    versions: Mapping[str, int | None]


def render_put(put: Put) -> dict[str, object]:
    """The members of a put in a request's body; those that say the default are left out."""
    body: dict[str, object] = {"form": put.form, "content_type": put.content_type, "value": put.value}
    optional: Mapping[str, object] = {
        "activate": None if put.activate else False,
        "declassify": True if put.declassify else None,
        "rotate_by": put.rotate_by,
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def render_preconditions(put: Put) -> dict[str, str]:
    """The headers of a put for its preconditions."""
    if put.if_match is not None:
        return {"if-match": of_revision(put.if_match)}
    return {"if-none-match": "*"} if put.create_only else {}


def render_operation(change: Put | Activate | Delete) -> dict[str, object]:
    """One operation of a change set."""
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
    """The answer to a put of that key."""
    members = answer.members
    members.expect("namespace", namespace)
    members.expect("key", key)
    return Stored(key, members.number("version", 1), members.number("revision", 1), members.number_or_none("active", 1))


def read_changed(namespace: Namespace, keys: Sequence[Key], answer: ApiAnswer) -> Changed:
    """The answer to a change set of those keys, in their order."""
    members = answer.members
    members.expect("namespace", namespace)
    results = members.each("results", lambda each: (each.key(), each.number_or_none("version", 1)))
    if [key for key, _ in results] != list(keys):
        raise NotOurs("its results are not those of what was sent")
    return Changed(members.number("revision", 1), dict(results))


def read_destroyed(namespace: Namespace, key: Key, version: int, answer: ApiAnswer) -> int:
    """The revision that destroyed a version."""
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
    """Change sets of at most 40 operations and 1 MiB of stored values, in bodies of at most 2 MiB.

    A value that is too large by itself is in a change set of its own, for the service to refuse it by name.
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
    """Bytes that a request's body with these may have."""
    return _FRAME + sum(_count_text_bytes(put.value) for put in puts)


def _count_text_bytes(value: str) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
