"""Two parts of CloudWatch that the pinned ministack lacks or simplifies: embedded metrics, and how alarms are judged.

additions.py puts them in place. Nothing of ministack is imported here, so tests call it directly.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Point = Mapping[str, Any]

_MORE = 2
"""Periods that are looked at beyond the evaluated ones, for real data in place of missing (user guide, as `judge`)."""

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


class Metric(NamedTuple):
    """One value, with its unit and dimensions."""

    namespace: str
    name: str
    value: float
    unit: str
    dimensions: Mapping[str, str]


def list_embedded_metrics(log_text: str) -> Iterator[Metric]:
    """Lists the metrics in a log (CloudWatch user guide, "Specification: Embedded metric format").

    Lines that are not of the format are passed over, as CloudWatch does.
    """
    for line in log_text.splitlines():
        if '"_aws"' in line:
            try:
                yield from list(_read_document(json.loads(line)))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue


def _read_document(document: Mapping[str, Any]) -> Iterator[Metric]:
    for directive in document["_aws"].get("CloudWatchMetrics", []):
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                found = document[metric["Name"]]
                for value in found if isinstance(found, list) else [found]:
                    yield Metric(
                        directive["Namespace"], metric["Name"], float(value), metric.get("Unit", "None"), dimensions
                    )


def list_breaches(
    alarm: Mapping[str, Any], points: Sequence[Point], now: float, compute: Callable[[list[Point]], float | None]
) -> list[bool | None]:
    """Whether each period breaches the threshold, the newest first; None without data.

    Args:
        alarm: as PutMetricAlarm takes it.
        points: of the alarm's metric and dimensions, each with a `Timestamp` in seconds.
        now: seconds of the wall clock.
        compute: returns the alarm's statistic of the points of one period.
    """
    period, compare = int(alarm.get("Period", 60)), _COMPARE[alarm["ComparisonOperator"]]
    newest, count = int(now // period), int(alarm.get("EvaluationPeriods", 1)) + _MORE
    by_period: dict[int, list[Point]] = {number: [] for number in range(newest, newest - count, -1)}
    for each in points:  # once: there may be thousands
        by_period.get(int(each["Timestamp"] // period), []).append(each)
    values = [compute(found) for found in by_period.values()]
    return [None if value is None else compare(value, float(alarm.get("Threshold", 0))) for value in values]


def judge(alarm: Mapping[str, Any], breaches: Sequence[bool | None], before: State) -> State:
    """Decides the state (CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data").

    Args:
        alarm: as PutMetricAlarm takes it.
        breaches: whether each period breaches, the newest first; None without data. More than the evaluated periods.
        before: the state now.
    """
    evaluated = int(alarm.get("EvaluationPeriods", 1))
    needed = int(alarm.get("DatapointsToAlarm") or evaluated)
    known = [each for each in breaches if each is not None][:evaluated]
    missing, breaching = evaluated - len(known), sum(known)
    treated = alarm.get("TreatMissingData") or "missing"
    if missing <= 0 or treated == "notBreaching":
        return "ALARM" if breaching >= needed else "OK"
    if treated == "breaching":
        return "ALARM" if breaching + missing >= needed else "OK"
    if known and not _may_be_early(breaches, needed):
        return "OK"
    if treated == "ignore":
        return before
    return "ALARM" if known and _is_old(breaches, needed) else "INSUFFICIENT_DATA" if not known else before


def _may_be_early(breaches: Sequence[bool | None], needed: int) -> bool:
    """Whether all data breaches, so that missing data decides."""
    known = [each for each in breaches if each is not None]
    return all(known) or sum(known) >= needed


def _is_old(breaches: Sequence[bool | None], needed: int) -> bool:
    """Whether the oldest breach is as old as the data points that an alarm needs, and nothing newer is good."""
    return False not in breaches and max(at for at, each in enumerate(breaches) if each) + 1 >= needed
