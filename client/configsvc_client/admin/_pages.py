"""A listing, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configsvc_client.admin._api import Api

Item = Mapping[str, Any]


def items(api: Api, path: str, member: str, query: Mapping[str, object], *, signed: bool = False) -> Iterator[Item]:
    """What a listing lists under a member of its answers; each page is asked for when it is needed."""
    for page in pages(api, path, query, signed=signed):
        yield from page.get(member, [])


def pages(api: Api, path: str, query: Mapping[str, object], *, signed: bool = False) -> Iterator[Item]:
    """A listing's answers, each asked for when it is needed."""
    cursor: object = None
    while True:
        body: Item = api.read(path, {**query, "cursor": cursor}, signed=signed).body
        yield body
        cursor = body.get("cursor")
        if not cursor:
            return
