"""The way back of a whole namespace: what to activate and delete so that it serves again what it served once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.change_set import Activate, Delete, stored_bytes
from configsvc.model.entry import Entry
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import SealedSnapshot


class Step(NamedTuple):
    """One key: the version that is served and the one that was; None where nothing is or was. `size` in bytes."""

    key: Key
    now: int | None
    then: int | None
    size: int

    @property
    def change(self) -> Activate | Delete:
        """The operation that does it."""
        return Delete(self.key) if self.then is None else Activate(self.key, self.then)


class WayBack(NamedTuple):
    """The steps from the revision of the namespace at which they were found; they hold for no other."""

    namespace: Namespace
    revision: int
    steps: tuple[Step, ...]


def steps(now: SealedSnapshot, then: SealedSnapshot) -> tuple[Step, ...]:
    """What differs by version, in the order of the keys. Nothing is opened: a version never changes."""
    here, there = _by_key(now), _by_key(then)
    found = (_step(key, here.get(key), there.get(key)) for key in sorted(here.keys() | there.keys()))
    return tuple(each for each in found if each.now != each.then)


def split(steps: Iterable[Step]) -> list[tuple[Step, ...]]:
    """Change sets of at most 40 operations and 1 MiB of values that are activated."""
    groups: list[list[Step]] = []
    size = 0
    for step in steps:
        size += step.size
        if not groups or len(groups[-1]) == limits.OPERATIONS or size > limits.CHANGE_SET_BYTES:
            groups.append([])
            size = step.size
        groups[-1].append(step)
    return [tuple(group) for group in groups]


def _step(key: Key, now: Entry | None, then: Entry | None) -> Step:
    size = stored_bytes(then.value) if then else 0
    return Step(key, now.version if now else None, then.version if then else None, size)


def _by_key(snapshot: SealedSnapshot) -> dict[Key, Entry]:
    return {entry.key: entry for entry in snapshot.entries}
