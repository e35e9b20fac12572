"""Whether a history of one namespace is linearizable, without a search: every write says which revision it made.

So the order of the writes is known, and only real time is left to check, in O(n log n): each revision has a point
between the start and the end of its write, points rise with revisions, and whoever reads sees all points before it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

Row = tuple[str, str, int | None, int | None]
"""A key in a change set: key, op, version, and the version that is active then."""


class Written(NamedTuple):
    """A change set that was acknowledged with its revision, or is in the log though nobody was told (end: infinity).

    `bases` are the preconditions that it had: each key with the revision it was to be at.
    """

    start: float
    end: float
    revision: int
    rows: tuple[Row, ...]
    bases: Mapping[str, int]


class Seen(NamedTuple):
    """A snapshot: its served revision, and the active version of each key."""

    start: float
    end: float
    served: int
    active: Mapping[str, int]


class Refused(NamedTuple):
    """A change set that was refused because a key was not at the revision it was to be at."""

    start: float
    end: float
    key: str
    base: int


class History(NamedTuple):
    """All that was done after revision `first`, at which nothing was there."""

    first: int
    written: Sequence[Written]
    seen: Sequence[Seen]
    refused: Sequence[Refused]


class NotLinearizable(AssertionError):
    """No order of the history explains it."""


class _Replay(NamedTuple):
    served: list[int]
    active: dict[int, dict[str, int]]
    touched: dict[str, list[int]]


def check(history: History) -> None:
    """Raises NotLinearizable."""
    written = sorted(history.written, key=lambda each: each.revision)
    revisions = [each.revision for each in written]
    _demand(revisions == list(range(history.first + 1, history.first + 1 + len(written))), "a revision twice, or a gap")
    replay = _replayed(history.first, written)
    for seen in history.seen:
        _demand(replay.active.get(seen.served) == seen.active, f"a snapshot of {seen.served} that never was")
    earliest = {each.revision: each.start for each in written}
    latest = {each.revision: each.end for each in written}
    _bound(history.seen, replay, earliest, latest)
    _walk(revisions, earliest, latest)
    for refused in history.refused:
        _check_refused(refused, replay.touched[refused.key], earliest, latest)


def _demand(holds: bool, why: str) -> None:  # noqa: FBT001  # the condition is what it is about
    if not holds:
        raise NotLinearizable(why)


def _replayed(first: int, written: Iterable[Written]) -> _Replay:
    """Each write on the state that the one before it left: with the version that is next, its precondition holding."""
    replay = _Replay([first], {first: {}}, defaultdict(list))
    latest: dict[str, int] = {}
    active: dict[str, int] = {}
    for each in written:
        was = dict(active)
        for key, op, version, now in each.rows:
            touched = replay.touched[key]
            _demand(key not in each.bases or touched[-1:] == [each.bases[key]], f"{each.revision} lost an update")
            if op == "put":
                _demand(version == latest.get(key, 0) + 1, f"version {version} at {each.revision} is not the next")
                latest[key] = latest.get(key, 0) + 1
            _demand(op != "delete" or key in active, f"{each.revision} deleted what was not served")
            touched.append(each.revision)
            active = {**active, key: now} if now else {other: v for other, v in active.items() if other != key}
        if active != was:
            replay.served.append(each.revision)
            replay.active[each.revision] = active
    return replay


def _bound(seen: Iterable[Seen], replay: _Replay, earliest: dict[int, float], latest: dict[int, float]) -> None:
    """Who read a revision was there after its point and before that of the next one that readers can tell from it."""
    for each in seen:
        if each.served in latest:
            latest[each.served] = min(latest[each.served], each.end)
        follows = bisect_right(replay.served, each.served)
        if follows < len(replay.served):
            later = replay.served[follows]
            earliest[later] = max(earliest[later], each.start)


def _walk(revisions: Sequence[int], earliest: dict[int, float], latest: dict[int, float]) -> None:
    """Forwards each point as early as may be, backwards each as late."""
    now = -inf
    for revision in revisions:
        now = earliest[revision] = max(now, earliest[revision])
        _demand(now <= latest[revision], f"revision {revision} was seen after it was over")
    then = inf
    for revision in reversed(revisions):
        then = latest[revision] = min(then, latest[revision])


def _check_refused(
    refused: Refused, touched: Sequence[int], earliest: Mapping[int, float], latest: Mapping[int, float]
) -> None:
    """Legal only if the key may have been elsewhere at some instant of the call."""
    place = bisect_right(touched, refused.base)
    before = latest[refused.base] < refused.start if refused.base in latest else refused.base in touched
    after = place == len(touched) or earliest[touched[place]] > refused.end
    _demand(not (refused.base in touched and before and after), f"{refused.key} was at {refused.base} all the time")
