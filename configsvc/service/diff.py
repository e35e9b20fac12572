"""Tell what differs between two revisions of a namespace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.entry import Entry
from configsvc.model.names import Key
from configsvc.service import access, paging, records, time_travel
from configsvc.service.compare import shown
from configsvc.service.history import Past
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Head, KeyState
from configsvc.service.snapshot import TRIES, again, key_states, too_fast


class _Both(NamedTuple):
    head: Head
    states: Sequence[KeyState]
    was: Past
    now: Past
    to_revision: int


def diff(  # noqa: PLR0917  # two revisions, limit and cursor as in every listing
    ports: Ports,
    caller: Caller,
    ns: str,
    from_revision: int,
    to_revision: int | None,
    limit: int,
    cursor: str | None,
) -> dict[str, object]:
    """`{"namespace", "from", "to", "differences": [{"key", "was", "now"}], "cursor"}` in order of key.

    `was` and `now` are `{"version", "form", "content_type"}`, None where nothing was served. No `to_revision` is the
    revision now; whoever asks for the next page names the one that was answered. `from` may be the later one.

    Raises:
        NotFound: the namespace as always; or it has not come to a revision, and then `revision` is its own.
        Gone: beyond the log, and `oldest` is the oldest revision there.
        InvalidRequest: a bad revision, limit or cursor.
        Unavailable: it changed too fast to be read at one revision, or the store failed.
    """
    namespace = names.namespace(ns)
    asked = [time_travel.check(revision) for revision in (from_revision, to_revision) if revision is not None]
    after = paging.after(cursor, "", names.key)
    paging.checked(limit)
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    time_travel.reached(head, max(asked))
    both = _both(ports, head, from_revision, to_revision)
    moved = (key for key in _moved(both.was, both.now) if key > after)
    page, more = paging.page(moved, limit, str)
    told = _differences(ports, both, page)
    ends = {"from": from_revision, "to": both.to_revision}
    return {"namespace": namespace, **ends, "differences": told, "cursor": more}


def _both(ports: Ports, head: Head, from_revision: int, to_revision: int | None) -> _Both:
    for _ in range(TRIES):
        upto = to_revision or head.revision
        states = key_states(ports, head, values=False)
        if states is not None:
            was = time_travel.active_at(ports, head, states, from_revision)
            now = time_travel.active_at(ports, head, states, upto)
            if was and now:
                return _Both(head, states, was, now, upto)
        head = again(ports, head)
    raise too_fast()


def _moved(was: Past, now: Past) -> Iterable[Key]:
    keys = sorted({*was.active, *now.active})
    return (key for key in keys if was.active.get(key) != now.active.get(key))


def _differences(ports: Ports, both: _Both, page: Sequence[Key]) -> list[dict[str, object]]:
    """What is still served was read with the keys; the rest are versions."""
    sides = [(key, side.active[key]) for key in page for side in (both.was, both.now) if key in side.active]
    known = {(state.key, state.active): state.entry for state in both.states}
    missing = [side for side in sides if side not in known]
    stored = time_travel.versions(ports, both.head.namespace, missing)
    entries: dict[tuple[Key, int | None], Entry | None] = {
        **known, **{(each.entry.key, each.entry.version): each.entry for each in stored},
    }  # fmt: skip
    return [
        {
            "key": key,
            "was": shown(entries.get((key, both.was.active.get(key)))),
            "now": shown(entries.get((key, both.now.active.get(key)))),
        }
        for key in page
    ]
