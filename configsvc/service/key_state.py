"""The state of a key: its `K#` while something is served, else its `U#`.

The two are never read as one: a batch may meet neither while a deletion is being applied, or an old `U#` without the
`K#` that came after it. So whoever found no `K#` shows that what he found stood together: a reader by reading both in
one transaction, a writer by the conditions of his own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from configsvc.model.names import Key, Namespace
from configsvc.model.retry import Backoff
from configsvc.service import records
from configsvc.service.found import Found, one
from configsvc.service.ports import Check, LostRace, Ports
from configsvc.service.records import Address, KeyState, Record
from configsvc.service.snapshot import too_fast

_BACKOFF = Backoff(first=0.02, most=0.5)
"""Of a reading that met a write."""


class Known(NamedTuple):
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
    def conditions(self) -> tuple[Check, Check] | tuple[()]:
        """What shows that the key was as it was found, where nothing was served; a `K#` is one record and shows it."""
        return () if self.served else (self.not_served, self.as_unserved)

    @property
    def not_served(self) -> Check:
        """That there is no `K#`."""
        return Check(records.key(self.namespace, self.key), None)

    @property
    def as_unserved(self) -> Check:
        """That its `U#` is as it was found."""
        return Check(records.unserved(self.namespace, self.key), self.unserved.revision if self.unserved else None)


def addresses(namespace: Namespace, key: Key) -> tuple[Address, Address]:
    """What is read to know it."""
    return records.key(namespace, key), records.unserved(namespace, key)


def known(found: Found, namespace: Namespace, key: Key) -> Known:
    """What was found of a key."""
    served, unserved = (one(found, at, KeyState) for at in addresses(namespace, key))
    return Known(namespace, key, served, unserved)


def together(ports: Ports, found: Found, wanted: Sequence[Address], namespace: Namespace, key: Key) -> Found:
    """What was found, if the key is served; else all that is wanted, read again in one transaction.

    Raises:
        Contended: others write there all the time.
        Unavailable: the store failed.
    """
    return found if records.key(namespace, key) in found else at_one_moment(ports, wanted)


def at_one_moment(ports: Ports, wanted: Sequence[Address]) -> Found:
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
                raise too_fast() from None


def current(found: Iterable[Record]) -> list[KeyState]:
    """The state of each key among `K#` and `U#`, in order of key."""
    states = [each for each in found if isinstance(each, KeyState)]
    unserved = {state.key: state for state in states if state.entry is None}
    served = {state.key: state for state in states if state.entry}
    return [state for _, state in sorted({**unserved, **served}.items())]
