"""What must hold, and what we would like to hold."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One comparison. `ratio` is ours over theirs; it must be at most `gate`. Without a gate it is for orientation.

    Args:
        name: what was compared.
        ratio: ours over theirs, or a count where `theirs` is empty.
        ours, theirs: what stood on both sides, as text.
        gate: the most that is allowed; None when it is only shown.
        stretch: what we would like.
    """

    name: str
    ratio: float
    ours: str
    theirs: str
    gate: float | None = None
    stretch: float | None = None

    @property
    def held(self) -> bool:
        """Whether the gate was held."""
        return self.gate is None or self.ratio <= self.gate

    @property
    def word(self) -> str:
        """How it went."""
        if self.gate is None:
            return "shown"
        if not self.held:
            return "MISSED"
        return "stretch" if self.stretch is not None and self.ratio <= self.stretch else "held"


def milliseconds(seconds: float) -> str:
    """For people: microseconds under a millisecond, nanoseconds under a microsecond."""
    if seconds < 1e-6:  # noqa: PLR2004  # a microsecond
        return f"{seconds * 1e9:.0f} ns"
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.1f} µs"  # noqa: PLR2004  # a millisecond


def fraction(ratio: float) -> str:
    """`1/12.3` below one, `1.23` above; a count as it is."""
    if ratio == int(ratio):
        return f"{ratio:.0f}"
    return f"1/{1 / ratio:.1f}" if 0 < ratio < 0.5 else f"{ratio:.2f}"  # noqa: PLR2004  # where fractions read better


def table(rows: list[Row]) -> str:
    """All rows as aligned text."""
    cells = [("", "ours", "theirs", "ratio", "gate", "")] + [
        (
            row.name,
            row.ours,
            row.theirs,
            fraction(row.ratio),
            "" if row.gate is None else f"≤ {fraction(row.gate)}",
            row.word,
        )
        for row in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
