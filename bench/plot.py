"""A bar chart on a logarithmic scale, as SVG."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

_LABELS, _WIDTH, _ROW, _TOP, _NOTES = 330, 380, 26, 78, 330
_FONT = "font-family='system-ui, sans-serif' font-size='13'"
_MET, _MISSED = "#2a6f97", "#c8553d"


class Bar(NamedTuple):
    """One comparison: its name, how many times less we need, the figures behind it, and the gate in the same unit."""

    name: str
    times: float
    note: str
    gate: float | None = None

    @property
    def missed(self) -> bool:
        """Whether there is a gate that it does not reach."""
        return self.gate is not None and self.times < self.gate


class _Scale(NamedTuple):
    """The powers of ten at both ends."""

    low: int
    high: int

    def x(self, times: float) -> float:
        return _LABELS + _WIDTH * (math.log10(times) - self.low) / (self.high - self.low)


def plot(title: str, subtitle: str, bars: list[Bar]) -> str:
    """Render the chart. Bars begin at 1; those below it go left. The scale ends at powers of ten outside all bars."""
    drawn = [value for bar in bars for value in (bar.times, bar.gate) if value]
    scale = _Scale(min(0, math.floor(math.log10(min(drawn)))), max(1, math.ceil(math.log10(max(drawn)))))
    height = _TOP + _ROW * len(bars) + 10
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_LABELS + _WIDTH + _NOTES}' height='{height}' {_FONT}>",
        f"<title>{escape(title)}. {escape(subtitle)}</title>",
        "<rect width='100%' height='100%' fill='white'/>",
        f"<text x='12' y='22' font-size='16' font-weight='bold'>{escape(title)}</text>",
        f"<text x='12' y='42' fill='#666'>{escape(subtitle)}</text>",
        *(_grid(power, scale, height) for power in range(scale.low, scale.high + 1)),
        *(_bar(number, bar, scale) for number, bar in enumerate(bars)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(power: int, scale: _Scale, height: int) -> str:
    x = scale.x(10.0**power)
    return (
        f"<line x1='{x:.0f}' y1='{_TOP - 6}' x2='{x:.0f}' y2='{height - 8}' stroke='{'#ddd' if power else '#888'}'/>"
        f"<text x='{x:.0f}' y='{_TOP - 10}' fill='#666' text-anchor='middle'>{10.0**power:g}</text>"
    )


def _bar(number: int, bar: Bar, scale: _Scale) -> str:
    y, (left, right) = _TOP + _ROW * number, sorted((scale.x(1), scale.x(bar.times)))
    gate = "" if bar.gate is None else _gate(scale.x(bar.gate), y)
    end = max(right, scale.x(bar.gate) if bar.gate else right)
    colour = _MISSED if bar.missed else _MET
    return (
        f"<text x='{_LABELS - 8}' y='{y + 14}' text-anchor='end'>{escape(bar.name)}</text>"
        f"<rect x='{left:.0f}' y='{y}' width='{right - left:.0f}' height='18' fill='{colour}'/>"
        f"{gate}<text x='{end + 6:.0f}' y='{y + 14}' fill='#333'>{bar.times:.3g}{_render_missed(bar)}  "
        f"<tspan fill='#777' font-size='11'>{escape(bar.note)}</tspan></text>"
    )


def _gate(x: float, y: int) -> str:
    return f"<line x1='{x:.0f}' y1='{y - 3}' x2='{x:.0f}' y2='{y + 21}' stroke='black' stroke-width='2'/>"


def _render_missed(bar: Bar) -> str:
    return f"<tspan fill='{_MISSED}'>, gate {bar.gate:.3g} missed</tspan>" if bar.missed else ""
