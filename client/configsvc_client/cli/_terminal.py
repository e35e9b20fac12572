"""What a person sees on a terminal: masks, tables, and no control characters of others."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click

MASK = "••••••••"

_KEPT = {"\n", "\t"}


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def printable(text: str) -> str:
    """The text without control characters, which could move the cursor or retitle a terminal."""
    return "".join(each if each in _KEPT or each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as a table on a terminal, and as lines of tab-separated fields without a heading in a pipe."""
    if not is_terminal():
        for row in rows:
            click.echo("\t".join("" if field is None else str(field) for field in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, box=SIMPLE_HEAD)
    for row in rows:
        drawn.add_row(*(Text("" if field is None else printable(str(field))) for field in row))
    Console().print(drawn)
