"""Alarms are judged as the CloudWatch user guide's tables of missing data say."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from local.emulator.cloudwatch import Metric, judge, list_breaches, list_embedded_metrics, one_at_a_time

ORDER = ("missing", "ignore", "breaching", "notBreaching")
THREE_OF_THREE = {
    "0 - X - X": "OK OK OK OK",
    "0 - - - -": "OK OK OK OK",
    "- - - - -": "INSUFFICIENT_DATA retain ALARM OK",
    "0 X X - X": "ALARM ALARM ALARM ALARM",
    "- - X - -": "ALARM retain ALARM OK",
}
"""User guide, "Configuring how CloudWatch alarms treat missing data", first table; the newest on the right."""

TWO_OF_THREE = {
    "0 - X - X": "ALARM ALARM ALARM ALARM",
    "0 0 X 0 X": "ALARM ALARM ALARM ALARM",
    "0 - X - -": "OK OK ALARM OK",
    "- - - - 0": "OK OK ALARM OK",
    "- - - X -": "ALARM retain ALARM OK",
}
"""The second table."""

CASES = [
    (needed, points, treated, expected)
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, row in table.items()
    for treated, expected in zip(ORDER, row.split(), strict=True)
]


@pytest.mark.parametrize(("needed", "points", "treated", "expected"), CASES)
def test_missing_data_is_treated_as_the_user_guide_says(needed: int, points: str, treated: str, expected: str) -> None:
    alarm = {"EvaluationPeriods": 3, "DatapointsToAlarm": needed, "TreatMissingData": treated}
    breaches = [{"0": False, "X": True, "-": None}[each] for each in reversed(points.split())]

    for before in ("OK", "ALARM"):
        assert judge(alarm, breaches, before) == (before if expected == "retain" else expected)


def alarm_of(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    usual = {"Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    return {**usual, "ComparisonOperator": "GreaterThanOrEqualToThreshold", **changed}


def test_each_period_is_compared_by_its_own_statistic() -> None:
    points = [{"Timestamp": at, "Value": value} for at, value in ((0, 5), (59, 0), (60, 0), (179, 1))]

    def compute(found: list[Any]) -> float | None:
        return max((each["Value"] for each in found), default=None)

    assert list_breaches(alarm_of(), points, 239.0, compute) == [None, True, False]
    assert list_breaches(alarm_of(), points, 179.0, compute) == [True, False, True]


@pytest.mark.parametrize(
    ("operator", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("GreaterThanThreshold", [False, False, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_each_comparison_is_known(operator: str, breaching: list[bool]) -> None:
    for value, expected in zip((0.0, 1.0, 2.0), breaching, strict=True):
        alarm = alarm_of(ComparisonOperator=operator)
        assert list_breaches(alarm, [], 0.0, lambda _, value=value: value)[0] is expected  # type: ignore[misc]


def test_metrics_are_read_from_lines_of_the_format_and_no_others() -> None:
    directive = {"Namespace": "N", "Dimensions": [["service"]], "Metrics": [{"Name": "M", "Unit": "Seconds"}]}
    good = {"M": [1, 2.5], "service": "s", "_aws": {"Timestamp": 1_000_000, "CloudWatchMetrics": [directive]}}
    lines = ["START", '{"_aws": ', '{"_aws": 5}', json.dumps({**good, "M": "text"}), json.dumps(good)]

    found = list(list_embedded_metrics("\n".join(lines), 1_001.0))

    assert found == [Metric("N", "M", value, "Seconds", {"service": "s"}) for value in (1.0, 2.5)]


@pytest.mark.parametrize("timestamp", [2_000_000, (2_000_000 - 15 * 86_400) * 1000, (2_000_000 + 3 * 3_600) * 1000])
def test_a_metric_of_another_time_is_passed_over_such_as_one_in_seconds(timestamp: int) -> None:
    directive = {"Namespace": "N", "Metrics": [{"Name": "M"}]}
    line = json.dumps({"M": 1, "_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}})

    assert list(list_embedded_metrics(line, 2_000_000.0)) == []


def test_alarms_are_judged_by_one_thread_at_a_time() -> None:
    both, met = threading.Barrier(2), []

    def evaluate() -> None:
        try:
            met.append(both.wait(0.2))
        except threading.BrokenBarrierError:
            both.reset()

    alone = one_at_a_time(evaluate)
    threads = [threading.Thread(target=alone) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)

    assert met == []


def test_judging_may_lead_to_judging_again() -> None:
    judged: list[str] = []

    def evaluate() -> None:
        judged.append("")
        if len(judged) == 1:
            alone()

    alone = one_at_a_time(evaluate)
    alone()

    assert len(judged) == 2
