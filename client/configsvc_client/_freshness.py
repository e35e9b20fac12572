"""When the next refresh is due: pure. Age is by wall or monotonic time, whichever is more, and never negative."""

from __future__ import annotations

from typing import NamedTuple

from configsvc_client._ports import Chance, Moment

_MOST_INTERVALS = 5
_SPREAD = 0.1


def age(since: Moment, now: Moment) -> float:
    """Seconds passed, by the clock that says more; 0 where both went backwards."""
    return max(0.0, now.wall - since.wall, now.monotonic - since.monotonic)


class Freshness(NamedTuple):
    """When what is held was last confirmed, and from when on for how long nothing is tried."""

    confirmed: Moment
    since: Moment
    quiet: float
    failures: int = 0

    def due(self, now: Moment) -> bool:
        """Whether to try a refresh."""
        return age(self.since, now) >= self.quiet

    def window(self, now: Moment) -> tuple[float, float]:
        """The wall times, from one up to another, between which nothing is due: all that a read has to compare."""
        return now.wall, now.wall + self.quiet - age(self.since, now)

    def failed(self, now: Moment, interval: float, chance: Chance) -> Freshness:
        """After a refresh that failed: what is held is as old as it was."""
        failures = self.failures + 1
        return self._replace(since=now, quiet=backoff(failures, interval, chance), failures=failures)


def confirmed(now: Moment, interval: float, chance: Chance) -> Freshness:
    """After a refresh that succeeded: due again after the interval, give or take a tenth, so a fleet spreads."""
    return Freshness(now, now, interval * (1 - _SPREAD + 2 * _SPREAD * chance()))


def backoff(failures: int, interval: float, chance: Chance) -> float:
    """Seconds to wait after that many failures: full jitter up to 2, 4, then at most 5 intervals."""
    return chance() * min(_MOST_INTERVALS * interval, interval * 2.0 ** min(failures, _MOST_INTERVALS))
