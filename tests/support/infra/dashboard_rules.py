"""Rules for the body of a dashboard: "Dashboard Body Structure and Syntax", and "CloudWatch service quotas"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

_BODY = {"start", "end", "periodOverride", "widgets", "variables"}
_PLACE = {"type", "x", "y", "width", "height", "properties"}
_REQUIRED = {"text": {"markdown"}, "alarm": {"alarms"}, "log": {"query", "region"}, "metric": {"metrics", "region"}}
_OPTIONAL = {
    "text": {"background"},
    "alarm": {"title", "sortBy", "states"},
    "log": {"title", "view", "stacked", "legend", "accountId"},
    "metric": {
        "title", "view", "stacked", "period", "stat", "yAxis", "legend", "annotations", "liveData", "sparkline",
        "setPeriodToTimeRange", "timezone", "trend", "table", "accountId",
    },
}  # fmt: skip
_VIEWS = {
    "log": {"table", "timeSeries", "bar", "pie"},
    "metric": {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"},
}
_OF_A_METRIC = {"color", "id", "label", "period", "region", "stat", "visible", "yAxis", "accountId"}
_OF_MATH = {"expression", "color", "id", "label", "period", "region", "visible", "yAxis", "accountId"}
_STATISTIC = re.compile(r"Sum|Average|Minimum|Maximum|SampleCount|p[0-9]{1,2}(\.[0-9]+)?")
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_RELATIVE = re.compile(r"-P(T[0-9]+[HM]|[0-9]+[DWMY])")


def list_faults(body: Json) -> Iterator[str]:
    """List faults that PutDashboard would refuse, or show as an error."""
    widgets = body.get("widgets", [])
    if unknown := body.keys() - _BODY:
        yield f"the body has {sorted(unknown)}"
    if not _RELATIVE.fullmatch(body.get("start", "-PT3H")) or body.get("periodOverride", "auto") not in {
        "auto",
        "inherit",
    }:
        yield "the time range or the override is not as documented"
    if len(widgets) > 500 or sum(len(each["properties"].get("metrics", [])) for each in widgets) > 2500:
        yield "there are more than 500 widgets or 2,500 metrics"
    for number, widget in enumerate(widgets):
        yield from (f"widget {number}: {fault}" for fault in _faults_of_widget(widget))


def _faults_of_widget(widget: Json) -> Iterator[str]:
    kind, properties = widget["type"], widget["properties"]
    if kind not in _REQUIRED:
        yield f"unknown type {kind}"
        return
    if widget.keys() != _PLACE:
        yield f"it has {sorted(widget)}"
    if not (widget["x"] >= 0 and widget["width"] >= 1 and widget["x"] + widget["width"] <= 24):
        yield "it is not within 24 columns"
    if not (widget["y"] >= 0 and 1 <= widget["height"] <= 1000):
        yield "it has no height"
    if missing := _REQUIRED[kind] - properties.keys():
        yield f"it lacks {sorted(missing)}"
    if unknown := properties.keys() - _REQUIRED[kind] - _OPTIONAL[kind]:
        yield f"its properties have {sorted(unknown)}"
    if properties.get("view", "table") not in _VIEWS.get(kind, {"table"}):
        yield f"a {kind} widget has no view {properties['view']}"
    yield from _faults_by_kind(kind, properties)


def _faults_by_kind(kind: str, properties: Json) -> Iterator[str]:
    if kind == "alarm" and not 1 <= len(properties["alarms"]) <= 100:
        yield "it shows no alarm, or more than 100"
    if kind == "log" and not re.match(r"SOURCE '[^']+'(\s*\|\s*SOURCE '[^']+'){0,49}\s*\|", properties["query"]):
        yield "its query does not begin with its log groups"
    if kind == "metric":
        yield from _faults_of_metrics(properties["metrics"])


def _faults_of_metrics(metrics: list[list[Any]]) -> Iterator[str]:
    identifiers = [str(each[-1]["id"]) for each in metrics if isinstance(each[-1], dict) and "id" in each[-1]]
    if not 1 <= len(metrics) <= 500:
        yield "it has no metric, or more than 500"
    if len(identifiers) != len(set(identifiers)) or not all(_ID.fullmatch(each) for each in identifiers):
        yield f"its ids {identifiers} are not unique, or do not begin with a small letter"
    for each in metrics:
        options = each[-1] if isinstance(each[-1], dict) else {}
        names = each[:-1] if options else each
        if unknown := options.keys() - (_OF_MATH if not names else _OF_A_METRIC):
            yield f"{names} has {sorted(unknown)}"
        if names and (len(names) < 2 or len(names) % 2 or not all(isinstance(name, str) for name in names)):
            yield f"{names} are not a namespace, a name and pairs of dimensions"
        if not names and not options.get("expression"):
            yield "a metric has neither a name nor an expression"
        if "stat" in options and not _STATISTIC.fullmatch(options["stat"]):
            yield f"{options['stat']} is no statistic"
    if not any(each[-1].get("visible", True) for each in metrics if isinstance(each[-1], dict)):
        yield "it shows nothing"
