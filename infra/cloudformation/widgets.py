"""Widgets of a CloudWatch dashboard, and where they are placed.

Reference: CloudWatch API reference, "Dashboard Body Structure and Syntax". Names of resources are written `${…}` for
`Fn::Sub`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from infra.cloudformation import queries

Json = dict[str, Any]
Metric = list[Any]

COLUMNS = 24
REGION = "${AWS::Region}"
_PERIOD = 60


class Widget(NamedTuple):
    """A widget without its place."""

    kind: str
    width: int
    properties: Json


class Row(NamedTuple):
    """Widgets beside each other. The last one is stretched to the right edge."""

    height: int
    widgets: Sequence[Widget]


def place(rows: Sequence[Row]) -> Iterator[Json]:
    """Place the rows below each other."""
    top = 0
    for row in rows:
        left = 0
        for number, widget in enumerate(row.widgets, 1):
            width = COLUMNS - left if number == len(row.widgets) else widget.width
            where = {"x": left, "y": top, "width": width, "height": row.height}
            yield {"type": widget.kind, **where, "properties": widget.properties}
            left += width
        top += row.height


def text(width: int, markdown: str) -> Widget:
    """A text in Markdown."""
    return Widget("text", width, {"markdown": markdown, "background": "transparent"})


def alarms(width: int, title: str, names: Sequence[str]) -> Widget:
    """The states of alarms, by logical id."""
    return Widget("alarm", width, {"title": title, "alarms": [f"${{{name}.Arn}}" for name in names]})


def graph(width: int, title: str, metrics: Sequence[Metric], *, stacked: bool = False, period: int = _PERIOD) -> Widget:
    """Metrics over time."""
    view = {"view": "timeSeries", "stacked": stacked, "period": period}
    return Widget("metric", width, {"title": title, "region": REGION, **view, "metrics": list(metrics)})


def numbers(width: int, title: str, metrics: Sequence[Metric], *, period: int) -> Widget:
    """The newest value of each metric."""
    view = {"view": "singleValue", "period": period}
    return Widget("metric", width, {"title": title, "region": REGION, **view, "metrics": list(metrics)})


def log(width: int, title: str, query: str) -> Widget:
    """A table of the answers to a saved query."""
    shown = {"view": "table", "query": queries.for_dashboard(query)}
    return Widget("log", width, {"title": title, "region": REGION, **shown})


def metric(namespace: str, name: str, dimensions: Sequence[str], statistic: str, **shown: object) -> Metric:
    """A metric by its names and the values of its dimensions, with options such as `label`, `id` and `visible`."""
    return [namespace, name, *dimensions, {"stat": statistic, **shown}]


def total(namespace: str, name: str, dimensions: Sequence[str], **shown: object) -> Metric:
    """The sum of a metric over each period."""
    return metric(namespace, name, dimensions, "Sum", **shown)


def hidden(identifier: str, of: Metric) -> Metric:
    """A metric that is only used in expressions, by this id."""
    return [*of[:-1], {**of[-1], "id": identifier, "visible": False}]


def math(expression: str, label: str = "", identifier: str = "") -> Metric:
    """Metric math, or a search."""
    named = {"label": label} if label else {}
    return [{"expression": expression, **named, **({"id": identifier} if identifier else {})}]


def search(schema: str, where: str, name: str, statistic: str) -> Metric:
    """All metrics of that name with the dimensions of the schema and the values given in `where`."""
    found = " ".join(filter(None, (f"{{{schema}}}", where, f'MetricName="{name}"')))
    return math(f"SEARCH('{found}', '{statistic}', {_PERIOD})")
