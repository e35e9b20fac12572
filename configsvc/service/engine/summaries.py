"""Summarises ranges of the change log, and derives from them what an earlier revision served. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.errors import InvalidName
from configsvc.model.names import Key
from configsvc.service.engine import records
from configsvc.service.engine.records import KeyState, LogRecord, RecordAddress, StoredSummary

Ranges = tuple[tuple[int, int], ...]
"""Numbers of versions as inclusive ranges, in order."""

_NOBODY: frozenset[str] = frozenset()


class Node(NamedTuple):
    """A place in the tree of summaries: it covers the revisions above `start` up to `end`. Level 0 is one record."""

    level: int
    end: int

    @property
    def start(self) -> int:
        """The revision before the first that it covers."""
        return self.end - compute_width(self.level)

    def list_children(self) -> list[Node]:
        """Returns the nodes of the level below, in order."""
        step = compute_width(self.level - 1)
        return [Node(self.level - 1, end) for end in range(self.start + step, self.end + 1, step)]

    def address(self, partition: str) -> RecordAddress:
        """Returns the address of its record or summary."""
        if self.level:
            return records.summary(partition, self.level, self.end)
        return records.log(partition, self.end)


class TouchedKey(NamedTuple):
    """One key in a range of the log.

    `changed` means that its active version was set: `was` is the one before, `now` the one after. `served` are the
    versions that were active and were replaced in that range.
    """

    changed: bool
    was: int | None = None
    now: int | None = None
    served: Ranges = ()


class Summary(NamedTuple):
    """The content of a range of the log. `principals` None: too many to list."""

    first_at: str
    last_at: str
    principals: frozenset[str] | None
    keys: Mapping[Key, TouchedKey]


EMPTY = Summary("", "", _NOBODY, {})


def compute_width(level: int) -> int:
    """Returns how many revisions a summary of that level covers."""
    found: int = limits.LOG_FANOUT**level
    return found


def cover(after: int, until: int) -> Iterator[Node]:
    """Yields the fewest nodes, in order, that cover the revisions above `after` up to `until`."""
    while after < until:
        level = 0
        while after % compute_width(level + 1) == 0 and after + compute_width(level + 1) <= until:
            level += 1
        after += compute_width(level)
        yield Node(level, after)


def list_nodes_ending_at(revision: int) -> Iterator[Node]:
    """Yields the nodes above level 0 that end at a revision, from the lowest."""
    level = 1
    while revision and revision % compute_width(level) == 0:
        yield Node(level, revision)
        level += 1


def summarise_record(record: LogRecord) -> Summary:
    """Summarises one record."""
    keys = {change.key: _touch(change.was, change.now) for change in record.changes}
    if record.verb == records.DESTROY:
        keys[names.parse_key(record.subject)] = TouchedKey(changed=False)
    return Summary(record.at, record.at, frozenset((record.principal,)), keys)


def merge_summaries(parts: Iterable[Summary]) -> Summary:
    """Merges the summaries of consecutive ranges."""
    first_at, last_at, principals = "", "", _NOBODY
    named: frozenset[str] | None = principals
    keys = dict[Key, TouchedKey]()
    for part in parts:
        first_at, last_at = min(first_at or part.first_at, part.first_at), max(last_at, part.last_at)
        named = _merge_names(named, part.principals)
        for key, then in part.keys.items():
            before = keys.get(key)
            keys[key] = _join_touched(before, then) if before else then
    return Summary(first_at, last_at, named, keys)


def is_in_ranges(ranges: Ranges, number: int) -> bool:
    """Whether a number is in one of the ranges."""
    return any(low <= number <= high for low, high in ranges)


def pack_summary(summary: Summary, partition: str, node: Node) -> StoredSummary | None:
    """Returns the summary as it is stored, or None if it is too large for an item."""
    text = json.dumps([_pack_row(key, each) for key, each in sorted(summary.keys.items())], separators=(",", ":"))
    data = zlib.compress(text.encode())
    if len(data) > limits.SUMMARY_BYTES or len(text) > limits.SUMMARY_UNPACKED:
        return None
    named = None if summary.principals is None else tuple(sorted(summary.principals))
    return StoredSummary(
        records.namespace_of(partition), node.end, node.level, summary.first_at, summary.last_at, named, data
    )


def unpack_summary(stored: StoredSummary) -> tuple[Summary, int] | None:
    """Returns the summary and its size in bytes, or None if it is not one that we packed."""
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(stored.packed, limits.SUMMARY_UNPACKED)
        if not reader.eof:
            return None
        keys = dict(_unpack_row(row) for row in json.loads(text))
    except (zlib.error, ValueError, TypeError, KeyError, InvalidName):
        return None
    named = None if stored.principals is None else frozenset(stored.principals)
    return Summary(stored.first_at, stored.last_at, named, keys), len(text)


def _touch(was: int | None, now: int | None) -> TouchedKey:
    served = ((was, was),) if was is not None and was != now else ()
    return TouchedKey(changed=True, was=was, now=now, served=served)


def _join_touched(before: TouchedKey, then: TouchedKey) -> TouchedKey:
    if not then.changed:
        return before
    if not before.changed:
        return then
    return then._replace(was=before.was, served=_join_ranges((*before.served, *then.served)))


def _join_ranges(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found = list[tuple[int, int]]()
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _merge_names(some: frozenset[str] | None, others: frozenset[str] | None) -> frozenset[str] | None:
    if some is None or others is None:
        return None
    every = some | others
    return every if len(every) <= limits.SUMMARY_PRINCIPALS else None


def _pack_row(key: Key, touched: TouchedKey) -> list[object]:
    if not touched.changed:
        return [key]
    return [key, touched.was, touched.now, *(number for each in touched.served for number in each)]


def _unpack_row(row: list[object]) -> tuple[Key, TouchedKey]:
    name, *numbers = row
    key = names.parse_key(str(name))
    if not numbers:
        return key, TouchedKey(changed=False)
    was, now, *ends = numbers
    exact = [end for end in ends if type(end) is int]
    if len(exact) != len(ends) or len(ends) % 2 or not (_is_version(was) and _is_version(now)):
        raise ValueError("served")
    served = tuple(zip(exact[::2], exact[1::2], strict=True))
    return key, TouchedKey(changed=True, was=_to_version(was), now=_to_version(now), served=served)


def _is_version(found: object) -> bool:
    return found is None or type(found) is int


def _to_version(found: object) -> int | None:
    return found if isinstance(found, int) else None


LIFT = "lift"
"""The verb of a record that may skip revisions before it: revision and floor were raised after a restore."""


class Past(NamedTuple):
    """The state that a revision served: its served revision, and the active version of each key, in order of key."""

    served: int
    active: Mapping[Key, int]


def build_present(served: int, states: Iterable[KeyState]) -> Past:
    """Returns what the keys serve now."""
    return Past(served, {state.key: state.active for state in states if state.active is not None})


def undo_changes(at: LogRecord, states: Iterable[KeyState], later: Summary) -> Past:
    """Returns what the revision of `at` served; `later` is the summary of all above it, up to that of `states`."""
    active = {state.key: state.active for state in states}
    active |= {key: each.was for key, each in later.keys.items() if each.changed}
    return Past(at.served, {key: version for key, version in sorted(active.items()) if version is not None})


def is_next(after: int, record: LogRecord) -> bool:
    """Whether no revision is missing between a revision and a record, apart from those that a lift skipped."""
    if record.revision == after + 1:
        return True
    if record.verb != LIFT or record.revision <= after:
        return False
    return after >= _find_last_before(record.details)


def _find_last_before(details: Mapping[str, object]) -> float:
    """Returns the last revision before a lift: HEAD's, or what the lift found if somebody else had changed HEAD."""
    match details:
        case {"check": {"differences": [{"what": "revision", "found": int(found)}, *_]}}:
            return found
        case {"was": {"revision": int(revision)}}:
            return revision
        case _:
            return inf
