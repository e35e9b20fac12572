"""Two parts of CloudWatch that the pinned ministack lacks or simplifies: embedded metrics, and how alarms are judged.

additions.py puts them in place. Nothing of ministack is imported here, so tests call it directly.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Point = Mapping[str, Any]
Seam = Callable[..., Any]

PASSED = ("Emulator", "SecondsPassed")
"""PutMetricData of this namespace and metric makes all metrics older by so many seconds, and judges all alarms."""

_MORE = 2
"""Periods that are looked at beyond the evaluated ones, for real data in place of missing (user guide, as `judge`)."""

_BACK_SECONDS, _AHEAD_SECONDS = 14 * 86_400, 2 * 3_600
"""How far from now a metric's time may be (CloudWatch API reference, PutMetricData)."""

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


def list_embedded_metrics(log_text: str, now: float) -> Iterator[Metric]:
    """Lists the metrics in a log (CloudWatch user guide, "Specification: Embedded metric format").

    Lines that are not of the format, or of another time, are passed over, as CloudWatch does.

    Args:
        log_text: lines of a function.
        now: seconds of the wall clock.
    """
    for line in log_text.splitlines():
        if '"_aws"' in line:
            try:
                document = json.loads(line)
                age = now - document["_aws"]["Timestamp"] / 1000
                yield from list(_read_document(document)) if -_AHEAD_SECONDS < age < _BACK_SECONDS else ()
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


def with_embedded_metrics(write_logs: Seam, record: Seam, evaluate: Seam) -> Seam:
    """Records the metrics in what a function logs, and judges the alarms when there are any."""

    def write(func: dict[str, Any], request_id: str, log_text: str, *more: Any, **named: Any) -> Any:  # noqa: ANN401
        found = list(list_embedded_metrics(log_text or "", time.time()))
        for metric in found:
            record(metric.namespace, metric.name, metric.value, metric.unit, dict(metric.dimensions))
        written = write_logs(func, request_id, log_text, *more, **named)
        if found:
            evaluate()
        return written

    return write


def with_judged_errors(emit_metrics: Seam, evaluate: Seam) -> Seam:
    """Judges the alarms after an invocation that failed or was throttled."""

    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: FBT001
        emit_metrics(function_name, duration_ms, error, throttle)
        if error or throttle:
            evaluate()

    return emit


def as_cloudwatch_judges(used: Mapping[str, Seam], metrics: Any, now: Callable[[], float] = time.time) -> Seam:  # noqa: ANN401
    """Judges one alarm of one metric; those of several metrics stay as they are.

    Args:
        used: ministack's functions of `_USED`, by name.
        metrics: ministack's points by namespace, name and dimensions.
        now: seconds of the wall clock.
    """

    def evaluate(alarm: dict[str, Any]) -> None:
        if not alarm.get("MetricName"):
            return
        dimensions = used["_dims_key"](used["_dims_from_list"](alarm.get("Dimensions") or []))
        points = metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")

        def compute(found: list[Any]) -> float | None:
            return used["_stat_value"](used["_calc_stats"](found), statistic, found) if found else None

        breaches = list_breaches(alarm, points, now(), compute)
        before = alarm["StateValue"]
        state = judge(alarm, breaches, before)
        if state != before:
            reason = f"Breaching, the newest period first: {breaches}"
            alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(now()))
            used["_record_history"](alarm["AlarmName"], before, state, reason)
            used["_dispatch_alarm_actions"](alarm, before, state, reason)
            used["_evaluate_parent_alarms"](alarm)

    return evaluate


def with_passing_time(evaluate_all: Seam, metrics: Any) -> Seam:  # noqa: ANN401 -- ministack's own dict
    """Makes all metrics older by what was put as `PASSED`, before alarms are judged."""

    def evaluate() -> None:
        passed = [key for key in metrics if key[:2] == PASSED]
        seconds = sum(point["Value"] for key in passed for point in metrics.pop(key))
        for points in metrics.values() if seconds else ():
            for point in points:
                point["Timestamp"] -= seconds
        evaluate_all()

    return evaluate


def one_at_a_time(evaluate: Seam) -> Seam:
    """Functions end in several threads: without this, one change of an alarm would be sent by each of them."""
    lock = threading.RLock()

    def evaluate_alone() -> None:
        with lock:
            evaluate()

    return evaluate_alone
