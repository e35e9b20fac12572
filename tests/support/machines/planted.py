"""Services with one planted bug each: in the table, in what is read of it, or in what a warm process keeps."""

from collections.abc import Callable, Iterator, Sequence

from configsvc.model.grants import Grant
from configsvc.service.engine.ports import Remove, Rendered, Repository, StampCheck, Write, WriteAction
from configsvc.service.engine.records import (
    Head,
    KeptAnswer,
    KeyState,
    LogRecord,
    Record,
    RecordAddress,
    StoredVersion,
    address_of,
)
from configsvc.service.engine.tally import add_stamps, find_kid


class Through:
    """A repository that changes nothing: the base of the planted ones."""

    def __init__(self, inner: Repository) -> None:
        self.inner = inner

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        return self.inner.get(addresses)

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        return self.inner.get_together(addresses)

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
        return self.inner.query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)

    def commit(self, actions: Sequence[WriteAction]) -> None:
        self.inner.commit(actions)


class Unconditioned(Through):
    """Ignores the conditions on sort keys that `forgotten` accepts: writes succeed whatever is there."""

    def __init__(self, inner: Repository, forgotten: Callable[[str], bool]) -> None:
        super().__init__(inner)
        self._forgotten = forgotten

    def commit(self, actions: Sequence[WriteAction]) -> None:
        loose = [_get_address(action) for action in actions if self._forgotten(_get_address(action).sk)]
        there = self.inner.get(loose) if loose else {}
        stamps = {at: there[at].revision if at in there else None for at in loose}
        self.inner.commit([_restamp(each, stamps) if _get_address(each) in stamps else each for each in actions])


class TwoCommits(Through):
    """Writes HEAD and the change log first, and the rest afterwards."""

    def commit(self, actions: Sequence[WriteAction]) -> None:
        first = [action for action in actions if _get_address(action).sk[:2] in {"HE", "R#"}]
        rest = [action for action in actions if action not in first]
        self.inner.commit(first)
        if rest:
            self.inner.commit(rest)


class Dropping(Through):
    """Omits the writes of some records."""

    def __init__(self, inner: Repository, dropped: Callable[[Record], bool]) -> None:
        super().__init__(inner)
        self._dropped = dropped

    def commit(self, actions: Sequence[WriteAction]) -> None:
        kept = [each for each in actions if not (isinstance(each, Write) and self._dropped(each.record))]
        if kept:
            self.inner.commit(kept)


class StaleHead(Through):
    """Answers every other read of HEAD alone with the record of the time before."""

    def __init__(self, inner: Repository) -> None:
        super().__init__(inner)
        self._before: dict[RecordAddress, Record] = {}
        self._odd = False

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        found = self.inner.get(addresses)
        for at, record in list(found.items()):
            if isinstance(record, Head):
                self._odd = not self._odd
                found[at] = self._before.get(at, record) if self._odd else record
                self._before[at] = record
        return found


class Reusing(Through):
    """After a rollback, takes the active version for the latest, and reuses the next number."""

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        return {at: _roll_back(record) for at, record in self.inner.get(addresses).items()}

    def commit(self, actions: Sequence[WriteAction]) -> None:
        Unconditioned(self.inner, lambda sk: sk.startswith("V#")).commit(actions)


class Miscounting(Through):
    """Counts a byte too many with each write that serves something."""

    def commit(self, actions: Sequence[WriteAction]) -> None:
        self.inner.commit(
            [
                Write(each.record._replace(size=each.record.size + 1), each.expected)
                if isinstance(each, Write) and isinstance(each.record, Head) and each.record.entries
                else each
                for each in actions
            ]
        )


class _Any(int):
    """A sum that equals every other."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Trusting(Through):
    """Makes HEAD and keys look as if read at one moment, so that no torn Query is noticed."""

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
        found = self.inner.query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)
        return (each._replace(revision=0) if isinstance(each, KeyState) else each for each in found)

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        found = self.inner.get(addresses)
        return {at: each._replace(stamps=_Any()) if isinstance(each, Head) else each for at, each in found.items()}

    def commit(self, actions: Sequence[WriteAction]) -> None:
        """Does not write what readers were made to believe."""
        self.inner.commit([_restore(self.inner, action) for action in actions])


class Credulous(Through):
    """Looks up the data keys of served entries in the HEAD of the same read, as if that could not fail."""

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        found = self.inner.get(addresses)
        head = next((each for each in found.values() if isinstance(each, Head)), None)
        needed = {find_kid(each.entry) for each in found.values() if isinstance(each, KeyState)} - {None}
        assert head is None or needed <= head.kids.keys(), "a data key that HEAD does not count"
        return found


class Ageless(Through):
    """Makes versions look no younger than the HEAD of the same read."""

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        found = self.inner.get(addresses)
        oldest = min((each.revision for each in found.values() if isinstance(each, Head)), default=0)
        return {
            at: each._replace(revision=min(each.revision, oldest)) if isinstance(each, StoredVersion) else each
            for at, each in found.items()
        }


class ShortLog(Through):
    """Shows only the end of a change log that is read from its beginning."""

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
        found = self.inner.query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)
        return iter(list(found)[-2:]) if prefix == "R#" and not after else found


class ByNamespace:
    """Keeps one rendered snapshot for each namespace, whatever its revision."""

    def __init__(self) -> None:
        self._kept: dict[str, Rendered] = {}

    def get(self, key: tuple[str, int, str]) -> Rendered | None:
        return self._kept.get(key[0])

    def put(self, key: tuple[str, int, str], rendered: Rendered) -> None:
        self._kept[key[0]] = rendered


class ForEver:
    """Never reads grants again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Grant, ...]] = {}

    def get(self, principal: str) -> tuple[Grant, ...] | None:
        return self._kept.get(principal)

    def put(self, principal: str, grants: tuple[Grant, ...]) -> None:
        self._kept[principal] = grants

    def forget(self, principal: str) -> None:
        del principal


def is_answer(record: Record) -> bool:
    return isinstance(record, KeptAnswer)


def is_log(record: Record) -> bool:
    return isinstance(record, LogRecord)


def is_version(record: Record) -> bool:
    return isinstance(record, StoredVersion)


def _get_address(action: WriteAction) -> RecordAddress:
    return address_of(action.record) if isinstance(action, Write) else action.address


def _restamp(action: WriteAction, stamps: dict[RecordAddress, int | None]) -> WriteAction:
    stamp = stamps[_get_address(action)]
    match action:
        case Write(record):
            return Write(record, stamp)
        case StampCheck(address):
            return StampCheck(address, stamp)
        case Remove(address):
            return Remove(address, stamp or 0)


def _roll_back(record: Record) -> Record:
    return record._replace(latest=record.active) if isinstance(record, KeyState) and record.active else record


def _restore(inner: Repository, action: WriteAction) -> WriteAction:
    if not (isinstance(action, Write) and isinstance(action.record, Head)):
        return action
    query = inner.query(address_of(action.record).pk, "K#", values=False)
    stamps = add_stamps(action.record.stamps, (), (each for each in query if isinstance(each, KeyState)))
    return Write(action.record._replace(stamps=stamps), action.expected)
