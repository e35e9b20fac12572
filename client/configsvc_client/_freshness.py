"""When the next refresh is due: pure. Age is by wall or monotonic time, whichever is more, and never negative."""

from __future__ import annotations

import math

from configsvc.model.record import Record
from configsvc_client._ports import Chance, Moment

_MOST_INTERVALS = 5
_SPREAD = 0.1


def age(since: Moment, now: Moment) -> float:
    """Seconds passed, by the clock that says more; 0 where both went backwards."""
    return max(0.0, now.wall - since.wall, now.monotonic - since.monotonic)


class Pace(Record):
    """How often to ask and how long what is held may serve, in seconds."""

    interval: float
    max_stale: float = math.inf


class Window(Record):
    """From when, and until when by whichever clock is first, what is held is read without asking."""

    since: Moment
    until: Moment


NEVER = Window(Moment(math.inf, math.inf), Moment(-math.inf, -math.inf))


class Freshness(Record):
    """When what is held was last confirmed, and from when on for how long nothing is tried."""

    confirmed: Moment
    since: Moment
    quiet: float
    failures: int = 0

    def due(self, now: Moment) -> bool:
        """Whether to try a refresh."""
        return age(self.since, now) >= self.quiet

    def expired(self, now: Moment, pace: Pace) -> bool:
        """Whether what is held is older than it may be."""
        return age(self.confirmed, now) > pace.max_stale

    def window(self, now: Moment, pace: Pace) -> Window:
        """From now on, for as long as it is neither due nor expired: all that a read compares."""
        open_for = min(self.left(now), pace.max_stale - age(self.confirmed, now))
        return Window(now, Moment(now.wall + open_for, now.monotonic + open_for))

    def left(self, now: Moment) -> float:
        """Seconds until a refresh is due."""
        return self.quiet - age(self.since, now)

    def failed(self, now: Moment, pace: Pace, chance: Chance, retry_after: float | None = None) -> Freshness:
        """After a refresh that failed: what is held is as old as it was.

        Where the service says when to come back, that is when; else full jitter, up to 2, 4, then at most 5 intervals,
        or one, where what is held would expire within five.
        """
        failures = self.failures + 1
        longest = _MOST_INTERVALS * pace.interval
        near = age(self.confirmed, now) + longest > pace.max_stale
        quiet = chance() * (pace.interval if near else min(longest, pace.interval * 2.0 ** min(failures, 5)))
        if retry_after is not None:
            quiet = max(quiet, told(retry_after, longest, chance))
        return self._replace(since=now, quiet=quiet, failures=failures)

    def scattered(self, now: Moment, chance: Chance) -> Freshness:
        """After a fork: due at a random time before it would be, so that copies of one process do not ask together."""
        return self._replace(since=now, quiet=chance() * max(0.0, self.left(now)))

    def over(self, now: Moment) -> Freshness:
        """Due now: after a restore nothing is known of how much time passed."""
        return self._replace(since=now, quiet=0.0)


def confirmed(now: Moment, pace: Pace, chance: Chance) -> Freshness:
    """After a refresh that succeeded: due again after the interval, give or take a tenth, so a fleet spreads."""
    quiet = pace.interval * (1 - _SPREAD + 2 * _SPREAD * chance())
    return Freshness(now, now, min(quiet, pace.max_stale))


def partly_confirmed(now: Moment, since: Moment, pace: Pace, chance: Chance, retry_after: float | None) -> Freshness:
    """After a refresh that confirmed some namespaces and not all: as old as the oldest, and due as if all was well."""
    fresh = confirmed(now, pace, chance)
    quiet = (
        fresh.quiet
        if retry_after is None
        else max(fresh.quiet, told(retry_after, _MOST_INTERVALS * pace.interval, chance))
    )
    return fresh._replace(confirmed=since, quiet=quiet)


def saved(at: float, now: Moment, pace: Pace, chance: Chance, retry_after: float | None) -> Freshness:
    """After the fallback file was loaded: as old as the file, and the service is asked again as after a failure."""
    old = max(0.0, now.wall - at)
    since = Moment(now.wall - old, now.monotonic - old)
    return Freshness(since, now, 0.0).failed(now, pace, chance, retry_after)


def told(retry_after: float, longest: float, chance: Chance) -> float:
    """Seconds to stay away when told how long: that and up to a tenth more, but never longer than `longest`."""
    return min(retry_after, longest / (1 + _SPREAD)) * (1 + _SPREAD * chance())
