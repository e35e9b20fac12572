"""How we measure: in rounds, in each of which every side runs once; ratios are taken within a round.

A machine that is slow for a while is slow for both sides of a round; so the median of the paired ratios is what
counts, and the milliseconds are for orientation.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

Sample = Callable[[], float]
"""Runs one side once and answers its seconds (per operation, where it does many)."""


class Sides(NamedTuple):
    """Raw seconds of every round by side."""

    seconds: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        """The median of one side, in seconds."""
        return statistics.median(self.seconds[side])

    def ratio(self, ours: str, theirs: str) -> float:
        """Return the median of ours over theirs, taken round by round."""
        return statistics.median(a / b for a, b in zip(self.seconds[ours], self.seconds[theirs], strict=True))


def interleave(sides: Mapping[str, Sample], rounds: int) -> Sides:
    """Every side once a round, in a new order each time; the first round warms up and is dropped."""
    order = random.Random(0)  # noqa: S311  # the same orders every time
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        names = list(sides)
        order.shuffle(names)
        for name in names:
            seconds = sides[name]()
            if number:
                found[name].append(seconds)
    return Sides(found)


@contextmanager
def one_processor() -> Iterator[None]:
    """All threads of this process, and the processes it starts, run on one processor.

    To wake an idle one costs as much as a third of a poll, and whoever waits for an answer is charged for it.
    """
    before = os.sched_getaffinity(0)
    _set_processors({min(before)})
    try:
        yield
    finally:
        _set_processors(before)


def _set_processors(chosen: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended
            os.sched_setaffinity(int(thread.name), chosen)


def repeat(operation: Callable[[], object], times: int) -> Sample:
    """A sample that does the operation many times and answers the seconds of one."""

    def sample() -> float:
        began = time.perf_counter()
        for _ in range(times):
            operation()
        return (time.perf_counter() - began) / times

    return sample
