"""Sample data of the picture: an hour of a fleet of 1,000 environments in which a new version gets its first requests.

Series come from a generator of random numbers that is seeded with their names. Log tables are the answers of the saved
queries to lines of the real log code.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from infra.cloudformation import queries
from infra.dashboard_picture.logs import make_logs
from local.emulator.insights.engine import Row, run
from local.emulator.insights.language import Typing
from tests.support.infra.metric_math import PERIOD, evaluate

MINUTES = 60
_SECONDS = 60
_CHANGED = 50  # the minute of the new version

LEVELS: Mapping[str, tuple[float, float]] = {
    "Count": (1000, 60), "4XXError": (14, 2), "5XXError": (0, 0), "Latency p50": (8, 1.5), "Latency p99": (24, 6),
    "Problems": (2, 1.5), "ColdStarts": (0.4, 0.8), "Errors": (0, 0), "Invocations": (1000, 60),
    "Duration": (5200, 500), "Duration p99": (17, 4), "Throttles": (0, 0), "ConcurrentExecutions": (3, 2),
    "ConsumedReadCapacityUnits": (1080, 70), "ConsumedWriteCapacityUnits": (18, 9), "ReadThrottleEvents": (0, 0),
    "WriteThrottleEvents": (0, 0), "SuccessfulRequestLatency p99": (5, 2), "IncomingBytes": (300_000, 20_000),
    "Denied": (0.5, 0.7), "Contended": (0.1, 0.4), "StoreBusy": (0, 0), "Throttled": (3, 3), "Refused": (3, 2),
    "Failed": (0, 0), "ProbeFailed": (0, 0), "ProbeAge": (150, 120), "ProbeDuration": (38, 9),
    "CertificateDays": (212, 0), "UpkeepFailed": (0, 0), "RotationDue": (2, 0), "RotationOverdue": (1, 0),
    "DataKeysDue": (0, 0), "UpkeepAge": (30_000, 1), "Age": (33, 26),
}  # fmt: skip
"""A minute's value of each metric, and how far it strays."""

_GROUPS: Mapping[str, Sequence[tuple[str, float]]] = {
    "ExecutedVersion": (("41", 1), ("42", 0.1)),
    "version": (("41", 1), ("42", 0.1)),
    "Method": (("GET snapshot", 1), ("GET snapshots", 1.2), ("PUT key", 2.5)),
    "code": (("forbidden", 0.5), ("throttled", 1), ("not_found", 0.3)),
    "Operation": (("GetItem", 0.7), ("BatchGetItem", 1), ("TransactWriteItems", 2.6)),
    "FunctionName": (("checkout", 1), ("invoices", 1.1), ("mailer", 0.9)),
}
"""Names that a search finds, by a dimension of its schema, and their share of the level."""

NAMES = {
    "AWS::StackName": "configsvc-prod",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "111122223333",
    "!LAST_TIME_RELATIVE": "1 min ago",
}
ALARMING = frozenset({"ThrottledAlarm"})
_SEARCH = re.compile(r"SEARCH\('\{([^}]+)\}.* MetricName=\"(\w+)\"', '(\w+)', \d+\)")


class Series(NamedTuple):
    """A line of a graph: its label and a value for each minute."""

    label: str
    values: tuple[float, ...]


def substitute(text: str) -> str:
    """The text as CloudFormation would write it."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: NAMES.get(found[1], found[1]), text)


def make_series(name: str, label: str, share: float = 1) -> Series:
    """A metric's minutes. What belongs to version 42 begins when it gets its first requests."""
    level, spread = LEVELS[name]
    chance = random.Random(f"{name} {label}")  # noqa: S311  # a picture
    steady = (max(0.0, chance.gauss(level, spread)) * share for _ in range(MINUTES))
    began = _CHANGED if label == "42" else 0
    return Series(label, tuple(round(each, 2) if minute >= began else 0.0 for minute, each in enumerate(steady)))


def list_series(metrics: Sequence[Sequence[Any]]) -> list[Series]:
    """The visible lines of a graph. Metric math is calculated minute by minute."""
    by_id = {each[-1]["id"]: _minutes(each) for each in metrics if "id" in each[-1] and len(each) > 1}
    found: list[Series] = []
    for each in metrics:
        options = each[-1]
        if options.get("visible") is False:
            continue
        if len(each) > 1:
            found.append(_minutes(each))
        elif options["expression"].startswith("SEARCH("):
            found.extend(_search(options["expression"]))
        else:
            found.append(_calculate(options, by_id))
    return found


def _minutes(metric: Sequence[Any]) -> Series:
    name = metric[1].rpartition("-")[2]
    return make_series(_level(name, metric[-1]["stat"]), substitute(metric[-1].get("label", name)))


def _level(name: str, statistic: str) -> str:
    return f"{name} {statistic}" if statistic.startswith("p") else name


def _search(expression: str) -> list[Series]:
    found = _SEARCH.fullmatch(expression)
    if found is None:
        raise ValueError(f"The picture has no sample for {expression}")
    dimension = next(each for each in _GROUPS if each in found[1].split(","))
    kind = f"{found[2]} " if found[2] in {"Errors", "Refused", "Failed"} else ""
    level = _level(found[2], found[3])
    return [_of_group(level, name, share)._replace(label=f"{kind}{name}") for name, share in _GROUPS[dimension]]


def _of_group(level: str, name: str, share: float) -> Series:
    """A version's share is one of requests, not of milliseconds."""
    return make_series(level, name, 1 if level == "Duration p99" else share)


def _calculate(options: Mapping[str, Any], by_id: Mapping[str, Series]) -> Series:
    query: list[Mapping[str, Any]] = [{"Id": "e", "Expression": options["expression"], "ReturnData": True}]
    each_minute = (
        {**{name: of.values[minute] for name, of in by_id.items()}, PERIOD: float(_SECONDS)}
        for minute in range(MINUTES)
    )
    values = tuple(evaluate(query, values) or 0.0 for values in each_minute)
    return Series(options["label"], values)


def newest(series: Series, metric: Sequence[Any], period: int) -> float:
    """The number that a widget of single values shows: of the last period, or of the whole range for metric math."""
    options, minutes = metric[-1], period // _SECONDS
    last = series.values[-minutes:]
    if "expression" in options:
        return sum(series.values) / len(series.values)
    of_statistic: Mapping[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max, "Minimum": min}
    return of_statistic[options["stat"]](last)


@cache
def answer(query: str) -> tuple[Row, ...]:
    """The rows of a log table."""
    saved = {queries.for_dashboard(each.name): each for each in queries.QUERIES}[query]
    return tuple(run(saved.text, make_logs()[saved.log], Typing.JSON))
