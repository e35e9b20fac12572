"""CloudWatch's evaluation of a metric alarm, minute by minute, as its user guide says.

References: "Alarm evaluation", "Configuring how CloudWatch alarms treat missing data", "Percentile-based alarms and low
data samples"; API reference, PutMetricAlarm (AWS/DynamoDB). The emulator's evaluator knows neither missing data nor
`DatapointsToAlarm`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.support.infra import metric_math

Alarm = Mapping[str, Any]
OK, ALARM, NO_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

_EXTRA = 2  # points before the evaluated ones that CloudWatch looks at when some are missing
_HUNDRED = 100
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
}


class Metric(NamedTuple):
    """A metric; name and dimensions may be functions of CloudFormation, as JSON."""

    namespace: str
    name: str
    dimensions: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Metric:
        """The metric of an alarm, or of a query in it."""
        name = found["MetricName"]
        said = name if isinstance(name, str) else json.dumps(name)
        return cls(found["Namespace"], said, json.dumps(found.get("Dimensions", [])))


Samples = Mapping[Metric, Mapping[int, Sequence[float]]]
"""The values that each metric got in each minute."""


def metrics_of(alarm: Alarm) -> list[Metric]:
    """The metrics that the alarm looks at."""
    if "Metrics" not in alarm:
        return [Metric.of(alarm)]
    return [Metric.of(each["MetricStat"]["Metric"]) for each in alarm["Metrics"] if "MetricStat" in each]


def run(alarm: Alarm, samples: Samples, parameters: Mapping[str, float], minutes: int) -> Iterator[str]:
    """The alarm's state after each minute, from its creation on."""
    state = NO_DATA
    for minute in range(minutes):
        state = judge(alarm, list(_points(alarm, samples, parameters, minute)), state)
        yield state


def judge(alarm: Alarm, points: Sequence[bool | None], state: str) -> str:
    """The state after these points, the newest last: breaching or not, None if missing."""
    number = alarm["EvaluationPeriods"]
    wanted = alarm.get("DatapointsToAlarm", number)
    found = [each for each in points if each is not None][-number:]
    missing, breaching = number - len(found), sum(found)
    treatment = "ignore" if _is_of_dynamodb(alarm) else alarm.get("TreatMissingData", "missing")
    if missing and treatment == "ignore" and breaching == len(found):
        return state
    assert not missing or treatment in {"ignore", "breaching", "notBreaching"}
    return ALARM if breaching + (missing if treatment == "breaching" else 0) >= wanted else OK


def _is_of_dynamodb(alarm: Alarm) -> bool:
    return alarm.get("Namespace") == "AWS/DynamoDB"


def _points(
    alarm: Alarm, samples: Samples, parameters: Mapping[str, float], minute: int
) -> Iterator[bool | None]:  # fmt: skip
    periods = alarm["EvaluationPeriods"] + _EXTRA
    minutes = _period(alarm) // 60
    limit = alarm["Threshold"]
    limit = parameters[limit["Ref"]] if isinstance(limit, dict) else limit
    for back in reversed(range(periods)):
        last = minute - back * minutes
        value = _value(alarm, samples, range(last - minutes + 1, last + 1))
        yield None if value is None else _COMPARISONS[alarm["ComparisonOperator"]](value, limit)


def _period(alarm: Alarm) -> int:
    if "Metrics" not in alarm:
        return int(alarm["Period"])
    [period] = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    return int(period)


def _value(alarm: Alarm, samples: Samples, minutes: range) -> float | None:
    if "Metrics" not in alarm:
        assert alarm.get("EvaluateLowSampleCountPercentile", "evaluate") == "evaluate"
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return _aggregate(statistic, _collect(samples, Metric.of(alarm), minutes))
    values = {
        each["Id"]: _aggregate(
            each["MetricStat"]["Stat"], _collect(samples, Metric.of(each["MetricStat"]["Metric"]), minutes)
        )
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }
    return metric_math.evaluate(alarm["Metrics"], values)


def _collect(samples: Samples, metric: Metric, minutes: range) -> list[float]:
    return [value for minute in minutes for value in samples.get(metric, {}).get(minute, ())]


def _aggregate(statistic: str, values: list[float]) -> float | None:
    if not values:
        return None
    match statistic:
        case "Sum":
            return sum(values)
        case "SampleCount":
            return len(values)
        case "Maximum":
            return max(values)
        case "Minimum":
            return min(values)
    assert statistic.startswith("p"), statistic
    rank = int(statistic[1:])
    return statistics.quantiles(values, n=_HUNDRED, method="inclusive")[rank - 1] if len(values) > 1 else values[0]
