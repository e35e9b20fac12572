"""Log lines as JSON, with metrics that CloudWatch extracts from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TextIO

NAMESPACE = "configsvc"
PROBLEMS, DENIED, COLD_STARTS, UNPROVEN = "Problems", "Denied", "ColdStarts", "Unproven"
CONTENDED, STORE_BUSY = "Contended", "StoreBusy"
REFUSED, FAILED = "Refused", "Failed"
SERVICE, CODE, VERSION = "service", "code", "version"
_REFUSED, _FAILED = 400, 500
_TO_REPEAT = {"contended": CONTENDED, "throttled": STORE_BUSY}
"""Metrics for refusals that are safe to retry, by code. They are expected, so they are counted separately."""


class Metrics(NamedTuple):
    """The metrics of one function: problems (all, and by code), retryable refusals, denied, unproven, cold starts.

    Problems are also counted by the function's version, as refused (4xx) and failed (5xx): a canary compares them.

    Args:
        service: the function's name, the dimension that separates deployments.
        milliseconds: of the wall clock, since 1970.
        version: of the function, as Lambda numbers it.
    """

    service: str
    milliseconds: Callable[[], int]
    version: str

    def of(self, line: Mapping[str, object]) -> dict[str, object]:
        """Metric members for a request's log line; empty if nothing is counted."""
        counted = {**_count_problems(line), **_count_flags(line)}
        if not counted:
            return {}
        directives = [_build_directive(metric, dimensions) for metric, dimensions in counted.items()]
        about = {"Timestamp": self.milliseconds(), "CloudWatchMetrics": directives}
        version = {VERSION: self.version} if counted.keys() & {REFUSED, FAILED} else {}
        return {**dict.fromkeys(counted, 1), SERVICE: self.service, **version, "_aws": about}


def _count_problems(line: Mapping[str, object]) -> dict[str, list[list[str]]]:
    """The metrics of a refused or failed request, with the dimensions of each."""
    status, code = line.get("status"), line.get(CODE)
    if not isinstance(status, int) or status < _REFUSED:
        return {}
    counted = {PROBLEMS: [[SERVICE], [SERVICE, CODE]] if code else [[SERVICE]]}
    if line.get("unproven") is not True:  # else whoever may invoke a version directly could make it look bad
        counted[REFUSED if status < _FAILED else FAILED] = [[SERVICE], [SERVICE, VERSION]]
    if to_repeat := _TO_REPEAT.get(str(code)):
        counted[to_repeat] = [[SERVICE]]
    return counted


def _count_flags(line: Mapping[str, object]) -> dict[str, list[list[str]]]:
    flags = ((DENIED, "denied"), (UNPROVEN, "unproven"), (COLD_STARTS, "cold_start"))
    return {metric: [[SERVICE]] for metric, member in flags if line.get(member) is True}


def _build_directive(metric: str, dimensions: list[list[str]]) -> dict[str, object]:
    return {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": [{"Name": metric, "Unit": "Count"}]}


Unit = Literal["Count", "Seconds", "Milliseconds"]


def measure(service: str, milliseconds: int, measured: Mapping[str, tuple[float, Unit]]) -> dict[str, object]:
    """Members that make a log line carry these metrics (Amazon CloudWatch user guide, "Embedded metric format").

    Args:
        service: the function's name, the only dimension.
        milliseconds: of the wall clock, since 1970.
        measured: value and unit of each metric, by name.
    """
    metrics = [{"Name": name, "Unit": unit} for name, (_, unit) in measured.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[SERVICE]], "Metrics": metrics}
    values = {name: value for name, (value, _) in measured.items()}
    return {**values, SERVICE: service, "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}}


_SEVERITY = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class JsonLog:
    """Writes log lines of severity `least` and above.

    Args:
        stream: the output; on Lambda standard output.
        least: debug, info, warning or error.
        metrics: metrics for the lines; None for no metrics.
    """

    def __init__(self, stream: TextIO, least: str, metrics: Metrics | None = None) -> None:
        self._stream = stream
        self._metrics = metrics
        self._least = _SEVERITY[least]

    def takes(self, level: str) -> bool:
        """Whether lines of this level are written."""
        return _SEVERITY[level] >= self._least

    def line(self, level: str, /, **members: object) -> None:
        """Writes one line, unless its severity is too low."""
        if self.takes(level):
            counted = self._metrics.of(members) if self._metrics else {}
            text = json.dumps({"level": level, **members, **counted}, separators=(",", ":"), allow_nan=False)
            self._stream.write(text + "\n")
            self._stream.flush()
