"""Several namespaces in one request: one ETag made of theirs, and taken apart again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from configsvc.model import limits
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc.model.snapshot import MalformedSnapshot, SealedSnapshot, parse
from configsvc_client._ports import Found

AT_ONCE = limits.SNAPSHOTS_NAMESPACES


class Several(Record):
    """An answer: what it brought, and which namespaces have to be fetched singly."""

    found: dict[Namespace, Found]
    deferred: tuple[Namespace, ...]


def target(base: str, namespaces: Iterable[Namespace]) -> str:
    """The path and query of the request; names need no encoding."""
    return f"{base}/v1/snapshots?" + "&".join(f"namespace={each}" for each in namespaces)


def etag_of(known: Mapping[Namespace, str | None]) -> str | None:
    """The ETag of all, of the ETags of each; None where one is to be had in any case."""
    parts = [f"{namespace}={_bare(etag)}" for namespace, etag in known.items() if etag is not None]
    return '"' + ",".join(parts) + '"' if len(parts) == len(known) else None


def several(asked: tuple[Namespace, ...], etag: str, members: object) -> Several:
    """What an answer holds, each snapshot with its own part of the ETag.

    Raises:
        MalformedSnapshot: it is no such answer, or of other namespaces than those asked for.
    """
    etags = dict(_part(text) for text in _bare(etag).split(","))
    try:
        snapshots, deferred = _parsed(members)
    except (KeyError, TypeError):
        raise MalformedSnapshot("no answer of several snapshots") from None
    found = {each.namespace: Found(f'"{etags.get(each.namespace, "")}"', each) for each in snapshots}
    if sorted([*found, *deferred]) != sorted(asked) or not all(etags.get(each) for each in asked):
        raise MalformedSnapshot("not the namespaces that were asked for")
    return Several(found, tuple(each for each in asked if each not in found))


def changed(found: Mapping[Namespace, Found], known: Mapping[Namespace, str | None]) -> dict[Namespace, Found]:
    """Without those that are as they are held: the answer repeats all when one changed."""
    return {namespace: each for namespace, each in found.items() if each.etag != _strong(known[namespace])}


def _parsed(members: object) -> tuple[list[SealedSnapshot], list[str]]:
    if not isinstance(members, dict):
        raise TypeError
    deferred = members["deferred"]
    if not isinstance(deferred, list) or not all(isinstance(each, str) for each in deferred):
        raise TypeError
    return [parse(each) for each in members["snapshots"]], deferred


def _part(text: str) -> tuple[str, str]:
    namespace, _, etag = text.partition("=")
    return namespace, etag


def _bare(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _strong(etag: str | None) -> str | None:
    return None if etag is None else etag.removeprefix("W/")
