"""The cost of a table in calls and bytes, as DynamoDB counts them. It is deterministic, so gates are exact.

A Query reads pages of 1 MB whole, whatever is taken of them and whatever a projection leaves out; a BatchGetItem takes
100 keys; an item's size is that of its names and values (Amazon DynamoDB Developer Guide, "Item sizes and formats").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from configsvc.adapters.items import to_item
from configsvc.service.engine.ports import Repository, Write, WriteAction
from configsvc.service.engine.records import KeyState, Record, RecordAddress, StoredVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = 1024 * 1024
BATCH = 100


class Counted:
    """A repository that counts its traffic: `calls` to the table, `read` and `written` bytes of items."""

    def __init__(self, inner: Repository) -> None:
        self._inner = inner
        self.calls = self.read = self.written = 0

    def clear(self) -> None:
        """Begin to count."""
        self.calls = self.read = self.written = 0

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """GetItem or BatchGetItem."""
        found = self._inner.get(addresses)
        self.calls += -(-len(set(addresses)) // BATCH)
        self.read += sum(map(size, found.values()))
        return found

    def query(
        self, partition: str, prefix: str, *, after: str = "", limit: int | None = None, values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:  # fmt: skip
        """Query, by pages that are read whole."""
        found = self._inner.query(partition, prefix, after=after, limit=limit, reverse=reverse)
        while page := self._page(found):
            yield from (record if values else _drop_value(record) for record in page)

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """TransactGetItems, which reads each item twice over."""
        found = self._inner.get_together(addresses)
        self.calls += 1
        self.read += 2 * sum(map(size, found.values()))
        return found

    def commit(self, actions: Sequence[WriteAction]) -> None:
        """TransactWriteItems."""
        self._inner.commit(actions)
        self.calls += 1
        self.written += sum(size(action.record) for action in actions if isinstance(action, Write))

    def _page(self, found: Iterator[Record]) -> list[Record]:
        page, total = list[Record](), 0
        self.calls += 1
        for record in found:
            page.append(record)
            total += size(record)
            if total >= PAGE:
                break
        self.read += total
        return page


def size(record: Record) -> int:
    """Bytes of the item of a record."""
    return sum(len(name) + _bytes(value) for name, value in to_item(record).items())


def _bytes(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return (len(value) + 1) // 2 + 1
        case "L":
            return 3 + sum(1 + _bytes(each) for each in value)
        case "M":
            return 3 + sum(1 + len(name) + _bytes(each) for name, each in value.items())
        case _:
            return 1


def _drop_value(record: Record) -> Record:
    if isinstance(record, KeyState | StoredVersion) and record.entry:
        return record._replace(entry=record.entry._replace(value=""))
    return record
