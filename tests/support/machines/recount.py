"""Checks that a namespace's records agree: HEAD equals a recount, and replaying the change log gives the state.

It knows nothing about the requests, so it also holds after races, kills and lost answers.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

from configsvc.model import limits
from configsvc.model.snapshot import SealedSnapshot, compute_cost, compute_data_key_cost, compute_entry_cost, render
from configsvc.service.engine import records
from configsvc.service.engine.key_state import collect_states
from configsvc.service.engine.ports import Repository
from configsvc.service.engine.records import (
    DataKeyRecord,
    Head,
    KeyState,
    LogRecord,
    Record,
    StoredSettings,
    StoredVersion,
)
from configsvc.service.engine.summaries import LIFT
from configsvc.service.engine.tally import compute_snapshot_cost, find_kid, stamp_key

Kind = TypeVar("Kind")


class StoredNamespace(NamedTuple):
    """All records of a namespace, by kind."""

    head: Head
    settings: StoredSettings | None
    keys: dict[str, KeyState]
    versions: dict[tuple[str, int], StoredVersion]
    log: list[LogRecord]
    data_keys: dict[str, DataKeyRecord]


def read_stored(repository: Repository, ns: str) -> StoredNamespace | None:
    """Reads the records; None if the namespace never existed."""
    found = list(repository.query(records.of_namespace(ns), ""))
    heads, settings = _select(found, Head), _select(found, StoredSettings)
    if not heads:
        assert not found, "records without a HEAD"
        return None
    return StoredNamespace(
        heads[0],
        settings[0] if settings else None,
        {each.key: each for each in collect_states(found)},
        {(each.entry.key, each.entry.version): each for each in _select(found, StoredVersion)},
        _select(found, LogRecord),
        {each.data_key.kid: each for each in _select(found, DataKeyRecord)},
    )


def _select(found: Iterable[Record], kind: type[Kind]) -> list[Kind]:
    return [record for record in found if isinstance(record, kind)]


def check(found: StoredNamespace, *, pruned: bool = False) -> None:
    """Raises AssertionError if the records contradict each other; `pruned` allows for an upkeep."""
    _check_log(found.head, found.log)
    _check_state(found)
    _check_versions(found, pruned=pruned)
    _check_head(found)
    assert (found.settings is not None) == (found.head.state == "live")


def _check_log(head: Head, log: Sequence[LogRecord]) -> None:
    """Checks that there is one record for each revision, up to HEAD's; only a lift skips some."""
    assert log
    assert log[-1].revision == head.revision
    assert log[-1].served == head.served
    for before, after in pairwise(log):
        assert after.revision == before.revision + 1 or after.verb == LIFT
        assert after.revision > before.revision
        assert after.served in {before.served, after.revision}


def _check_state(found: StoredNamespace) -> None:
    """Checks that the change log and the keys agree."""
    active: dict[str, int | None] = {}
    latest: dict[str, int] = {}
    touched: dict[str, int] = {}
    whole = found.log[0].revision == 1
    for record in found.log:
        for change in record.changes:
            if whole or change.key in active:
                assert change.was == active.get(change.key), f"{change.key} at {record.revision} lost an update"
            if change.op == "put":
                assert change.version is not None
                assert change.version > latest.get(change.key, 0), f"version {change.version} was reused"
                latest[change.key] = change.version
            active[change.key], touched[change.key] = change.now, record.revision
            if change.op == "purge":
                assert change.version == latest.get(change.key, change.version)
                assert (change.version or 0) <= found.head.floor, f"numbers of {change.key} may be reused"
                del active[change.key]
    if whole:
        assert set(found.keys) == set(active)
    for key, now in active.items():
        state = found.keys.get(key)
        assert state, f"{key} is only in the log"
        assert (state.active, state.revision) == (now, touched[key])
        assert state.latest == latest.get(key, state.latest)


def _check_versions(found: StoredNamespace, *, pruned: bool) -> None:
    """Checks that every version that was put exists, whole, and was put; keys serve what their version holds."""
    put: dict[tuple[str, int | None], int] = {
        (change.key, change.version): each.revision
        for each in found.log
        for change in each.changes
        if change.op == "put"
    }
    whole = found.log[0].revision == 1
    for at, version in found.versions.items():
        if whole and not version.destroyed:
            assert put.get(at) == version.revision
    assert pruned or not whole or set(put) == set(found.versions)
    for state in found.keys.values():
        if state.entry:
            written = found.versions.get((state.key, state.entry.version))
            assert written
            assert state.entry == written.entry


def _check_head(found: StoredNamespace) -> None:
    """Counts again what HEAD counts."""
    head, states = found.head, found.keys.values()
    entries = [state.entry for state in states if state.entry]
    assert head.entries == len(entries)
    assert head.size == sum(compute_entry_cost(entry, "utf8") for entry in entries)
    assert head.size_ascii == sum(compute_entry_cost(entry, "ascii") for entry in entries)
    assert head.stamps == sum(stamp_key(state) for state in states if state.entry) % limits.EXACT
    live = {kid: each for kid, each in found.data_keys.items() if each.state == "live"}
    assert set(head.kids) == set(live)
    needed = [find_kid(entry) for entry in entries]
    for kid, count in head.kids.items():
        assert (count.served, count.cost, count.revision) == (
            needed.count(kid), compute_data_key_cost(live[kid].data_key), live[kid].revision,
        )  # fmt: skip
    data_keys = tuple(live[kid].data_key for kid in sorted({kid for kid in needed if kid}))
    text = render(SealedSnapshot(head.namespace, head.served, data_keys, tuple(entries)))
    assert (
        compute_snapshot_cost(head, "utf8")
        == compute_cost(text, "utf8")
        == len(json.dumps(text, ensure_ascii=False).encode()) - 2
    )
    assert compute_snapshot_cost(head, "ascii") == compute_cost(text, "ascii") == len(json.dumps(text)) - 2
