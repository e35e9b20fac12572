"""Faults and durations, all drawn from the seed."""

from __future__ import annotations

import random
from typing import NamedTuple

BEAT = 10.0
"""Seconds between the moments at which many act at once."""


class Climate(NamedTuple):
    """The rate of each fault, as a share of the calls that it can affect."""

    lost: float = 0.01
    unanswered: float = 0.015
    twice: float = 0.01
    refused: float = 0.005
    throttled: float = 0.01
    silent: float = 0.004
    late: float = 0.05
    frozen: float = 0.005
    died: float = 0.004
    kms_down: float = 0.03
    slow: float = 0.02


CALM = Climate(*[0.0] * len(Climate._fields))


class Weather:
    """Draws. `calm` ends all faults."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311  # repeatable draws are the purpose
        share = self.draw.choice((0.3, 1.0, 2.5))
        self.climate = Climate(*(share * rate for rate in Climate()))

    def calm(self) -> Climate:
        """Ends all faults; returns the previous climate."""
        before, self.climate = self.climate, CALM
        return before

    def happens(self, rate: float) -> bool:
        """Whether a fault of this rate happens now."""
        return self.draw.random() < rate

    def draw_between(self, least: float, most: float) -> float:
        """Seconds."""
        return least + (most - least) * self.draw.random()

    def draw_meeting(self, moment: float) -> float:
        """A moment; half of the time a later one at which others act too."""
        if self.happens(0.5):
            return moment
        return moment + BEAT - moment % BEAT + self.draw_between(0.0, 0.05)

    def takes(self, usual: float) -> float:
        """Draws a duration around the usual one; sometimes fifty times as long."""
        return usual * (0.5 + self.draw.random()) * (50 if self.happens(self.climate.slow) else 1)
