"""Reads a change log through its summaries: a bounded number of items, however long the log is.

Where a summary is missing, its sixteen parts are read instead: no answer depends on a summary being there.
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
"""Nodes of the first and of later reads: a caller that wants the last few records does not read everything."""

_READ = 2 * limits.MIB
"""Bytes that a later read aims at, judging by the previous one: a summary has up to 360 KB."""

StoredNode = LogRecord | Summary


class SeenRecords(NamedTuple):
    """A node and its content. If there is none, `neighbour` is the next record in the direction of reading."""

    node: Node
    found: StoredNode | None
    neighbour: LogRecord | None = None


class LogWalk:
    """Reads the nodes of a log in order; a summary that `opens` accepts is read by its parts.

    `weight` counts the bytes of all nodes returned so far. Nodes read ahead do not count: a caller that stops at a
    weight has seen that many bytes, and the next one to begin there sees more.
    """

    def __init__(
        self, repository: Repository, partition: str, opens: Callable[[Summary], bool], *, newest: bool = False
    ) -> None:
        self._repository, self._partition, self._opens, self._newest = repository, partition, opens, newest
        self._pending = deque[Node]()
        self._read = dict[Node, Record | None]()
        self._neighbour: LogRecord | None = None
        self._asked = False
        self._batch = _FIRST
        self.weight = 0

    def walk(self, nodes: Iterable[Node]) -> Iterator[SeenRecords]:
        """Yields those nodes, or parts of them."""
        self._pending.extend(reversed(list(nodes)) if self._newest else nodes)
        while self._pending:
            node = self._pending.popleft()
            found = self._read_node(node)
            if found is None:
                yield from self._yield_missing(node)
            elif isinstance(found, Summary) and self._opens(found):
                self._expand(node)
            else:
                yield SeenRecords(node, found)

    def _yield_missing(self, node: Node) -> Iterator[SeenRecords]:
        """Yields a range without a summary: either it has no record at all, or its parts are read."""
        neighbour = self._find_next(node)
        if neighbour is None or not node.start < neighbour.revision <= node.end:
            yield SeenRecords(node, None, neighbour)
        elif node.level:
            self._expand(node)
        else:
            yield SeenRecords(node, neighbour)

    def _expand(self, node: Node) -> None:
        parts = node.list_children()
        self._pending.extendleft(parts if self._newest else reversed(parts))

    def _find_next(self, node: Node) -> LogRecord | None:
        """Returns the first record from the node on, in the direction of reading, and keeps it while it stays valid."""
        known = self._neighbour
        ahead = known and (known.revision <= node.end if self._newest else known.revision > node.start)
        if not self._asked or (known is not None and not ahead):
            at = records.log(self._partition, node.end + 1 if self._newest else node.start)
            found = self._repository.query(self._partition, "R#", after=at.sk, limit=1, reverse=self._newest)
            self._neighbour = next((each for each in found if isinstance(each, LogRecord)), None)
            self._asked = True
        return self._neighbour

    def _read_node(self, node: Node) -> StoredNode | None:
        if node not in self._read:
            others = islice((each for each in self._pending if each not in self._read), self._batch - 1)
            wanted = {each.address(self._partition): each for each in (node, *others)}
            found = self._repository.get(list(wanted))
            self._batch = _compute_next_batch(self._batch, len(wanted), sum(map(_measure_record, found.values())))
            self._read.update({each: found.get(at) for at, each in wanted.items()})
        return self._unpack(self._read.pop(node))

    def _unpack(self, stored: Record | None) -> StoredNode | None:
        if isinstance(stored, LogRecord):
            self.weight += _estimate_weight(stored)
            return stored
        if not isinstance(stored, StoredSummary) or (known := summaries.unpack_summary(stored)) is None:
            return None
        self.weight += known[1]
        return known[0]


def read_between(repository: Repository, partition: str, after: int, until: int) -> Summary | None:
    """Summarises the records above `after` up to `until`; None if one is missing.

    Raises:
        Unprocessable: it takes more reading than one request may do.
    """
    return read_nodes(repository, partition, after, summaries.cover(after, until))


def read_nodes(repository: Repository, partition: str, after: int, nodes: Iterable[Node]) -> Summary | None:
    """Summarises nodes that cover everything above `after` without a gap, as `read_between` does.

    Raises:
        Unprocessable: it takes more reading than one request may do.
    """
    try:
        return summaries.merge_summaries(_read_parts(LogWalk(repository, partition, lambda _: False), after, nodes))
    except _MissingRecord:
        return None


class _MissingRecord(Exception):
    """A record is missing."""


def _read_parts(walk: LogWalk, after: int, nodes: Iterable[Node]) -> Iterator[Summary]:
    """Yields each part until a record is missing. Where a node is empty, the next record proves it whole."""
    place = after
    for node, found, neighbour in walk.walk(nodes):
        if walk.weight > limits.HISTORY_BYTES:
            raise _build_too_many_changes(place)
        record = neighbour if found is None else found
        if record is None or (isinstance(record, LogRecord) and not is_next(place, record)):
            raise _MissingRecord
        if found is not None:
            place = node.end
            yield summaries.summarise_record(found) if isinstance(found, LogRecord) else found


def _build_too_many_changes(place: int) -> Unprocessable:
    return Unprocessable(
        f"Too many different keys were written since that revision: reading their changes takes more than "
        f"{limits.HISTORY_BYTES} bytes. Ask for a later revision.", limit=limits.HISTORY_BYTES, revision=place,
    )  # fmt: skip


def _compute_next_batch(last: int, nodes: int, size: int) -> int:
    """Doubles the last batch, limited by how many such nodes fit into the bytes of one read."""
    return max(1, min(last * 2, _MOST, _READ * nodes // max(size, 1)))


def _measure_record(record: Record) -> int:
    if isinstance(record, StoredSummary):
        return len(record.packed)
    return _estimate_weight(record) if isinstance(record, LogRecord) else 0


def _estimate_weight(record: LogRecord) -> int:
    """Estimates the bytes of its item."""
    texts = (each for each in record if isinstance(each, str))
    named = sum(len(change.key) + 40 for change in record.changes)
    return 200 + sum(map(len, texts)) + named + (len(str(record.details)) if record.details else 0)


def write_summaries(ports: ServicePorts, partition: str, revision: int) -> None:
    """Writes the summaries that end at a revision: for each level, one read of 16 records and one write.

    It reports no failure: the write that it follows has been committed, and its answer must not depend on this. A
    damaged record fails in ways that no list of exceptions here covers.
    """
    for node in summaries.list_nodes_ending_at(revision):
        try:
            stored = _make_summary(ports, partition, node)
            if stored is None:
                return
            _store_summary(ports, stored)
        except Exception:  # noqa: BLE001  # whatever it is, the caller's write is committed
            return


def _make_summary(ports: ServicePorts, partition: str, node: Node) -> StoredSummary | None:
    found = read_nodes(ports.repository, partition, node.start, node.list_children())
    return summaries.pack_summary(found, partition, node) if found else None


def _store_summary(ports: ServicePorts, stored: StoredSummary) -> None:
    """Overwrites a summary that was written before a restore: its stamp is the same revision."""
    try:
        ports.repository.commit([Write(stored, None)])
    except LostRace:
        ports.repository.commit([Write(stored, stored.revision)])
