"""Draws each kind of widget."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from infra.dashboard_picture import sample, svg
from infra.dashboard_picture.sample import Series

COLUMN, ROW, GAP = 60, 44, 6
TITLE_SIZE = 13
_PADDING = 10
_LINE = 16
_TITLE = 30
_LEGEND = 20
_LINKS = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_TIMES = frozenset({"@timestamp", "since", "last_seen", "first_seen", "time"})
_CELLS, _LEAST_CELL = 6, 110


class Area(NamedTuple):
    """The place of a widget, in pixels."""

    x: float
    y: float
    width: float
    height: float


def place(widget: Mapping[str, Any]) -> Area:
    """The place of a widget, without the gap around it."""
    return Area(
        widget["x"] * COLUMN + GAP / 2,
        widget["y"] * ROW + GAP / 2,
        widget["width"] * COLUMN - GAP,
        widget["height"] * ROW - GAP,
    )


def draw(widget: Mapping[str, Any], alarms: Mapping[str, str]) -> Iterator[str]:
    """Draw a widget. `alarms` are names by logical id."""
    properties, at = widget["properties"], place(widget)
    if widget["type"] == "text":
        yield from _text(at, properties["markdown"])
        return
    yield svg.box(*at)
    yield svg.label(at.x + _PADDING, at.y + 20, properties["title"], size=TITLE_SIZE, bold=True)
    inner = Area(at.x + _PADDING, at.y + _TITLE, at.width - 2 * _PADDING, at.height - _TITLE - _PADDING)
    if widget["type"] == "alarm":
        yield from _alarms(inner, properties["alarms"], alarms)
    elif widget["type"] == "log":
        yield from _table(inner, sample.answer(properties["query"]))
    elif properties["view"] == "singleValue":
        yield from _numbers(inner, properties)
    else:
        yield from _graph(inner, properties)


def _text(at: Area, markdown: str) -> Iterator[str]:
    top = at.y + 4
    for paragraph in _LINKS.sub(r"\1", sample.substitute(markdown)).split("\n"):
        marks = len(paragraph) - len(paragraph.lstrip("#"))
        size = {0: svg.SIZE, 1: 20, 2: 15}[marks]
        for line in svg.wrap(paragraph[marks:].strip(), at.width - 12, size):
            top += size * 1.35
            yield svg.label(at.x + 6, top, line, size=size, bold=bool(marks), fill=svg.INK if marks else svg.MUTED)


def _alarms(at: Area, shown: Sequence[str], names: Mapping[str, str]) -> Iterator[str]:
    columns = max(1, int(at.width // 200))
    width = at.width / columns
    found = [each.removeprefix("${").removesuffix(".Arn}") for each in shown]
    for number, logical_id in enumerate(sorted(found, key=lambda name: name not in sample.ALARMING)):
        row, column = divmod(number, columns)
        alarming = logical_id in sample.ALARMING
        x, y = at.x + column * width, at.y + row * 25
        yield svg.box(x, y, width - 6, 21, stroke=svg.RED if alarming else svg.GREEN)
        mark = "▲" if alarming else "✓"
        name = svg.cut(f"{mark} {sample.substitute(names[logical_id])}", width - 18)
        yield svg.label(x + 6, y + 15, name, fill=svg.RED if alarming else svg.GREEN)


def _numbers(at: Area, properties: Mapping[str, Any]) -> Iterator[str]:
    visible = [each for each in properties["metrics"] if each[-1].get("visible") is not False]
    series = sample.list_series(properties["metrics"])
    height = at.height / len(visible)
    for number, (metric, line) in enumerate(zip(visible, series, strict=True)):
        y = at.y + number * height + height / 2
        value = f"{sample.newest(line, metric, properties['period']):,.2f}".rstrip("0").rstrip(".")
        yield svg.label(at.x, y + 8, value, size=22, bold=True)
        yield svg.label(at.x + 110, y + 7, svg.cut(line.label, at.width - 110), fill=svg.MUTED)


def _graph(at: Area, properties: Mapping[str, Any]) -> Iterator[str]:
    series = sample.list_series(properties["metrics"])
    stacked = _stack(series) if properties.get("stacked") else [each.values for each in series]
    most = _round_up(max(max(values) for values in stacked))
    plot = Area(at.x + 44, at.y + 4, at.width - 48, at.height - _LEGEND - 20)
    yield from _axes(plot, most)
    below = [(x, plot.y + plot.height) for x, _ in _points(plot, stacked[0], most)]
    for number, values in enumerate(stacked):
        points, color = _points(plot, values, most), svg.SERIES[number % len(svg.SERIES)]
        if properties.get("stacked"):
            yield svg.area(points, below, color)
            below = points
        yield svg.path(points, color)
    yield from _legend(Area(at.x, at.y + at.height - 6, at.width, _LEGEND), [each.label for each in series])


def _stack(series: Sequence[Series]) -> list[tuple[float, ...]]:
    done, total = list[tuple[float, ...]](), (0.0,) * sample.MINUTES
    for each in series:
        total = tuple(one + other for one, other in zip(total, each.values, strict=True))
        done.append(total)
    return done


def _axes(plot: Area, most: float) -> Iterator[str]:
    for share in (0, 0.5, 1):
        y = plot.y + plot.height * (1 - share)
        yield svg.path([(plot.x, y), (plot.x + plot.width, y)], svg.GRID, width=1)
        yield svg.label(plot.x - 44, y + 4, f"{most * share:,g}", size=11, fill=svg.MUTED)
    for share, time in ((0, "08:00"), (0.5, "08:30"), (1, "09:00")):
        x = plot.x + plot.width * share - svg.measure(time, 11) * share
        yield svg.label(x, plot.y + plot.height + 14, time, size=11, fill=svg.MUTED)


def _points(plot: Area, values: Sequence[float], most: float) -> list[tuple[float, float]]:
    step = plot.width / (len(values) - 1)
    return [(plot.x + number * step, plot.y + plot.height * (1 - value / most)) for number, value in enumerate(values)]


def _round_up(value: float) -> float:
    """The end of an axis: the next of 1, 2 or 5 with noughts."""
    end = 1.0
    while end < value:
        end *= 2.5 if str(end).strip("0.").startswith("2") else 2
    return end


def _legend(at: Area, labels: Sequence[str]) -> Iterator[str]:
    x = at.x
    for number, text in enumerate(labels):
        width = svg.measure(text, 11) + 24
        if x + width > at.x + at.width:
            return
        yield svg.box(x, at.y - 8, 9, 9, fill=svg.SERIES[number % len(svg.SERIES)], stroke="none")
        yield svg.label(x + 13, at.y, text, size=11, fill=svg.MUTED)
        x += width


def _table(at: Area, rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """As many columns and rows as there is room for: CloudWatch lets you scroll."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    shown = rows[: max(0, int(at.height // _LINE) - 1)]
    x = at.x
    for name in columns:
        cells = [name, *(_format(name, row.get(name, "")) for row in shown)]
        most = max(at.width / _CELLS, _LEAST_CELL, svg.measure(name))
        width = min(most, max(map(svg.measure, cells))) + 14
        if x + width > at.x + at.width:
            return
        for number, text in enumerate(cells):
            yield svg.label(x, at.y + 10 + number * _LINE, svg.cut(text, width - 10), bold=not number)
        x += width


def _format(name: str, text: str) -> str:
    if name not in _TIMES or not text:
        return text
    seconds = float(text) / 1000 if text.replace(".", "").isdigit() else dt.datetime.fromisoformat(text).timestamp()
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%H:%M:%S")
