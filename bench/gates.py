"""Gates: the ratios that must be met, and the stretch goals that we would like to meet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison. `ratio` is ours over theirs and must not exceed `gate`. Without a gate it is for orientation.

    Args:
        name: what was compared.
        ratio: ours over theirs, or a count if `theirs` is empty.
        ours, theirs: the figures of both sides, as text.
        gate: the highest ratio allowed; None if the row is only shown.
        stretch: the ratio we would like.
    """

    name: str
    ratio: float
    ours: str
    theirs: str
    gate: float | None = None
    stretch: float | None = None

    @property
    def met(self) -> bool:
        """Whether the gate was met; true without a gate."""
        return self.gate is None or self.ratio <= self.gate

    @property
    def word(self) -> str:
        """The outcome in one word."""
        if self.gate is None:
            return "shown"
        if not self.met:
            return "MISSED"
        return "stretch" if self.stretch is not None and self.ratio <= self.stretch else "met"


def format_duration(seconds: float) -> str:
    """Format a duration: microseconds under a millisecond, nanoseconds under a microsecond."""
    if seconds < 1e-6:  # noqa: PLR2004  # a microsecond
        return f"{seconds * 1e9:.0f} ns"
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.1f} µs"  # noqa: PLR2004  # a millisecond


def format_ratio(ratio: float) -> str:
    """Format a ratio: `1/12.3` below a half, `1.23` above; a whole number as it is."""
    if ratio == int(ratio):
        return f"{ratio:.0f}"
    return f"1/{1 / ratio:.1f}" if 0 < ratio < 0.5 else f"{ratio:.2f}"  # noqa: PLR2004  # where fractions read better


def render_table(rows: list[Row]) -> str:
    """Render the rows as aligned text."""
    cells = [("", "ours", "theirs", "ratio", "gate", "")] + [
        (
            row.name,
            row.ours,
            row.theirs,
            format_ratio(row.ratio),
            "" if row.gate is None else f"≤ {format_ratio(row.gate)}",
            row.word,
        )
        for row in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def summarize_gates(results: Iterable[tuple[str, Iterable[Row]]]) -> str:
    """Name every gate that was missed, by part and row, or say that all were met."""
    missed = [(part, row) for part, rows in results for row in rows if not row.met]
    if not missed:
        return "All gates were met."
    lines = [f"  {part}: {row.name}, {_against(row)}" for part, row in missed]
    return "\n".join([f"{len(lines)} gate{'s were' if len(lines) > 1 else ' was'} missed:", *lines])


def _against(row: Row) -> str:
    gate = "" if row.gate is None else f", gate ≤ {format_ratio(row.gate)}"
    return f"{row.ours}{f' against {row.theirs}' if row.theirs else ''} (ratio {format_ratio(row.ratio)}{gate})"
