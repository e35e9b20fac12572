"""Several namespaces in one request: one ETag made of theirs, and taken apart again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from configsvc.model import limits
from configsvc.model.etag import MalformedEtag, join, match_weakly, split
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._service.answers import NotOurs, read_snapshot

AT_ONCE = limits.SNAPSHOTS_NAMESPACES


class Several(Record):
    """An answer: what it brought, which namespaces have to be fetched singly, and whose snapshots make no sense."""

    found: dict[Namespace, FetchedSnapshot]
    deferred: tuple[Namespace, ...]
    senseless: dict[Namespace, ValueError]


def build_target(base: str, namespaces: Iterable[Namespace]) -> str:
    """The path and query of the request; names need no encoding."""
    return f"{base}/v1/snapshots?" + "&".join(f"namespace={each}" for each in namespaces)


def join_etags(known: Mapping[Namespace, str | None]) -> str | None:
    """The ETag of all, of the ETags of each; None where one is to be had in any case."""
    held = [(namespace, etag) for namespace, etag in known.items() if etag is not None]
    return join(held) if len(held) == len(known) else None


def read_several(asked: tuple[Namespace, ...], etag: str, members: Mapping[str, object]) -> Several:
    """What an answer holds, each snapshot with its own part of the ETag.

    A snapshot that makes no sense is that of its own namespace only.

    Raises:
        NotOurs: it is no such answer, or of other namespaces than those asked for.
    """
    etags, snapshots, deferred = (
        _split_etags(etag),
        _require_list(members, "snapshots"),
        _require_list(members, "deferred"),
    )
    named = [_require_name(each) for each in snapshots]
    if sorted(named + [str(each) for each in deferred]) != sorted(asked) or set(etags) != set(asked):
        raise NotOurs("it is not of the namespaces that were asked for")
    by_name = dict(zip(named, snapshots, strict=True))
    found, senseless = dict[Namespace, FetchedSnapshot](), dict[Namespace, ValueError]()
    for namespace in (each for each in asked if each in by_name):
        try:
            found[namespace] = FetchedSnapshot(*read_snapshot(namespace, etags[namespace], by_name[namespace]))
        except NotOurs as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            senseless[namespace] = error.with_traceback(None)
    return Several(found, tuple(each for each in asked if each not in by_name), senseless)


def select_changed(
    found: Mapping[Namespace, FetchedSnapshot], known: Mapping[Namespace, str | None]
) -> dict[Namespace, FetchedSnapshot]:
    """Without those that are as they are held: the answer repeats all when one changed."""
    return {namespace: each for namespace, each in found.items() if not match_weakly(each.etag, known[namespace] or "")}


def _split_etags(header: str) -> dict[str, str]:
    try:
        return split(header)
    except MalformedEtag as error:
        raise NotOurs(str(error)) from None


def _require_list(members: Mapping[str, object], name: str) -> list[object]:
    found = members.get(name)
    if not isinstance(found, list):
        raise NotOurs(f"it has no {name}")
    return found


def _require_name(snapshot: object) -> str:
    name = snapshot.get("namespace") if isinstance(snapshot, dict) else None
    if not isinstance(name, str):
        raise NotOurs("it has a snapshot of no namespace")
    return name
