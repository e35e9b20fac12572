"""Log lines as JSON, with metrics that CloudWatch extracts from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, TextIO

NAMESPACE = "configsvc"
PROBLEMS, DENIED, COLD_STARTS, UNPROVEN = "Problems", "Denied", "ColdStarts", "Unproven"
CONTENDED, STORE_BUSY = "Contended", "StoreBusy"
SERVICE, CODE = "service", "code"
_REFUSED = 400
_TO_REPEAT = {"contended": CONTENDED, "throttled": STORE_BUSY}
"""Metrics for refusals that are safe to retry, by code. They are expected, so they are counted separately."""


class Metrics(NamedTuple):
    """The metrics of one function: problems (all, and by code), retryable refusals, denied, unproven, cold starts.

    Args:
        service: the function's name, the dimension that separates deployments.
        milliseconds: of the wall clock, since 1970.
    """

    service: str
    milliseconds: Callable[[], int]

    def of(self, line: Mapping[str, object]) -> dict[str, object]:
        """Metric members for a request's log line; empty if nothing is counted."""
        directives, values = list[dict[str, object]](), dict[str, object]()
        status = line.get("status")
        if isinstance(status, int) and status >= _REFUSED:
            by_code = [[SERVICE], [SERVICE, CODE]] if line.get(CODE) else [[SERVICE]]
            directives.append(_build_directive(PROBLEMS, by_code))
            values[PROBLEMS] = 1
            if to_repeat := _TO_REPEAT.get(str(line.get(CODE))):
                directives.append(_build_directive(to_repeat, [[SERVICE]]))
                values[to_repeat] = 1
        for metric, member in ((DENIED, "denied"), (UNPROVEN, "unproven"), (COLD_STARTS, "cold_start")):
            if line.get(member) is True:
                directives.append(_build_directive(metric, [[SERVICE]]))
                values[metric] = 1
        if not directives:
            return {}
        about = {"Timestamp": self.milliseconds(), "CloudWatchMetrics": directives}
        return {**values, SERVICE: self.service, "_aws": about}


def _build_directive(metric: str, dimensions: list[list[str]]) -> dict[str, object]:
    return {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": [{"Name": metric, "Unit": "Count"}]}


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
