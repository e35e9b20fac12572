"""What retention lets go. Pure.

A version goes when enough newer ones are kept and no revision in the log served it. So the log goes first, oldest
first: what only its records needed is let go after them, and whatever stops in between has taken away nothing that
time travel still needs.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile

from configsvc.service.records import LogRecord, Version
from configsvc.service.summaries import Ranges, includes

DAY = 24 * 3600


def outdated(log: Iterable[LogRecord], head: int, before: float) -> Iterable[LogRecord]:
    """The beginning of the log that was written before a moment, in seconds since the epoch.

    Never HEAD's record, and never the newest: where somebody raised HEAD, that one alone tells the last revision.
    """
    older = (record for record, _newer in pairwise(log))
    return takewhile(lambda record: record.revision < head and seconds(record.at) < before, older)


def beyond(stored: Sequence[Version], kept: int, served: Ranges) -> list[Version]:
    """Of all versions of a key in order, those before the newest `kept` that no revision in the log served."""
    old = stored[: max(0, len(stored) - kept)]
    return [version for version in old if not includes(served, version.entry.version)]


def seconds(at: str) -> float:
    """Seconds since the epoch of a moment in the log, its milliseconds left off."""
    date, _, time = at.partition("T")
    year, month, day = (int(part) for part in date.split("-"))
    hour, minute, second = (int(part) for part in time[:8].split(":"))
    return float(timegm((year, month, day, hour, minute, second)))
