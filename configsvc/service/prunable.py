"""What retention lets go. Pure.

A version goes when enough newer ones are kept and no revision in the log served it. So the log goes first, oldest
first: what only its records needed is let go after them, and whatever stops in between has taken away nothing that
time travel still needs.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from configsvc.model.names import Key
from configsvc.service.history import unbroken
from configsvc.service.records import LogRecord, Version

DAY = 24 * 3600


class Served(NamedTuple):
    """Versions that revisions of the log served and that are served no more, by key; and what the log comes to."""

    revision: int
    versions: Mapping[Key, set[int]]


def outdated(log: Iterable[LogRecord], head: int, before: float) -> Iterable[LogRecord]:
    """The beginning of the log that was written before a moment, in seconds since the epoch.

    Never HEAD's record, and never the newest: where somebody raised HEAD, that one alone tells the last revision.
    """
    older = (record for record, _newer in pairwise(log))
    return takewhile(lambda record: record.revision < head and seconds(record.at) < before, older)


def served(log: Iterable[LogRecord]) -> Served:
    """What was served and is no more, as far as no record is missing.

    What a revision served is served still, or a later record says that it was. What the oldest record says was is of
    a revision before it, which is no longer in the log.
    """
    records = iter(log)
    versions: dict[Key, set[int]] = {}
    first = next(records, None)
    if first is None:
        return Served(0, versions)
    revision = first.revision
    for record in unbroken(first.revision, records):
        revision = record.revision
        for change in record.changes:
            if change.was is not None:
                versions.setdefault(change.key, set()).add(change.was)
    return Served(revision, versions)


def beyond(stored: Sequence[Version], kept: int, needed: set[int]) -> list[Version]:
    """Of all versions of a key in order, those before the newest `kept` that are not needed."""
    return [version for version in stored[: max(0, len(stored) - kept)] if version.entry.version not in needed]


def seconds(at: str) -> float:
    """Seconds since the epoch of a moment in the log, its milliseconds left off."""
    date, _, time = at.partition("T")
    year, month, day = (int(part) for part in date.split("-"))
    hour, minute, second = (int(part) for part in time[:8].split(":"))
    return float(timegm((year, month, day, hour, minute, second)))
