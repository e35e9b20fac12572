"""Two sides that are compared."""

from __future__ import annotations

from typing import NamedTuple

from bench.gates import Row, format_duration
from bench.measure import Sides


class Pair(NamedTuple):
    """A row to measure: its name, our side, their side with its description, and the highest ratio allowed."""

    name: str
    ours: str
    theirs: str
    words: str
    gate: float | None = None
    stretch: float | None = None

    def row(self, times: Sides) -> Row:
        """The row, once both sides ran."""
        ours, theirs = (format_duration(times.median(side)) for side in (self.ours, self.theirs))
        ratio = times.ratio(self.ours, self.theirs)
        return Row(self.name, ratio, ours, f"{self.words} {theirs}", self.gate, self.stretch)
