"""Tell what differs between two revisions of a namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.entry import Entry
from configsvc.model.names import Key, Namespace
from configsvc.service import access, log_tree, paging, records, time_travel
from configsvc.service.compare import shown
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Head
from configsvc.service.snapshot import TRIES, again, too_fast
from configsvc.service.summaries import EMPTY, Summary

_KEYS = 25
"""Keys of which both sides are read at once: two versions each, at most 12.8 MB."""


_SIDES = ("was", "now")


class _Moved(NamedTuple):
    key: Key
    was: int | None
    now: int | None


def diff(  # noqa: PLR0917  # two revisions, limit and cursor as in every listing
    ports: Ports,
    caller: Caller,
    namespace: Namespace,
    from_revision: int,
    to_revision: int | None,
    limit: int,
    cursor: str | None,
) -> dict[str, object]:
    """`{"namespace", "from", "to", "differences": [{"key", "was", "now"}], "cursor"}` in order of key.

    What lies between the revisions is read by the log's summaries, and of the keys only those of the page; one with
    large values may end early.

    `was` and `now` are `{"version", "form", "content_type"}`, None where nothing was served. No `to_revision` is the
    revision now; whoever asks for the next page names the one that was answered. `from` may be the later one.

    Raises:
        NotFound: the namespace as always; or it has not come to a revision, and then `revision` is its own.
        Gone: beyond the log, and `oldest` is the oldest revision there.
        InvalidRequest: a bad revision, limit or cursor.
        Unprocessable: so many keys were written in between that one request does not read it.
        Contended: it changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    asked = [time_travel.check(revision) for revision in (from_revision, to_revision) if revision is not None]
    after = paging.after(cursor, "", names.key)
    paging.checked(limit)
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    time_travel.reached(head, max(asked))
    end = to_revision or head.revision
    moved = [each for each in _moved(ports, head, from_revision, end) if each.key > after]
    told, more = _page(ports, namespace, moved, limit)
    return {"namespace": namespace, "from": from_revision, "to": end, "differences": told, "cursor": more}


def _moved(ports: Ports, head: Head, start: int, end: int) -> list[_Moved]:
    for _ in range(TRIES):
        if (found := _between(ports, head, *sorted((start, end)))) is not None:
            changed = [_Moved(key, each.was, each.now) for key, each in sorted(found.keys.items()) if each.changed]
            ways = [each if start < end else _Moved(each.key, each.now, each.was) for each in changed]
            return [each for each in ways if each.was != each.now]
        head = again(ports, head)
    raise too_fast()


def _between(ports: Ports, head: Head, low: int, high: int) -> Summary | None:
    """What the log says between two revisions; from the served one on readers get the same."""
    time_travel.kept(ports, head.namespace, [each for each in {low, high} if each < head.served])
    partition, until = records.of_namespace(head.namespace), min(high, head.served)
    return log_tree.between(ports.repository, partition, low, until) if low < until else EMPTY


def _page(
    ports: Ports, namespace: Namespace, moved: Sequence[_Moved], limit: int
) -> tuple[list[dict[str, object]], str | None]:
    told, size = list[dict[str, object]](), 0
    for start in range(0, min(limit, len(moved)), _KEYS):
        if size > limits.PAGE_BYTES:
            break
        some = moved[start : min(start + _KEYS, limit)]
        sides = [(each.key, number) for each in some for number in (each.was, each.now) if number is not None]
        stored = time_travel.versions(ports, namespace, sides)
        entries = {(each.entry.key, each.entry.version): each.entry for each in stored}
        size += sum(len(each.value) for each in entries.values())
        told += [_told(each, entries) for each in some]
    more = paging.make_cursor(moved[len(told) - 1].key) if len(told) < len(moved) else None
    return told, more


def _told(moved: _Moved, entries: Mapping[tuple[Key, int], Entry]) -> dict[str, object]:
    sides = {name: number and shown(entries[moved.key, number]) for name, number in zip(_SIDES, moved[1:], strict=True)}
    return {"key": moved.key, **sides}
