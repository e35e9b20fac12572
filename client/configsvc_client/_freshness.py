"""When the next refresh is due: pure. Age is by wall or monotonic time, whichever is more, and never negative."""

from __future__ import annotations

import math

from configsvc.model.record import Record
from configsvc_client._ports import Chance, ClockReading

_MOST_INTERVALS = 5
_SPREAD = 0.1


def age(since: ClockReading, now: ClockReading) -> float:
    """Returns the seconds that passed, by the clock that shows more; 0 if both went backwards."""
    return max(0.0, now.wall - since.wall, now.monotonic - since.monotonic)


class Pace(Record):
    """How often to poll, and how long values may be served without a refresh, in seconds."""

    poll_seconds: float
    max_stale_seconds: float = math.inf


class Window(Record):
    """The time in which values are read without a refresh. It ends when either clock reaches `until`."""

    since: ClockReading
    until: ClockReading


NEVER = Window(ClockReading(math.inf, math.inf), ClockReading(-math.inf, -math.inf))


class Freshness(Record):
    """When the values were last confirmed, and since when and for how long no refresh is tried."""

    confirmed: ClockReading
    since: ClockReading
    quiet: float

    def due(self, now: ClockReading) -> bool:
        """Whether to try a refresh."""
        return age(self.since, now) >= self.quiet

    def expired(self, now: ClockReading, pace: Pace) -> bool:
        """Whether the values are older than they may be."""
        return age(self.confirmed, now) > pace.max_stale_seconds

    def window(self, now: ClockReading, pace: Pace) -> Window:
        """The time from now until it is due or expires: all that a read compares."""
        open_for = min(self.seconds_left(now), pace.max_stale_seconds - age(self.confirmed, now))
        return Window(now, ClockReading(now.wall + open_for, now.monotonic + open_for))

    def overdue(self, now: ClockReading, pace: Pace, seconds: float) -> bool:
        """Whether the values have expired, or are so old that a reader waits for a refresh of that many seconds."""
        return age(self.confirmed, now) > (1 + _SPREAD) * pace.poll_seconds + seconds or self.expired(now, pace)

    def seconds_left(self, now: ClockReading) -> float:
        """Seconds until a refresh is due."""
        return self.quiet - age(self.since, now)

    def note_failure(
        self, now: ClockReading, pace: Pace, chance: Chance, retry_after: float | None = None
    ) -> Freshness:
        """Returns the freshness after a refresh that failed: the age stays, and the next one is due in one interval.

        So an outage costs no more requests than normal operation, and its end is noticed as soon. If the values would
        expire before that, the interval is not drawn longer. A Retry-After of the service is obeyed.
        """
        near = age(self.confirmed, now) + (1 + _SPREAD) * pace.poll_seconds > pace.max_stale_seconds
        quiet = pace.poll_seconds * (1 - _SPREAD * chance()) if near else _draw_interval(pace, chance)
        return self._replace(since=now, quiet=max(quiet, _draw_retry_after(pace, chance, retry_after)))

    def scatter(self, now: ClockReading, chance: Chance) -> Freshness:
        """Makes it due at a random earlier time after a fork, so that copies of one process do not poll together."""
        return self._replace(since=now, quiet=chance() * max(0.0, self.seconds_left(now)))

    def make_due(self, now: ClockReading) -> Freshness:
        """Makes it due now, because it is unknown how much time passed before a restore."""
        return self._replace(since=now, quiet=0.0)


UNHELD = Freshness(ClockReading(-math.inf, -math.inf), ClockReading(-math.inf, -math.inf), 0.0)
"""Before the first load: due, and of infinite age."""


def make_confirmed(now: ClockReading, pace: Pace, chance: Chance) -> Freshness:
    """Returns the freshness after a refresh that succeeded."""
    return Freshness(now, now, _draw_interval_if_well(pace, chance))


def make_partly_confirmed(
    now: ClockReading, since: ClockReading, pace: Pace, chance: Chance, retry_after: float | None
) -> Freshness:
    """Returns the freshness after a refresh that confirmed only some namespaces: the age is that of the oldest."""
    return Freshness(
        since, now, max(_draw_interval_if_well(pace, chance), _draw_retry_after(pace, chance, retry_after))
    )


def make_saved(at: float, now: ClockReading, pace: Pace, chance: Chance, retry_after: float | None) -> Freshness:
    """Returns the freshness of a fallback file: as old as the file, and due as after a failure."""
    old = max(0.0, now.wall - at)
    since = ClockReading(now.wall - old, now.monotonic - old)
    return UNHELD._replace(confirmed=since).note_failure(now, pace, chance, retry_after)


def _draw_interval(pace: Pace, chance: Chance) -> float:
    """Seconds until the next refresh: an interval, give or take a tenth, so that a fleet spreads."""
    return pace.poll_seconds * (1 - _SPREAD + 2 * _SPREAD * chance())


def _draw_interval_if_well(pace: Pace, chance: Chance) -> float:
    """Seconds until the next refresh after one that succeeded: no later than the values expire."""
    return min(_draw_interval(pace, chance), pace.max_stale_seconds)


def _draw_retry_after(pace: Pace, chance: Chance, retry_after: float | None) -> float:
    """Seconds to stay away when the service says how long: that and up to a tenth more, at most five intervals."""
    longest = _MOST_INTERVALS * pace.poll_seconds
    return 0.0 if retry_after is None else min(retry_after, longest / (1 + _SPREAD)) * (1 + _SPREAD * chance())
