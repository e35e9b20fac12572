"""A bar chart on a logarithmic scale, as SVG."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

_LABELS, _WIDTH, _ROW, _TOP, _NOTES = 330, 380, 26, 44, 250
_FONT = "font-family='system-ui, sans-serif' font-size='13'"


class Bar(NamedTuple):
    """One comparison: what, how many times, and the figures behind it."""

    name: str
    times: float
    note: str


def plot(title: str, bars: list[Bar]) -> str:
    """The chart; its scale ends at the power of ten above the longest bar."""
    decades = max(1, math.ceil(math.log10(max(bar.times for bar in bars))))
    height = _TOP + _ROW * len(bars) + 10
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_LABELS + _WIDTH + _NOTES}' height='{height}' {_FONT}>",
        f"<rect width='100%' height='100%' fill='white'/><text x='{_LABELS}' y='16'>{escape(title)}</text>",
        *(_grid(decade, decades, height) for decade in range(decades + 1)),
        *(_bar(number, bar, decades) for number, bar in enumerate(bars)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(decade: int, decades: int, height: int) -> str:
    x = _LABELS + _WIDTH * decade / decades
    return (
        f"<line x1='{x:.0f}' y1='{_TOP - 6}' x2='{x:.0f}' y2='{height - 8}' stroke='#ddd'/>"
        f"<text x='{x:.0f}' y='{_TOP - 10}' fill='#666' text-anchor='middle'>{10**decade}</text>"
    )


def _bar(number: int, bar: Bar, decades: int) -> str:
    y, long = _TOP + _ROW * number, _WIDTH * max(0.0, math.log10(bar.times)) / decades
    return (
        f"<text x='{_LABELS - 8}' y='{y + 14}' text-anchor='end'>{escape(bar.name)}</text>"
        f"<rect x='{_LABELS}' y='{y}' width='{long:.0f}' height='18' fill='#2a6f97'/>"
        f"<text x='{_LABELS + long + 6:.0f}' y='{y + 14}' fill='#333'>{bar.times:.3g} times  "
        f"<tspan fill='#777' font-size='11'>{escape(bar.note)}</tspan></text>"
    )
