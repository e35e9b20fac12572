"""Tables and records as rich draws them, laid out by `layout` and printed by `terminal`.

Imported only when a table is drawn, because rich is slow to load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from configsvc_client.cli.output.layout import GAP, fold


def draw_table(columns: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> Table:
    """Draws rows under headings, in columns of the given widths."""
    drawn = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        drawn.add_column(Text("\n".join(fold(column, width))), width=width, no_wrap=True)
    for row in rows:
        drawn.add_row(*(Text("\n".join(fold(each, width))) for each, width in zip(row, widths, strict=True)))
    return drawn


def draw_records(found: Iterable[Iterable[tuple[str, str]]]) -> Iterator[Text]:
    """Draws the lines of records, with an empty line between two records."""
    for number, lines in enumerate(found):
        if number:
            yield Text()
        for label, text in lines:
            yield Text.assemble((label, "bold"), text)
