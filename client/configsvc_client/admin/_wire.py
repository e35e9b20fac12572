"""Writes as they stand on the wire, and what is read from their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model.change_set import Activate, Delete, Put
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
    """The headers of a put that say what must stand before it."""
    if put.if_match is not None:
        return {"if-match": f'"{put.if_match}"'}
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


def read_stored(answer: Answer) -> Stored:
    body = answer.body
    active = body.get("active")
    return Stored(
        str(body["key"]), int(str(body["version"])), int(str(body["revision"])),
        active if isinstance(active, int) else None,
    )  # fmt: skip


def read_changed(answer: Answer) -> Changed:
    results = answer.body.get("results")
    found = results if isinstance(results, list) else []
    return Changed(int(str(answer.body["revision"])), {str(each["key"]): each.get("version") for each in found})
