"""Fetch snapshots: the hot path. An unchanged poll reads one small record of each namespace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from configsvc.model import etag, limits
from configsvc.model.errors import InvalidRequest
from configsvc.model.names import Namespace
from configsvc.model.snapshot import compute_cost
from configsvc.service.engine import access, records
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.engine.records import Head
from configsvc.service.engine.snapshot import render_snapshot
from configsvc.service.engine.tally import snapshot_cost


class SnapshotAnswer(NamedTuple):
    """The answer to a poll; no body with 304."""

    status: int
    etag: str
    body: str | None


def fetch_snapshot(
    ports: ServicePorts, caller: Caller, namespace: Namespace, if_none_match: str | None
) -> SnapshotAnswer:
    """The namespace's snapshot as JSON text, or 304 when the caller holds it.

    Raises:
        NotFound: absent, or not the caller's to read.
        Contended: it changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    current = etag.of_snapshot(head.served, head.tag)
    if if_none_match is not None and etag.matches(if_none_match, current):
        return SnapshotAnswer(304, current, None)
    body, current = render_snapshot(ports, head)
    return SnapshotAnswer(200, current, body)


def fetch_snapshots(
    ports: ServicePorts, caller: Caller, namespaces: Sequence[Namespace], if_none_match: str | None
) -> SnapshotAnswer:
    """`{"snapshots": [...], "deferred": [...]}` as JSON text, both in the order asked, or 304 when the caller holds it.

    Each snapshot is of one revision of its namespace; the namespaces are not of one moment. What would make the answer
    pass 5 MB is deferred, to be fetched singly. The ETag holds every namespace that was asked for, the deferred too:
    304 says that none of them has changed. That costs one read of all HEADs; a snapshot that is not in memory, one
    Query and one read more.

    Raises:
        InvalidRequest: none, more than 10, or one twice.
        NotFound: one is absent, or not the caller's to read; it is named.
        Contended: one changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    _check_namespaces(namespaces)
    held, found = access.read_with_rights(ports, caller, [records.head(each) for each in namespaces], writes=False)
    heads = [access.require_readable(held, found, namespace) for namespace in namespaces]
    current = etag.of_snapshots([(head.namespace, head.served, head.tag) for head in heads])
    if if_none_match is not None and etag.matches(if_none_match, current):
        return SnapshotAnswer(304, current, None)
    return _compose(ports, heads)


def _check_namespaces(namespaces: Sequence[Namespace]) -> None:
    if not 1 <= len(namespaces) <= limits.SNAPSHOTS_NAMESPACES:
        raise InvalidRequest(f"Name 1 to {limits.SNAPSHOTS_NAMESPACES} namespaces.", field="namespace")
    if len(set(namespaces)) != len(namespaces):
        raise InvalidRequest("Name each namespace once.", field="namespace")


def _compose(ports: ServicePorts, heads: Sequence[Head]) -> SnapshotAnswer:
    """HEAD says what a snapshot costs, so one that does not fit is never read."""
    left = limits.SNAPSHOTS_BYTES - compute_cost(_text([], [head.namespace for head in heads]), ports.charset)
    bodies, deferred, parts = list[str](), list[str](), list[tuple[str, int, str]]()
    for head in heads:
        part, body, size = _fit(ports, head, left)
        parts.append(part)
        if body is None:
            deferred.append(head.namespace)
        else:
            bodies.append(body)
            left -= size
    return SnapshotAnswer(200, etag.of_snapshots(parts), _text(bodies, deferred))


def _fit(ports: ServicePorts, head: Head, left: int) -> tuple[tuple[str, int, str], str | None, int]:
    """What stands in the ETag, and the snapshot's text with its cost and comma, or None where it does not fit.

    A write that came between may have made it another than HEAD said, and then it is counted itself.
    """
    said = (head.namespace, head.served, head.tag)
    size = snapshot_cost(head, ports.charset) + 1
    if size > left:
        return said, None, 0
    body, current = render_snapshot(ports, head)
    part = (head.namespace, *etag.parse_snapshot(current))
    size = size if part == said else compute_cost(body, ports.charset) + 1
    return part, body if size <= left else None, size


def _text(bodies: Sequence[str], deferred: Sequence[str]) -> str:
    """The texts as they are, put together: none is parsed."""
    return '{"snapshots":[' + ",".join(bodies) + '],"deferred":' + json.dumps(deferred, separators=(",", ":")) + "}"
