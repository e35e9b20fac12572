"""A listing, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configsvc_client.admin._api import Api

Item = Mapping[str, Any]


def pages(api: Api, path: str, query: Mapping[str, object], *, signed: bool = False) -> Iterator[Mapping[str, Any]]:
    """The bodies of a listing's answers, each asked for when it is needed."""
    cursor: object = None
    while True:
        body: Mapping[str, Any] = api.read(path, {**query, "cursor": cursor}, signed=signed).body
        yield body
        cursor = body.get("cursor")
        if not cursor:
            return


def items(api: Api, path: str, member: str, query: Mapping[str, object], *, signed: bool = False) -> Iterator[Item]:
    """What a listing lists under a member of its answers."""
    for body in pages(api, path, query, signed=signed):
        yield from body.get(member, [])
