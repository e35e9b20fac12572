"""A listing, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configsvc_client.admin._api import Api

Item = Mapping[str, Any]


def items(api: Api, path: str, member: str, query: Mapping[str, object], *, signed: bool = False) -> Iterator[Item]:
    """What a listing lists under a member of its answers; each page is asked for when it is needed."""
    cursor: object = None
    while True:
        body: Mapping[str, Any] = api.read(path, {**query, "cursor": cursor}, signed=signed).body
        yield from body.get(member, [])
        cursor = body.get("cursor")
        if not cursor:
            return
