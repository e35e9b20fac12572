"""Alarms on metric math as the emulator can take them: those that only fill in zeros become alarms on the metric."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Any

Properties = dict[str, Any]

_FILLS = re.compile(r"FILL\((\w+), 0\)")


def is_math(resource: dict[str, Any]) -> bool:
    """Whether it is an alarm on metric math."""
    return resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]


def without_fill(resource: dict[str, Any]) -> dict[str, Any]:
    """Return an alarm on `FILL(metric, 0)` as one on the metric; anything else as it is."""
    if not is_math(resource) or len(queries := resource["Properties"]["Metrics"]) != 2:  # noqa: PLR2004  # metric, FILL
        return resource
    metric, filled = queries
    fills = _FILLS.fullmatch(filled.get("Expression", ""))
    if fills is None or fills[1] != metric["Id"]:
        return resource
    stat = metric["MetricStat"]
    kept = {name: each for name, each in resource["Properties"].items() if name != "Metrics"}
    return resource | {"Properties": {**kept, **stat["Metric"], "Period": stat["Period"], "Statistic": stat["Stat"]}}


def keep_alarms(body: Properties, left: Container[str]) -> Properties:
    """Return a `DashboardBody` without the alarms that are not left, by logical id."""
    content = json.loads(body["Fn::Sub"])
    for widget in content["widgets"]:
        if "alarms" in widget["properties"]:
            shown = widget["properties"]["alarms"]
            widget["properties"]["alarms"] = [each for each in shown if each[2:-1].removesuffix(".Arn") in left]
    return {"Fn::Sub": json.dumps(content, separators=(",", ":"))}
