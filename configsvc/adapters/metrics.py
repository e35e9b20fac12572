"""Metrics inside the log lines: CloudWatch takes them out of the log, and no request makes a call for them.

The form is CloudWatch's embedded metric format (CloudWatch user guide, "Specification: Embedded metric format").
What API Gateway, Lambda and DynamoDB count themselves is not counted again: requests, latency by route, errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

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
            directives.append(_directive(PROBLEMS, by_code))
            values[PROBLEMS] = 1
            if to_repeat := _TO_REPEAT.get(str(line.get(CODE))):
                directives.append(_directive(to_repeat, [[SERVICE]]))
                values[to_repeat] = 1
        for metric, member in ((DENIED, "denied"), (UNPROVEN, "unproven"), (COLD_STARTS, "cold_start")):
            if line.get(member) is True:
                directives.append(_directive(metric, [[SERVICE]]))
                values[metric] = 1
        if not directives:
            return {}
        about = {"Timestamp": self.milliseconds(), "CloudWatchMetrics": directives}
        return {**values, SERVICE: self.service, "_aws": about}


def _directive(metric: str, dimensions: list[list[str]]) -> dict[str, object]:
    return {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": [{"Name": metric, "Unit": "Count"}]}
