"""The state of a key, read so that its two records belong together, and of a namespace that may be written to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from configsvc.model.errors import Conflict
from configsvc.model.names import Key, Namespace
from configsvc.model.retry import Backoff
from configsvc.service.engine import records
from configsvc.service.engine.access import FoundRecords, find_live_head, find_record
from configsvc.service.engine.ports import LostRace, ServicePorts, StampCheck
from configsvc.service.engine.records import Head, KeyState, Record, RecordAddress, StoredSettings
from configsvc.service.engine.snapshot import contended_reading

_BACKOFF = Backoff(first=0.02, most=0.5)
"""Of a reading that met a write."""


class KnownKey(NamedTuple):
    """What was found of a key: its `K#` and its `U#`."""

    namespace: Namespace
    key: Key
    served: KeyState | None
    unserved: KeyState | None

    @property
    def state(self) -> KeyState | None:
        """What the key is; None when nothing was ever put under it, or it was purged."""
        return self.served or self.unserved

    @property
    def conditions(self) -> tuple[StampCheck, StampCheck] | tuple[()]:
        """What shows that the key was as it was found, where nothing was served; a `K#` is one record and shows it."""
        return () if self.served else (self.not_served, self.as_unserved)

    @property
    def not_served(self) -> StampCheck:
        """That there is no `K#`."""
        return StampCheck(records.key(self.namespace, self.key), None)

    @property
    def as_unserved(self) -> StampCheck:
        """That its `U#` is as it was found."""
        return StampCheck(
            records.unserved_key(self.namespace, self.key), self.unserved.revision if self.unserved else None
        )


def key_addresses(namespace: Namespace, key: Key) -> tuple[RecordAddress, RecordAddress]:
    """What is read to know it."""
    return records.key(namespace, key), records.unserved_key(namespace, key)


def find_key(found: FoundRecords, namespace: Namespace, key: Key) -> KnownKey:
    """What was found of a key."""
    served, unserved = (find_record(found, at, KeyState) for at in key_addresses(namespace, key))
    return KnownKey(namespace, key, served, unserved)


def read_together(
    ports: ServicePorts, found: FoundRecords, wanted: Sequence[RecordAddress], namespace: Namespace, key: Key
) -> FoundRecords:
    """What was found, if the key is served; else all that is wanted, read again in one transaction.

    Raises:
        Contended: others write there all the time.
        Unavailable: the store failed.
    """
    return found if records.key(namespace, key) in found else read_at_one_moment(ports, wanted)


def read_at_one_moment(ports: ServicePorts, wanted: Sequence[RecordAddress]) -> FoundRecords:
    """All that is wanted, at most 100 records of at most 4 MB, as it stood at one moment; tried until the deadline.

    Every write of the namespace is at HEAD, so beside many of them a reading meets several in a row.

    Raises:
        Contended: others write there all the time.
        Unavailable: the store failed.
    """
    tried = 0
    while True:
        tried += 1
        try:
            return ports.repository.together(wanted)
        except LostRace:
            if not ports.pause(ports.chance.uniform(_BACKOFF.longest(tried))):
                raise contended_reading() from None


def collect_states(found: Iterable[Record]) -> list[KeyState]:
    """The state of each key among `K#` and `U#`, in order of key."""
    states = [each for each in found if isinstance(each, KeyState)]
    unserved = {state.key: state for state in states if state.entry is None}
    served = {state.key: state for state in states if state.entry}
    return [state for _, state in sorted({**unserved, **served}.items())]


class Writable(NamedTuple):
    """What every write of a namespace rests on."""

    head: Head
    settings: StoredSettings

    @property
    def condition(self) -> StampCheck:
        """That the settings are still these when it commits."""
        return StampCheck(records.address_of(self.settings), self.settings.revision)


def writable_addresses(namespace: Namespace) -> tuple[RecordAddress, RecordAddress]:
    """What is read to know it."""
    return (records.head(namespace), records.settings(namespace))


def require_writable(found: FoundRecords, namespace: Namespace) -> Writable:
    """HEAD and settings.

    Raises:
        Conflict: the namespace is read-only.
        LostRace: it came or went while it was read.
    """
    head, settings = find_live_head(found, namespace), find_record(found, records.settings(namespace), StoredSettings)
    if head is None or settings is None:
        raise LostRace(writable_addresses(namespace))
    if settings.read_only:
        raise read_only_refusal(namespace)
    return Writable(head, settings)


def read_only_refusal(namespace: Namespace) -> Conflict:
    """The refusal of a write to a namespace that takes none."""
    return Conflict(
        f"{namespace} is read-only. An administrator can change that: "
        f"configsvc namespace set {namespace} --no-read-only"
    )
