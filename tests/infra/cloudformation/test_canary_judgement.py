"""The guards of a canary on numbers: a worse version is caught; what both versions have stops nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest

from infra.packaging.service_zip import Package
from tests.infra.cloudformation.test_canary import STAGE, expand, guards
from tests.support.infra.metric_math import Values, breaches

LIMIT = {"AlarmLatencyMs": 2000}
SHARES = ("CanaryErrorsAlarm", "CanaryFailuresAlarm", "CanaryRefusalsAlarm")
RUNS = 200
WEIGHTS = (0.1, 0.5, 0.9)


@pytest.fixture(scope="session")
def alarms(built_package: Package) -> dict[str, Any]:
    return guards(expand(built_package, STAGE))


def count(new: tuple[int, int], old: tuple[int, int]) -> Values:
    """Calls and bad ones of either version. A metric of the request log has no data where nothing was counted."""
    return {
        "calls": new[0] + old[0], "newcalls": new[0],
        "bad": new[1] + old[1] or None, "newbad": new[1] or None,
    }  # fmt: skip


def draw(chance: random.Random, calls: int, share: float) -> tuple[int, int]:
    return calls, sum(chance.random() < share for _ in range(calls))


def rate(alarm: Any, calls: int, weight: float, new: float, old: float) -> float:  # noqa: ANN401  # JSON is any
    """How often the alarm fires in a window in which each version gets its part of the calls."""
    chance = random.Random(f"{calls} {weight} {new} {old}")  # noqa: S311  # a simulation
    part = round(calls * weight)
    drawn = (count(draw(chance, part, new), draw(chance, calls - part, old)) for _ in range(RUNS))
    return sum(breaches(alarm, values, LIMIT) for values in drawn) / RUNS


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("share", [0, 0.01, 0.2, 0.5, 0.95])
def test_what_hits_both_versions_alike_stops_no_deployment(
    alarms: dict[str, Any], name: str, weight: float, share: float
) -> None:
    # An outage, a table that throttles, a caller who asks for names that do not exist: CodeDeploy spreads it evenly.
    for calls in (20, 100, 1000):
        assert rate(alarms[name], calls, weight, share, share) <= 0.02, calls


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("old", [0, 0.05, 0.3])
def test_a_version_that_answers_nothing_well_is_caught(alarms: dict[str, Any], name: str, old: float) -> None:
    for calls in (100, 500):
        assert rate(alarms[name], calls, 0.1, 1, old) == 1, calls


@pytest.mark.parametrize(
    ("name", "new", "old"),
    [("CanaryErrorsAlarm", 0.05, 0), ("CanaryFailuresAlarm", 0.08, 0.01), ("CanaryRefusalsAlarm", 0.4, 0.2)],
)
def test_a_version_that_is_clearly_worse_is_caught(alarms: dict[str, Any], name: str, new: float, old: float) -> None:
    assert rate(alarms[name], 3000, 0.1, new, old) >= 0.95


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("new", [0, 0.05, 0.3])
def test_the_cure_passes(alarms: dict[str, Any], name: str, new: float) -> None:
    assert rate(alarms[name], 1000, 0.1, new, 0.5) == 0


@pytest.mark.parametrize("name", SHARES)
def test_one_bad_request_decides_nothing(alarms: dict[str, Any], name: str) -> None:
    for calls in (1, 2, 9, 100):
        assert not breaches(alarms[name], count((calls, 1), (9 * calls, 0)), LIMIT), calls


def test_nine_requests_are_too_few_to_count_refusals(alarms: dict[str, Any]) -> None:
    assert not breaches(alarms["CanaryRefusalsAlarm"], count((9, 9), (81, 0)), LIMIT)
    assert breaches(alarms["CanaryRefusalsAlarm"], count((10, 10), (90, 0)), LIMIT)


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("values", [count((0, 0), (100, 50)), count((100, 100), (0, 0)), count((0, 0), (0, 0))])
def test_without_another_version_to_compare_with_nothing_is_decided(
    alarms: dict[str, Any], name: str, values: Values
) -> None:
    assert not breaches(alarms[name], values, LIMIT)
    assert not breaches(alarms[name], dict.fromkeys(values), LIMIT)


@pytest.mark.parametrize(
    ("newcalls", "newmean", "oldmean", "p99", "caught"),
    [
        (100, 300, 20, 5000, True),
        (100, 300, 20, 1999, False),  # slower, and within the limit
        (100, 900, 850, 5000, False),  # the table is slow for both
        (100, 300, 900, 5000, False),  # slow, but a cure
        (9, 300, 20, 5000, False),  # too few
    ],
)
def test_a_version_is_slow_if_it_is_over_the_limit_and_slower_than_the_old_one(
    alarms: dict[str, Any], newcalls: int, newmean: int, oldmean: int, p99: float, *, caught: bool
) -> None:
    values: Values = {
        "calls": newcalls + 900, "newcalls": newcalls,
        "ms": newcalls * newmean + 900 * oldmean, "newms": newcalls * newmean, "p99": p99, "newp99": p99,
    }  # fmt: skip
    assert breaches(alarms["CanaryLatencyAlarm"], values, LIMIT) is caught
