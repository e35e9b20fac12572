"""What consecutive records of a change log say together, so that nobody needs to read them one by one. Pure.

A summary of the first level covers 16 revisions, one of the second 256, and so on; each ends at a multiple of what it
covers. So whatever lies between two revisions is covered by at most 30 summaries a level. A summary tells of each key
which version was active before, which is since, and which were served in between; and it tells the earliest and the
latest time and the principals, by which a search leaves out what cannot hold what it looks for. It never relies on
times to be in order.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.errors import InvalidName
from configsvc.model.names import Key
from configsvc.service import records
from configsvc.service.records import Address, LogRecord, StoredSummary

Ranges = tuple[tuple[int, int], ...]
"""Numbers of versions, as ranges with both ends in them, in order."""

_NOBODY: frozenset[str] = frozenset()


class Node(NamedTuple):
    """A place in the tree of summaries: it covers the revisions above `start` up to `end`. Level 0 is one record."""

    level: int
    end: int

    @property
    def start(self) -> int:
        """The revision before the first that it covers."""
        return self.end - width(self.level)

    def children(self) -> list[Node]:
        """The nodes of the level below, in order."""
        step = width(self.level - 1)
        return [Node(self.level - 1, end) for end in range(self.start + step, self.end + 1, step)]

    def address(self, partition: str) -> Address:
        """Where its record or summary is stored."""
        if self.level:
            return records.summary(partition, self.level, self.end)
        return records.log(partition, self.end)


class Touched(NamedTuple):
    """One key in a range of the log.

    `changed` says that what it serves was set; then `was` was active before and `now` is since. `served` are the
    versions that were active and were replaced in that range.
    """

    changed: bool
    was: int | None = None
    now: int | None = None
    served: Ranges = ()


class Summary(NamedTuple):
    """What a range of the log says. `principals` None: too many to name."""

    first_at: str
    last_at: str
    principals: frozenset[str] | None
    keys: Mapping[Key, Touched]


EMPTY = Summary("", "", _NOBODY, {})


def width(level: int) -> int:
    """How many revisions a summary of that level covers."""
    found: int = limits.LOG_FANOUT**level
    return found


def cover(after: int, until: int) -> Iterator[Node]:
    """The fewest nodes, in order, that cover the revisions above `after` up to `until`."""
    while after < until:
        level = 0
        while after % width(level + 1) == 0 and after + width(level + 1) <= until:
            level += 1
        after += width(level)
        yield Node(level, after)


def ending(revision: int) -> Iterator[Node]:
    """The nodes above level 0 that end at a revision, from the lowest."""
    level = 1
    while revision and revision % width(level) == 0:
        yield Node(level, revision)
        level += 1


def of(record: LogRecord) -> Summary:
    """What one record says."""
    keys = {change.key: _touched(change.was, change.now) for change in record.changes}
    if record.verb == records.DESTROY:
        keys[names.key(record.subject)] = Touched(changed=False)
    return Summary(record.at, record.at, frozenset((record.principal,)), keys)


def merged(parts: Iterable[Summary]) -> Summary:
    """What consecutive ranges say together."""
    first_at, last_at, principals = "", "", _NOBODY
    named: frozenset[str] | None = principals
    keys = dict[Key, Touched]()
    for part in parts:
        first_at, last_at = min(first_at or part.first_at, part.first_at), max(last_at, part.last_at)
        named = _named(named, part.principals)
        for key, then in part.keys.items():
            before = keys.get(key)
            keys[key] = _after(before, then) if before else then
    return Summary(first_at, last_at, named, keys)


def includes(ranges: Ranges, number: int) -> bool:
    """Whether a number is in one of the ranges."""
    return any(low <= number <= high for low, high in ranges)


def packed(summary: Summary, partition: str, node: Node) -> StoredSummary | None:
    """The summary as it is stored; None when it is too large for an item."""
    text = json.dumps([_row(key, each) for key, each in sorted(summary.keys.items())], separators=(",", ":"))
    data = zlib.compress(text.encode())
    if len(data) > limits.SUMMARY_BYTES or len(text) > limits.SUMMARY_UNPACKED:
        return None
    named = None if summary.principals is None else tuple(sorted(summary.principals))
    return StoredSummary(
        records.namespace_of(partition), node.end, node.level, summary.first_at, summary.last_at, named, data
    )


def unpacked(stored: StoredSummary) -> tuple[Summary, int] | None:
    """The summary and its bytes; None when it is not one that we packed."""
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(stored.packed, limits.SUMMARY_UNPACKED)
        if not reader.eof:
            return None
        keys = dict(_read(row) for row in json.loads(text))
    except (zlib.error, ValueError, TypeError, KeyError, InvalidName):
        return None
    named = None if stored.principals is None else frozenset(stored.principals)
    return Summary(stored.first_at, stored.last_at, named, keys), len(text)


def _touched(was: int | None, now: int | None) -> Touched:
    served = ((was, was),) if was is not None and was != now else ()
    return Touched(changed=True, was=was, now=now, served=served)


def _after(before: Touched, then: Touched) -> Touched:
    if not then.changed:
        return before
    if not before.changed:
        return then
    return then._replace(was=before.was, served=_joined((*before.served, *then.served)))


def _joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found = list[tuple[int, int]]()
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _named(some: frozenset[str] | None, others: frozenset[str] | None) -> frozenset[str] | None:
    if some is None or others is None:
        return None
    every = some | others
    return every if len(every) <= limits.SUMMARY_PRINCIPALS else None


def _row(key: Key, touched: Touched) -> list[object]:
    if not touched.changed:
        return [key]
    return [key, touched.was, touched.now, *(number for each in touched.served for number in each)]


def _read(row: list[object]) -> tuple[Key, Touched]:
    name, *numbers = row
    key = names.key(str(name))
    if not numbers:
        return key, Touched(changed=False)
    was, now, *ends = numbers
    exact = [end for end in ends if type(end) is int]
    if len(exact) != len(ends) or len(ends) % 2 or not (_is_version(was) and _is_version(now)):
        raise ValueError("served")
    served = tuple(zip(exact[::2], exact[1::2], strict=True))
    return key, Touched(changed=True, was=_number(was), now=_number(now), served=served)


def _is_version(found: object) -> bool:
    return found is None or type(found) is int


def _number(found: object) -> int | None:
    return found if isinstance(found, int) else None
