"""Fetches snapshots: the hot path. An unchanged poll reads one small record for each namespace."""

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
from configsvc.service.engine.tally import compute_snapshot_cost


class SnapshotAnswer(NamedTuple):
    """The answer to a poll; 304 has no body."""

    status: int
    etag: str
    body: str | None


def fetch_snapshot(
    ports: ServicePorts, caller: Caller, namespace: Namespace, if_none_match: str | None
) -> SnapshotAnswer:
    """Returns the namespace's snapshot as JSON text, or 304 if the caller has it.

    Raises:
        NotFound: it is absent, or the caller may not read it.
        Contended: it changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    current = etag.of_snapshot(head.served, head.tag)
    if if_none_match is not None and etag.matches_if_none_match(if_none_match, current):
        return SnapshotAnswer(304, current, None)
    body, current = render_snapshot(ports, head)
    return SnapshotAnswer(200, current, body)


def fetch_snapshots(
    ports: ServicePorts, caller: Caller, namespaces: Sequence[Namespace], if_none_match: str | None
) -> SnapshotAnswer:
    """Returns `{"snapshots": [...], "deferred": [...]}` as JSON text, in the order asked, or 304 if the caller has it.

    Each snapshot is of one revision, but the namespaces are not read at one moment. A snapshot that would make the
    answer
    exceed 5 MB is deferred, to be fetched singly. The ETag covers every namespace, deferred ones too: 304 means that
    none
    has changed. An unchanged poll costs one read of all HEADs; a snapshot that is not in memory costs a Query and a
    read.

    Raises:
        InvalidRequest: no namespace, more than 10, or one twice.
        NotFound: one is absent, or the caller may not read it; it is named.
        Contended: one changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    _check_namespaces(namespaces)
    held, found = access.read_with_rights(ports, caller, [records.head(each) for each in namespaces], writes=False)
    heads = [access.require_readable(held, found, namespace) for namespace in namespaces]
    current = etag.of_snapshots([(head.namespace, head.served, head.tag) for head in heads])
    if if_none_match is not None and etag.matches_if_none_match(if_none_match, current):
        return SnapshotAnswer(304, current, None)
    return _compose(ports, heads)


def _check_namespaces(namespaces: Sequence[Namespace]) -> None:
    if not 1 <= len(namespaces) <= limits.SNAPSHOTS_NAMESPACES:
        raise InvalidRequest(f"Name 1 to {limits.SNAPSHOTS_NAMESPACES} namespaces.", field="namespace")
    if len(set(namespaces)) != len(namespaces):
        raise InvalidRequest("Name each namespace once.", field="namespace")


def _compose(ports: ServicePorts, heads: Sequence[Head]) -> SnapshotAnswer:
    """Composes the answer. HEAD knows the cost of a snapshot, so one that does not fit is never read."""
    left = limits.SNAPSHOTS_BYTES - compute_cost(_join_texts([], [head.namespace for head in heads]), ports.charset)
    bodies, deferred, parts = list[str](), list[str](), list[tuple[str, int, str]]()
    for head in heads:
        part, body, size = _render_if_fits(ports, head, left)
        parts.append(part)
        if body is None:
            deferred.append(head.namespace)
        else:
            bodies.append(body)
            left -= size
    return SnapshotAnswer(200, etag.of_snapshots(parts), _join_texts(bodies, deferred))


def _render_if_fits(ports: ServicePorts, head: Head, left: int) -> tuple[tuple[str, int, str], str | None, int]:
    """Returns the part for the ETag, and the snapshot with its cost and comma; no text if it does not fit.

    If a write came between, the snapshot is newer than HEAD and is counted itself.
    """
    known = (head.namespace, head.served, head.tag)
    size = compute_snapshot_cost(head, ports.charset) + 1
    if size > left:
        return known, None, 0
    body, current = render_snapshot(ports, head)
    part = (head.namespace, *etag.parse_snapshot(current))
    size = size if part == known else compute_cost(body, ports.charset) + 1
    return part, body if size <= left else None, size


def _join_texts(bodies: Sequence[str], deferred: Sequence[str]) -> str:
    """Joins the texts as they are: none is parsed."""
    return '{"snapshots":[' + ",".join(bodies) + '],"deferred":' + json.dumps(deferred, separators=(",", ":")) + "}"
