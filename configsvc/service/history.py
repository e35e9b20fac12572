"""What was served at an earlier revision, told backwards from what is served now. Pure.

What the log above a revision says together (summaries) names, of each key that was set since, the version that was
active before. A key that it does not name serves now what it served then. Nothing before the revision is needed; of a
key that serves nothing now, or of which nothing is kept, the log alone tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import NamedTuple

from configsvc.model.names import Key
from configsvc.service.records import KeyState, LogRecord
from configsvc.service.summaries import Summary

LIFT = "lift"
"""The verb of a record that may leave revisions out before it: revision and floor were raised after a restore."""


class Past(NamedTuple):
    """What a revision served: the served revision that it had, and the active version of each key, in order of key."""

    served: int
    active: Mapping[Key, int]


def now(served: int, states: Iterable[KeyState]) -> Past:
    """What the keys serve as they are."""
    return Past(served, {state.key: state.active for state in states if state.active is not None})


def past(at: LogRecord, states: Iterable[KeyState], later: Summary) -> Past:
    """What the revision of `at` served; `later` is all that the log says above it, up to the revision of `states`."""
    active = {state.key: state.active for state in states}
    active |= {key: each.was for key, each in later.keys.items() if each.changed}
    return Past(at.served, {key: version for key, version in sorted(active.items()) if version is not None})


def follows(after: int, record: LogRecord) -> bool:
    """Whether nothing is missing between a revision and a record: each revision has one, but those a lift left out."""
    if record.revision == after + 1:
        return True
    if record.verb != LIFT or record.revision <= after:
        return False
    return after >= _last_before(record.details)


def _last_before(details: Mapping[str, object]) -> float:
    """The last revision before a lift: HEAD's, or where somebody else had changed HEAD, what the lift found instead."""
    match details:
        case {"check": {"differences": [{"what": "revision", "found": int(found)}, *_]}}:
            return found
        case {"was": {"revision": int(revision)}}:
            return revision
        case _:
            return inf
