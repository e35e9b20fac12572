"""Log lines as JSON, and the metrics that CloudWatch takes out of them."""

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
"""Refusals that wrote nothing and ask to be repeated, by code: expected, and so counted apart from faults."""


class Metrics(NamedTuple):
    """What is counted for one function: problems (all, and by code), refusals to repeat, denied, unproven, cold starts.

    Args:
        service: the dimension by which deployments are told apart: the function's name.
        milliseconds: of the wall clock, since 1970.
    """

    service: str
    milliseconds: Callable[[], int]

    def of(self, line: Mapping[str, object]) -> dict[str, object]:
        """The members that a request's line gets for what it counts; none where it counts nothing."""
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
    """Writes lines of `least` severity and above.

    Args:
        stream: where to; Lambda takes standard output.
        least: debug, info, warning or error.
        metrics: what lines count; without it they count nothing.
    """

    def __init__(self, stream: TextIO, least: str, metrics: Metrics | None = None) -> None:
        self._stream = stream
        self._metrics = metrics
        self._least = _SEVERITY[least]

    def takes(self, level: str) -> bool:
        """Whether lines of this level are written."""
        return _SEVERITY[level] >= self._least

    def line(self, level: str, /, **members: object) -> None:
        """Write one line, unless it is below the least severity."""
        if self.takes(level):
            counted = self._metrics.of(members) if self._metrics else {}
            text = json.dumps({"level": level, **members, **counted}, separators=(",", ":"), allow_nan=False)
            self._stream.write(text + "\n")
            self._stream.flush()
