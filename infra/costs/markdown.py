"""Tables, paragraphs and amounts of a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

_WIDTH = 120


def dollars(amount: Decimal) -> str:
    """An amount as it is written: cents below 100 dollars, and more digits only below ten cents."""
    if amount >= 100:  # noqa: PLR2004  # cents say nothing above it
        return f"{amount.quantize(Decimal(1), ROUND_HALF_UP):,}"
    step = Decimal("0.01") if amount >= Decimal("0.1") or not amount else Decimal("0.0001")
    return str(amount.quantize(step, ROUND_HALF_UP))


def number(units: Decimal) -> str:
    """A number of units, with cents only below ten."""
    rounded = units.quantize(Decimal(1) if units >= 10 else Decimal("0.01"), ROUND_HALF_UP)  # noqa: PLR2004
    return f"{rounded:,}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def wrap(text: str, indent: str = "") -> Iterator[str]:
    """The lines of a paragraph."""
    yield from textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def bullets(*texts: str) -> Iterator[str]:
    """The lines of a list."""
    for text in texts:
        yield from wrap(f"- {text}", "  ")
