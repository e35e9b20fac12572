"""Fetch the snapshot: the hot path. An unchanged poll costs one strongly consistent read of one small record."""

from __future__ import annotations

from typing import NamedTuple

from configsvc.model import etag
from configsvc.model.names import Namespace
from configsvc.service import access, records
from configsvc.service.ports import Caller, Ports
from configsvc.service.snapshot import rendered


class Fetched(NamedTuple):
    """The answer to a poll; no body with 304."""

    status: int
    etag: str
    body: str | None


def fetch(ports: Ports, caller: Caller, namespace: Namespace, if_none_match: str | None) -> Fetched:
    """The namespace's snapshot as JSON text, or 304 when the caller holds it.

    Raises:
        NotFound: absent, or not the caller's to read.
        Contended: it changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    current = etag.of_snapshot(head.served, head.tag)
    if if_none_match is not None and etag.matches(if_none_match, current):
        return Fetched(304, current, None)
    body, current = rendered(ports, head)
    return Fetched(200, current, body)
