"""What was served at an earlier revision, told backwards from what is served now. Pure.

Each record of the change log says which version of a key was active before it and which is since. So of the records
above a revision, the first that names a key tells what the key served at that revision; a key that none of them names
serves now what it served then. Nothing before the revision is needed, and all records after it are: a key that serves
nothing now, or of which nothing is kept, is named there alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from configsvc.model.names import Key
from configsvc.service.records import KeyState, LogRecord

LIFT = "lift"
"""The verb of a record that may leave revisions out before it: revision and floor were raised after a restore."""


class Past(NamedTuple):
    """What a revision served: the served revision that it had, and the active version of each key, in order of key."""

    served: int
    active: Mapping[Key, int]


def now(served: int, states: Iterable[KeyState]) -> Past:
    """What the keys serve as they are."""
    return Past(served, {state.key: state.active for state in states if state.active is not None})


def past(at: LogRecord, states: Iterable[KeyState], later: Iterable[LogRecord], until: int) -> Past | None:
    """What the revision of `at` served.

    Args:
        at: its record.
        states: all keys that serve something at the revision `until`.
        later: the records above `at`, in order; none above `until` is read.
        until: the last revision that counts.

    None when records are missing between: they were being written, or pruned, while they were read.
    """
    was = _before(at, later, until)
    if was is None:
        return None
    active = {**{state.key: state.active for state in states}, **was}
    return Past(at.served, {key: version for key, version in sorted(active.items()) if version is not None})


def _before(at: LogRecord, later: Iterable[LogRecord], until: int) -> dict[Key, int | None] | None:
    was: dict[Key, int | None] = {}
    revision = at.revision
    records = unbroken(revision, later)
    while revision < until:
        record = next(records, None)
        if record is None:
            return None
        revision = record.revision
        for change in record.changes:
            was.setdefault(change.key, change.was)
    return was


def unbroken(after: int, later: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """The records as long as none is missing between them."""
    for record in later:
        if not follows(after, record):
            return
        after = record.revision
        yield record


def follows(after: int, record: LogRecord) -> bool:
    """Whether nothing is missing between a revision and a record: each revision has one, but those a lift left out."""
    if record.verb != LIFT:
        return record.revision == after + 1
    was = record.details["was"]
    return isinstance(was, Mapping) and after >= was["revision"]
