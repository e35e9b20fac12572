"""Reads the two records of a key so that they belong together, and the state of a namespace that takes writes."""

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
from configsvc.service.engine.snapshot import build_contended_reading

_BACKOFF = Backoff(first=0.02, most=0.5)
"""Applies when a read met a write."""


class KnownKey(NamedTuple):
    """The records of a key as they were read: its `K#` and its `U#`."""

    namespace: Namespace
    key: Key
    served: KeyState | None
    unserved: KeyState | None

    @property
    def state(self) -> KeyState | None:
        """The state of the key; None if it was never written, or was purged."""
        return self.served or self.unserved

    @property
    def conditions(self) -> tuple[StampCheck, StampCheck] | tuple[()]:
        """The checks that an unserved key is as it was read; none for a served key, whose `K#` is checked by itself."""
        return () if self.served else (self.not_served, self.as_unserved)

    @property
    def not_served(self) -> StampCheck:
        """The check that there is no `K#`."""
        return StampCheck(records.key(self.namespace, self.key), None)

    @property
    def as_unserved(self) -> StampCheck:
        """The check that its `U#` is as it was read."""
        return StampCheck(
            records.unserved_key(self.namespace, self.key), self.unserved.revision if self.unserved else None
        )


def list_key_addresses(namespace: Namespace, key: Key) -> tuple[RecordAddress, RecordAddress]:
    """Returns the addresses of both records of a key."""
    return records.key(namespace, key), records.unserved_key(namespace, key)


def find_key(found: FoundRecords, namespace: Namespace, key: Key) -> KnownKey:
    """Returns the records of a key among those that were read."""
    served, unserved = (find_record(found, at, KeyState) for at in list_key_addresses(namespace, key))
    return KnownKey(namespace, key, served, unserved)


def read_together(
    ports: ServicePorts, found: FoundRecords, wanted: Sequence[RecordAddress], namespace: Namespace, key: Key
) -> FoundRecords:
    """Returns the given records if the key is served; otherwise reads them all again in one transaction.

    Raises:
        Contended: there are too many concurrent writes.
        Unavailable: the store failed.
    """
    return found if records.key(namespace, key) in found else read_at_one_moment(ports, wanted)


def read_at_one_moment(ports: ServicePorts, wanted: Sequence[RecordAddress]) -> FoundRecords:
    """Reads at most 100 records of at most 4 MB as of one moment, and retries until the deadline.

    Every write of a namespace touches its HEAD, so during many writes several reads in a row may fail.

    Raises:
        Contended: there are too many concurrent writes.
        Unavailable: the store failed.
    """
    tried = 0
    while True:
        tried += 1
        try:
            return ports.repository.get_together(wanted)
        except LostRace:
            if not ports.pause(ports.chance.uniform(_BACKOFF.longest(tried))):
                raise build_contended_reading() from None


def collect_states(found: Iterable[Record]) -> list[KeyState]:
    """Returns the state of each key among `K#` and `U#`, in order of key."""
    states = [each for each in found if isinstance(each, KeyState)]
    unserved = {state.key: state for state in states if state.entry is None}
    served = {state.key: state for state in states if state.entry}
    return [state for _, state in sorted({**unserved, **served}.items())]


class Writable(NamedTuple):
    """The records that every write of a namespace depends on."""

    head: Head
    settings: StoredSettings

    @property
    def condition(self) -> StampCheck:
        """The check that the settings have not changed when the write commits."""
        return StampCheck(records.address_of(self.settings), self.settings.revision)


def list_writable_addresses(namespace: Namespace) -> tuple[RecordAddress, RecordAddress]:
    """Returns the addresses of HEAD and the settings."""
    return (records.head(namespace), records.settings(namespace))


def require_writable(found: FoundRecords, namespace: Namespace) -> Writable:
    """Returns HEAD and the settings.

    Raises:
        Conflict: the namespace is read-only.
        LostRace: it was created or deleted during the read.
    """
    head, settings = find_live_head(found, namespace), find_record(found, records.settings(namespace), StoredSettings)
    if head is None or settings is None:
        raise LostRace(list_writable_addresses(namespace))
    if settings.read_only:
        raise build_read_only_refusal(namespace)
    return Writable(head, settings)


def build_read_only_refusal(namespace: Namespace) -> Conflict:
    """Returns the refusal of a write to a read-only namespace."""
    return Conflict(
        f"{namespace} is read-only. An administrator can change that: "
        f"configsvc namespace set {namespace} --no-read-only"
    )
