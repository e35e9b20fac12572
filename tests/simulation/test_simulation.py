"""Service, consumers and writers under one clock: the promises for every seed, and the faults that seeds find."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.simulation.plants import OLDER, PLANTS
from tests.simulation.simulation import NOTHING, Plant, Report, run

ROOT = Path(__file__).parents[2]
SEARCHED = 400
"""Seeds that are tried in one night."""

ENOUGH = 80
"""Seeds that suffice to find each planted fault, wherever they start."""

REPLAYED = 30

HAPPENS = (
    "a late commit lands",
    "a late commit loses its race",
    "the answer to a commit is not answered",
    "a call is not answered",
    "dies",
    "freezes",
    "is ended by Lambda's timeout",
    "its outcome is unknown",
    "settled, done at",
    "settled, not written",
    "gets another environment",
    "rotated, retired 1",
    "unavailable deadline",
    "unavailable time_left",
    "unavailable connection",
)
"""Events that a few runs must contain, or they prove little."""


def check_promises(seed: int, plant: Plant = NOTHING) -> Report:
    """Runs a seed, which must break no promise."""
    report = run(seed, plant)
    assert not report.violations, report.text()
    return report


@pytest.mark.parametrize("seed", [1, 2])
def test_s60_every_promise_holds_under_one_clock(seed: int) -> None:
    assert check_promises(seed).revision > 40


@pytest.mark.slow
def test_s60_every_promise_holds_under_all_faults_together() -> None:
    traces = "\n".join(line for seed in range(10, 30) for line in check_promises(seed).trace)
    assert [each for each in HAPPENS if each not in traces] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_promise_holds_for_twenty_more_seeds() -> None:
    for seed in range(30, 50):
        check_promises(seed)


def test_the_same_seed_gives_the_same_trace_byte_for_byte() -> None:
    first, again, other = run(3).trace, run(3).trace, run(4).trace
    assert first == again
    assert first != other


@pytest.mark.slow
@pytest.mark.parametrize("hashes", ["1", "2"])
def test_the_same_seed_gives_the_same_trace_in_another_process(hashes: str) -> None:
    environ = {**os.environ, "PYTHONHASHSEED": hashes}
    command = [sys.executable, "-m", "tests.simulation", "5"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert tuple(done.stdout.splitlines()[: len(trace := run(5).trace)]) == trace


FIRST = next(iter(PLANTS))


def find_fault(plant: str, seeds: Iterable[int]) -> Report:
    """Returns the first run that finds a planted fault."""
    for seed in seeds:
        report = run(seed, PLANTS[plant].plant)
        if any(PLANTS[plant].found in each for each in report.violations):
            return report
    return pytest.fail(f"not found: {plant}, by seeds such as {seed}")


@pytest.mark.parametrize("plant", [pytest.param(each, marks=[pytest.mark.slow] * (each != FIRST)) for each in PLANTS])
def test_s60_a_planted_fault_is_found_and_the_same_seed_passes_without_it(plant: str) -> None:
    # The recorded seed comes first. If the draws change, the history does too, and one of the next seeds finds it.
    report = find_fault(plant, [PLANTS[plant].seed, *range(1, REPLAYED)])
    text = report.text(plant)
    assert "VIOLATION" in text
    assert f"Again: python -m tests.simulation {report.seed} {plant}" in text
    check_promises(report.seed)


def test_an_older_response_on_the_way_breaks_no_promise() -> None:
    check_promises(1, OLDER)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_seed_breaks_a_promise() -> None:
    first = secrets.randbelow(10**9)
    for seed in range(first, first + SEARCHED):
        check_promises(seed)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", PLANTS)
def test_each_planted_fault_is_found_by_some_seed(plant: str) -> None:
    first = secrets.randbelow(10**9)
    find_fault(plant, range(first, first + ENOUGH))
