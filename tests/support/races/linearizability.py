"""Decides whether a history of one namespace is linearizable, without a search: each write has its revision.

So the order of the writes is known, and only real time is left to check, in O(n log n): each revision has a point
between the start and the end of its write, points rise with revisions, and a read sees all points before it.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Literal, NamedTuple

Row = tuple[str, str, int | None, int | None]
"""A key in a change set: key, op, version, and its active version afterwards."""

Base = int | Literal["served", "unserved"]
"""A precondition: the revision that last touched the key, or whether the key is served."""

NAMESPACE = ""
"""Stands for the namespace itself, which every revision touches, where a key is expected."""


class Written(NamedTuple):
    """A change set that was acknowledged with its revision, or is in the log without an answer (end: infinity).

    `bases` are its preconditions, by key.
    """

    start: float
    end: float
    revision: int
    rows: tuple[Row, ...]
    bases: Mapping[str, Base]


class Seen(NamedTuple):
    """A snapshot: its served revision, and the active version of each key."""

    start: float
    end: float
    served: int
    active: Mapping[str, int]


class Looked(NamedTuple):
    """A read of one key: the revision that last touched it, and the version that it served."""

    start: float
    end: float
    key: str
    touched: int
    version: int | None


class Refused(NamedTuple):
    """A request that was refused because a key was not at the required revision or in the required state."""

    start: float
    end: float
    key: str
    base: Base


class History(NamedTuple):
    """All operations after revision `first`, at which the namespace was empty."""

    first: int
    written: Sequence[Written]
    seen: Sequence[Seen]
    refused: Sequence[Refused]
    looked: Sequence[Looked] = ()


class NotLinearizable(AssertionError):
    """No order of the operations explains the history."""


class State(NamedTuple):
    """The state of a key from the revision that touched it until the next one that does."""

    revision: int
    version: int | None

    def holds(self, base: Base) -> bool:
        """Whether a precondition holds in this state."""
        return base == self.revision if isinstance(base, int) else (base == "served") == (self.version is not None)


class Replay(NamedTuple):
    """The writes in order: served revisions, what each serves, and the states of each key."""

    served: list[int]
    active: dict[int, dict[str, int]]
    states: dict[str, list[State]]


class _Points(NamedTuple):
    """The bounds of each revision's point in time; the first revision was there before everything."""

    earliest: dict[int, float]
    latest: dict[int, float]

    def begins(self, state: State) -> float:
        return self.earliest.get(state.revision, -inf)

    def ends(self, states: Sequence[State], place: int) -> float:
        return self.latest[states[place + 1].revision] if place + 1 < len(states) else inf


def check(history: History) -> Replay:
    """Replays the writes. Raises NotLinearizable."""
    written = sorted(history.written, key=lambda each: each.revision)
    revisions = [each.revision for each in written]
    _demand(
        revisions == list(range(history.first + 1, history.first + 1 + len(written))), "a duplicate revision, or a gap"
    )
    replay = _replay(history.first, written)
    for seen in history.seen:
        _demand(replay.active.get(seen.served) == seen.active, f"a snapshot of {seen.served} that never existed")
    points = _Points({each.revision: each.start for each in written}, {each.revision: each.end for each in written})
    _bound(history.seen, replay, points)
    for looked in history.looked:
        _look(looked, replay.states[looked.key], points)
    _walk(revisions, points)
    for refused in history.refused:
        _check_refused(refused, replay.states[refused.key], points)
    return replay


def _demand(holds: bool, why: str) -> None:  # noqa: FBT001  # it reads as an assertion
    if not holds:
        raise NotLinearizable(why)


def _replay(first: int, written: Iterable[Written]) -> Replay:
    """Replays each write on the state before it, with the next version and its precondition holding."""
    replay = Replay([first], {first: {}}, defaultdict(lambda: [State(0, None)]))
    replay.states[NAMESPACE] = [State(first, None)]
    latest: dict[str, int] = {}
    active: dict[str, int] = {}
    for each in written:
        for key, base in each.bases.items():
            _demand(replay.states[key][-1].holds(base), f"{each.revision} lost an update of {key or 'the namespace'}")
        was = dict(active)
        for key, op, version, now in each.rows:
            if op == "put":
                _demand(version == latest.get(key, 0) + 1, f"version {version} at {each.revision} is not the next")
                latest[key] = latest.get(key, 0) + 1
            _demand(op != "delete" or key in active, f"{each.revision} deleted what was not served")
            replay.states[key].append(State(each.revision, now))
            active = {**active, key: now} if now else {other: v for other, v in active.items() if other != key}
        replay.states[NAMESPACE].append(State(each.revision, None))
        if active != was:
            replay.served.append(each.revision)
            replay.active[each.revision] = active
    return replay


def _bound(seen: Iterable[Seen], replay: Replay, points: _Points) -> None:
    """Narrows the points: a read comes after the point of its revision and before that of the next it could see."""
    for each in seen:
        if each.served in points.latest:
            points.latest[each.served] = min(points.latest[each.served], each.end)
        follows = bisect_right(replay.served, each.served)
        if follows < len(replay.served):
            later = replay.served[follows]
            points.earliest[later] = max(points.earliest[later], each.start)


def _look(looked: Looked, states: Sequence[State], points: _Points) -> None:
    """Narrows the points by a read of one key."""
    place = bisect_left(states, looked.touched, key=lambda state: state.revision)
    found = states[place] if place < len(states) else None
    _demand(found == State(looked.touched, looked.version), f"{looked.key} never had the state that was read")
    if looked.touched in points.latest:
        points.latest[looked.touched] = min(points.latest[looked.touched], looked.end)
    if place + 1 < len(states):
        later = states[place + 1].revision
        points.earliest[later] = max(points.earliest[later], looked.start)


def _walk(revisions: Sequence[int], points: _Points) -> None:
    """Moves each point as early as possible going forwards, and as late as possible going backwards."""
    now = -inf
    for revision in revisions:
        now = points.earliest[revision] = max(now, points.earliest[revision])
        _demand(now <= points.latest[revision], f"revision {revision} was seen after its time")
    then = inf
    for revision in reversed(revisions):
        then = points.latest[revision] = min(then, points.latest[revision])


def _check_refused(refused: Refused, states: Sequence[State], points: _Points) -> None:
    """Accepts a refusal only if the key may have been in another state during the call."""
    places = range(len(states))
    first = bisect_left(places, refused.start, key=lambda place: points.ends(states, place))
    after = bisect_right(places, refused.end, key=lambda place: points.begins(states[place]))
    other = any(not states[place].holds(refused.base) for place in range(first, after))
    _demand(other, f"{refused.key or 'the namespace'} was {refused.base} throughout the call")
