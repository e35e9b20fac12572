"""The table in memory, for tests and for the loopback gateway. It isolates exactly as much as DynamoDB does.

A commit is atomic. A batch read is not: each address is read at a different moment, and `between` runs in the gaps, so
that other threads can write.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from configsvc.model import limits
from configsvc.service.engine.ports import LostRace, Remove, StampCheck, Write, WriteAction
from configsvc.service.engine.records import KeyState, Record, RecordAddress, StoredVersion, address_of

MOST_ACTIONS = 100
_LAST = "\U0010ffff"


def _do_nothing() -> None:
    return


class MemoryRepository:
    """A repository in one dictionary.

    Args:
        between: called between the reads of two records of one batch or query, outside the lock.
    """

    def __init__(self, between: Callable[[], None] = _do_nothing) -> None:
        self._records: dict[RecordAddress, Record] = {}
        self._sorted: dict[str, list[str]] = {}
        self._lock = Lock()
        self._between = between
        self._backwards = True

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """The records that exist, each read at a different moment."""
        found: dict[RecordAddress, Record] = {}
        for number, address in enumerate(self._order(addresses)):
            if number:
                self._between()
            record = self._read(address)
            if record is not None:
                found[address] = record
        return found

    def query(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int | None = None,
        values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:
        """Records in order of sort key, each read at a different moment."""
        given = 0
        sk = after
        while limit is None or given < limit:
            step = self._previous(partition, prefix, sk) if reverse else self._next(partition, prefix, sk)
            if step is None:
                return
            sk, record = step
            yield record if values else _drop_value(record)
            given += 1
            self._between()

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """The records that exist, read at one moment.

        Raises:
            ValueError: DynamoDB would refuse the request.
        """
        if len(addresses) > MOST_ACTIONS or len(set(addresses)) != len(addresses):
            raise ValueError("TransactGetItems takes 100 actions and each item once")
        with self._lock:
            found = {at: self._records[at] for at in addresses if at in self._records}
        if sum(map(_count_value_bytes, found.values())) > limits.TRANSACTION_BYTES:
            raise ValueError("TransactGetItems takes 4 MB")
        return found

    def commit(self, actions: Sequence[WriteAction]) -> None:
        """Applies all actions, or none.

        Raises:
            ValueError: DynamoDB would refuse the request.
            LostRace
        """
        addresses = [_find_address(action) for action in actions]
        if len(actions) > MOST_ACTIONS or len(set(addresses)) != len(addresses):
            raise ValueError("TransactWriteItems takes 100 actions and each item once")
        with self._lock:
            lost = [
                _find_address(action) for action in actions if self._stamp(_find_address(action)) != action.expected
            ]
            if lost:
                raise LostRace(lost)
            if sum(map(self._value_bytes, actions)) > limits.TRANSACTION_BYTES:
                raise ValueError("TransactWriteItems takes 4 MB")
            for action in actions:
                self._apply(action)

    def _order(self, addresses: Sequence[RecordAddress]) -> list[RecordAddress]:
        """Alternates the order, because DynamoDB may read HEAD, the first of a batch, before or after the rest."""
        if len(addresses) == 1:
            return list(addresses)
        self._backwards = not self._backwards
        return sorted(set(addresses), key=addresses.index, reverse=self._backwards)

    def _read(self, address: RecordAddress) -> Record | None:
        with self._lock:
            return self._records.get(address)

    def _next(self, partition: str, prefix: str, after: str) -> tuple[str, Record] | None:
        with self._lock:
            keys = self._sorted.get(partition, [])
            place = bisect_right(keys, after) if after >= prefix else bisect_left(keys, prefix)
            if place == len(keys) or not keys[place].startswith(prefix):
                return None
            return keys[place], self._records[RecordAddress(partition, keys[place])]

    def _previous(self, partition: str, prefix: str, after: str) -> tuple[str, Record] | None:
        with self._lock:
            keys = self._sorted.get(partition, [])
            place = bisect_left(keys, after or prefix + _LAST) - 1
            if place < 0 or not keys[place].startswith(prefix):
                return None
            return keys[place], self._records[RecordAddress(partition, keys[place])]

    def _stamp(self, address: RecordAddress) -> int | None:
        record = self._records.get(address)
        return None if record is None else record.revision

    def _value_bytes(self, action: WriteAction) -> int:
        """Bytes of the stored value that is written, checked or removed.

        DynamoDB counts the other attributes too. Its reference does not say whether items count that are not written:
        "the aggregate size of the items in the transaction". Here they count.
        """
        return _count_value_bytes(action.record if isinstance(action, Write) else self._records.get(action.address))

    def _apply(self, action: WriteAction) -> None:
        match action:
            case Write(record):
                address = address_of(record)
                if address not in self._records:
                    insort(self._sorted.setdefault(address.pk, []), address.sk)
                self._records[address] = record
            case Remove(address):
                del self._records[address]
                self._sorted[address.pk].remove(address.sk)
            case StampCheck():
                pass


def _find_address(action: WriteAction) -> RecordAddress:
    return address_of(action.record) if isinstance(action, Write) else action.address


def _count_value_bytes(record: Record | None) -> int:
    """Bytes of the value in a record."""
    return len(record.entry.value.encode()) if isinstance(record, KeyState | StoredVersion) and record.entry else 0


def _drop_value(record: Record) -> Record:
    if isinstance(record, KeyState | StoredVersion) and record.entry:
        return record._replace(entry=record.entry._replace(value=""))
    return record
