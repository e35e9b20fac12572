"""Fetch several namespaces in one request: join their ETags into one, and split it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from configsvc.model import limits
from configsvc.model.etag import MalformedEtag, is_weak_match, join, split
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._service.answers import NotOurs, read_snapshot

AT_ONCE = limits.SNAPSHOTS_NAMESPACES


class Several(Record):
    """An answer: the snapshots, the namespaces to fetch separately, and those whose snapshots are malformed."""

    found: dict[Namespace, FetchedSnapshot]
    deferred: tuple[Namespace, ...]
    malformed: dict[Namespace, ValueError]


def build_target(base: str, namespaces: Iterable[Namespace]) -> str:
    """Builds the path and query of the request. Names need no encoding."""
    return f"{base}/v1/snapshots?" + "&".join(f"namespace={each}" for each in namespaces)


def join_etags(known: Mapping[Namespace, str | None]) -> str | None:
    """Joins the ETags into one; None if one is missing, because that namespace is needed in any case."""
    held = [(namespace, etag) for namespace, etag in known.items() if etag is not None]
    return join(held) if len(held) == len(known) else None


def read_several(asked: tuple[Namespace, ...], etag: str, members: Mapping[str, object]) -> Several:
    """Reads an answer: each snapshot with its own part of the ETag.

    A malformed snapshot affects only its own namespace.

    Raises:
        NotOurs: it is not such an answer, or of other namespaces than those requested.
    """
    etags, snapshots, deferred = (
        _split_etags(etag),
        _require_list(members, "snapshots"),
        _require_list(members, "deferred"),
    )
    named = [_require_name(each) for each in snapshots]
    if sorted(named + [str(each) for each in deferred]) != sorted(asked) or set(etags) != set(asked):
        raise NotOurs("it has other namespaces than those that were asked for")
    by_name = dict(zip(named, snapshots, strict=True))
    found, malformed = dict[Namespace, FetchedSnapshot](), dict[Namespace, ValueError]()
    for namespace in (each for each in asked if each in by_name):
        try:
            found[namespace] = FetchedSnapshot(*read_snapshot(namespace, etags[namespace], by_name[namespace]))
        except NotOurs as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            malformed[namespace] = error.with_traceback(None)
    return Several(found, tuple(each for each in asked if each not in by_name), malformed)


def select_changed(
    found: Mapping[Namespace, FetchedSnapshot], known: Mapping[Namespace, str | None]
) -> dict[Namespace, FetchedSnapshot]:
    """Selects the snapshots that changed: the answer repeats all when one changed."""
    return {
        namespace: each for namespace, each in found.items() if not is_weak_match(each.etag, known[namespace] or "")
    }


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
        raise NotOurs("it has a snapshot without a namespace")
    return name
