"""A clock that stands until it is told to go on."""

from __future__ import annotations

from configsvc_client._ports import ClockReading


class FakeClock:
    """Both clocks in seconds: `at` since the epoch, `up` since some start. `pauses` are the waits that were asked for.

    Waiting takes no time, and the clock goes on by as much.
    """

    def __init__(self, at: float = 1_700_000_000.0, up: float = 1_000.0) -> None:
        self.at = at
        self.up = up
        self.pauses: list[float] = []

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self.at

    def monotonic(self) -> float:
        """Seconds since some start."""
        return self.up

    def now(self) -> ClockReading:
        """Both clocks."""
        return ClockReading(self.at, self.up)

    def pause(self, seconds: float) -> None:
        """Takes note of the wait, and goes on."""
        self.pauses.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Goes on."""
        self.at += seconds
        self.up += seconds
