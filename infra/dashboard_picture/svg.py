"""SVG of texts and lines, with an estimate of how wide a text is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

INK, MUTED, LINK, RED, GREEN, FRAME, GRID = "#16191f", "#545b64", "#0961b8", "#b3261e", "#1d6f42", "#c4c9d0", "#e6e9ed"
SERIES = ("#0961b8", "#b3261e", "#1d6f42", "#8a4fbf", "#a35200", "#00727a")
SIZE = 12
_WIDEST, _WIDE, _NARROW = 1.0, 0.62, 0.31
_WIDEST_LETTERS = frozenset("@mwMW…")
_NARROW_LETTERS = frozenset("ijltf.,:;|!'()[] ")


def measure(text: str, size: float = SIZE) -> float:
    """Estimate the width of a text in a sans-serif font, rather too wide than too narrow."""
    narrow = sum(letter in _NARROW_LETTERS for letter in text)
    widest = sum(letter in _WIDEST_LETTERS for letter in text)
    return (narrow * _NARROW + widest * _WIDEST + (len(text) - narrow - widest) * _WIDE) * size


def cut(text: str, width: float, size: float = SIZE) -> str:
    """The text, shortened to the width."""
    if measure(text, size) <= width:
        return text
    kept = text
    while kept and measure(f"{kept}…", size) > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def wrap(text: str, width: float, size: float = SIZE) -> Iterator[str]:
    """The lines of a paragraph."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and measure(longer, size) > width:
            yield line
            longer = word
        line = longer
    yield line


def label(x: float, y: float, text: str, *, size: float = SIZE, fill: str = INK, bold: bool = False) -> str:
    """A text that begins at this point of its base line."""
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}"{weight}>{escape(text)}</text>'


def box(x: float, y: float, width: float, height: float, *, fill: str = "#ffffff", stroke: str = FRAME) -> str:
    """A rectangle."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3" fill="{fill}" stroke="{stroke}"/>'


def path(points: Sequence[tuple[float, float]], stroke: str, *, width: float = 1.5) -> str:
    """A line through the points."""
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{drawn}" fill="none" stroke="{stroke}" stroke-width="{width:g}"/>'


def area(above: Sequence[tuple[float, float]], below: Sequence[tuple[float, float]], fill: str) -> str:
    """The area between two lines."""
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*above, *reversed(below)))
    return f'<polygon points="{drawn}" fill="{fill}" fill-opacity="0.55"/>'


def document(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """The picture."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" font-family="Helvetica, Arial, \'DejaVu Sans\', sans-serif">'
    )
    back = f'<rect width="{width:g}" height="{height:g}" fill="#f2f3f3"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", back, *parts, "</svg>"]) + "\n"
