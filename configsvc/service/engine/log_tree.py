"""A change log read by its summaries: a bounded number of items, however long it is.

Where a summary is missing, its sixteen parts are read instead: no answer rests on any of them being there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.errors import Unprocessable
from configsvc.service.engine import records, summaries
from configsvc.service.engine.ports import LostRace, Repository, ServicePorts, Write
from configsvc.service.engine.records import LogRecord, Record, StoredSummary
from configsvc.service.engine.summaries import Node, Summary, is_next

_FIRST, _MOST = 16, 64
"""Nodes of the first read and of a later one: whoever wants a few records at the end does not read it all."""

_READ = 2 * limits.MIB
"""Bytes that a later read is sized for, by those that the last one brought: a summary has up to 360 KB."""

StoredNode = LogRecord | Summary


class SeenRecords(NamedTuple):
    """A node, and what it says. None: no record is there; then `beside` is the next one in the direction of reading."""

    node: Node
    found: StoredNode | None
    beside: LogRecord | None = None


class LogWalk:
    """Nodes of a log, read in order; a summary that `opens` is read by its parts.

    `weight` is the bytes of what was looked at so far. What was read ahead does not count: whoever ends at a weight has
    seen what weighs so much, and the next to begin there sees more.
    """

    def __init__(
        self, repository: Repository, partition: str, opens: Callable[[Summary], bool], *, newest: bool = False
    ) -> None:
        self._repository, self._partition, self._opens, self._newest = repository, partition, opens, newest
        self._pending = deque[Node]()
        self._read = dict[Node, Record | None]()
        self._beside: LogRecord | None = None
        self._asked = False
        self._batch = _FIRST
        self.weight = 0

    def over(self, nodes: Iterable[Node]) -> Iterator[SeenRecords]:
        """Those nodes, or parts of them."""
        self._pending.extend(reversed(list(nodes)) if self._newest else nodes)
        while self._pending:
            node = self._pending.popleft()
            found = self._find(node)
            if found is None:
                yield from self._missing(node)
            elif isinstance(found, Summary) and self._opens(found):
                self._open(node)
            else:
                yield SeenRecords(node, found)

    def _missing(self, node: Node) -> Iterator[SeenRecords]:
        """A range without a summary: either it has no record at all, or its parts are read."""
        beside = self._next(node)
        if beside is None or not node.start < beside.revision <= node.end:
            yield SeenRecords(node, None, beside)
        elif node.level:
            self._open(node)
        else:
            yield SeenRecords(node, beside)

    def _open(self, node: Node) -> None:
        parts = node.children()
        self._pending.extendleft(parts if self._newest else reversed(parts))

    def _next(self, node: Node) -> LogRecord | None:
        """The first record from the node on, in the direction of reading; kept as long as that is the answer."""
        known = self._beside
        ahead = known and (known.revision <= node.end if self._newest else known.revision > node.start)
        if not self._asked or (known is not None and not ahead):
            at = records.log(self._partition, node.end + 1 if self._newest else node.start)
            found = self._repository.query(self._partition, "R#", after=at.sk, limit=1, reverse=self._newest)
            self._beside = next((each for each in found if isinstance(each, LogRecord)), None)
            self._asked = True
        return self._beside

    def _find(self, node: Node) -> StoredNode | None:
        if node not in self._read:
            others = islice((each for each in self._pending if each not in self._read), self._batch - 1)
            wanted = {each.address(self._partition): each for each in (node, *others)}
            found = self._repository.get(list(wanted))
            self._batch = _next_batch(self._batch, len(wanted), sum(map(_stored_size, found.values())))
            self._read.update({each: found.get(at) for at, each in wanted.items()})
        return self._summary_of(self._read.pop(node))

    def _summary_of(self, stored: Record | None) -> StoredNode | None:
        if isinstance(stored, LogRecord):
            self.weight += _weight(stored)
            return stored
        if not isinstance(stored, StoredSummary) or (known := summaries.unpack_summary(stored)) is None:
            return None
        self.weight += known[1]
        return known[0]


def read_between(repository: Repository, partition: str, after: int, until: int) -> Summary | None:
    """What the records above `after` up to `until` say together; None when one is missing.

    Raises:
        Unprocessable: it takes more reading than one request does.
    """
    return read_nodes(repository, partition, after, summaries.cover(after, until))


def read_nodes(repository: Repository, partition: str, after: int, nodes: Iterable[Node]) -> Summary | None:
    """As `between`, of nodes that cover what is above `after` without a gap.

    Raises:
        Unprocessable: it takes more reading than one request does.
    """
    try:
        return summaries.merge_summaries(_read_parts(LogWalk(repository, partition, lambda _: False), after, nodes))
    except _Broken:
        return None


class _Broken(Exception):
    """A record is missing."""


def _read_parts(walk: LogWalk, after: int, nodes: Iterable[Node]) -> Iterator[Summary]:
    """Each part as long as none is missing before it: where nothing is, the next record says that nothing was."""
    place = after
    for node, found, beside in walk.over(nodes):
        if walk.weight > limits.HISTORY_BYTES:
            raise _too_many_changes(place)
        record = beside if found is None else found
        if record is None or (isinstance(record, LogRecord) and not is_next(place, record)):
            raise _Broken
        if found is not None:
            place = node.end
            yield summaries.summarise_record(found) if isinstance(found, LogRecord) else found


def _too_many_changes(place: int) -> Unprocessable:
    return Unprocessable(
        f"What was written since that revision takes more than {limits.HISTORY_BYTES} bytes to read: so many different "
        "keys were written. Ask for a later revision.", limit=limits.HISTORY_BYTES, revision=place,
    )  # fmt: skip


def _next_batch(last: int, nodes: int, size: int) -> int:
    """Twice as many as the last time, but not more than what such nodes make of the bytes of one read."""
    return max(1, min(last * 2, _MOST, _READ * nodes // max(size, 1)))


def _stored_size(record: Record) -> int:
    if isinstance(record, StoredSummary):
        return len(record.packed)
    return _weight(record) if isinstance(record, LogRecord) else 0


def _weight(record: LogRecord) -> int:
    """About the bytes of its item."""
    texts = (each for each in record if isinstance(each, str))
    named = sum(len(change.key) + 40 for change in record.changes)
    return 200 + sum(map(len, texts)) + named + (len(str(record.details)) if record.details else 0)


def write_summaries(ports: ServicePorts, partition: str, revision: int) -> None:
    """After the write of a multiple of 16: one read of 16 records and one write of an item, a level.

    It says nothing of what fails: the write that it follows is done, and its answer must not depend on this. A record
    that somebody damaged fails in ways that no list here foresees.
    """
    for node in summaries.nodes_ending_at(revision):
        try:
            stored = _make_summary(ports, partition, node)
            if stored is None:
                return
            _store(ports, stored)
        except Exception:  # noqa: BLE001  # whatever it is, the caller's write is written
            return


def _make_summary(ports: ServicePorts, partition: str, node: Node) -> StoredSummary | None:
    found = read_nodes(ports.repository, partition, node.start, node.children())
    return summaries.pack_summary(found, partition, node) if found else None


def _store(ports: ServicePorts, stored: StoredSummary) -> None:
    """Over what a lost time may have left there: its stamp is the same revision."""
    try:
        ports.repository.commit([Write(stored, None)])
    except LostRace:
        ports.repository.commit([Write(stored, stored.revision)])
