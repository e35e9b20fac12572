"""The only place where the command line writes to a person or asks one: text of others is escaped here.

Keys, messages, error details, file names and tables come from services and files that may be hostile. `say`, `show` and
the rest escape all of it (see `_escaped`), on a terminal and in a pipe alike; only `raw` does not. tests/cli holds that
nothing else writes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import click

from configsvc_client.cli import _escaped

MASK = "••••••••"

_USUAL = 80
"""Columns of a terminal that does not know its size."""

_NARROWEST = 8
_LIMITLESS = 1_000_000


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def say(*lines: str) -> None:
    """Write each line to stderr. A line break within one is escaped, so nobody's text becomes a line of its own."""
    for each in lines:
        click.echo(_escaped.line(each), err=True)


def show(*lines: str) -> None:
    """Write each line to stdout, escaped as by `say`."""
    for each in lines:
        click.echo(_encodable(_escaped.line(each)))


def show_cells(cells: Iterable[str]) -> None:
    """Write one row of a table without borders to stdout, folded as wide as the terminal is."""
    from configsvc_client.cli import _fold

    text, width = _encodable("  ".join(map(_escaped.cell, cells))), _width()
    if width is None:
        click.echo(text)
        return
    first, *_ = _fold.fold(text, width)
    click.echo(first)
    for each in _fold.fold(text[len(first) :].lstrip(" "), width - 2) if len(first) < len(text) else ():
        click.echo(f"  {each}")


def show_fields(fields: Iterable[str]) -> None:
    """Write a tab-separated line to stdout."""
    click.echo(_encodable("\t".join(map(_escaped.field, fields))))


def show_json(found: object, indent: int | None = None) -> None:
    """Write JSON to stdout."""
    click.echo(_encodable(_escaped.as_json(found, indent)))


def show_value(text: str, on: BinaryIO | None = None) -> None:
    """Write a value to a terminal: its line feeds and tabs work, everything else is escaped.

    Args:
        text: the value.
        on: a terminal that is not stdout, such as /dev/tty.
    """
    shown = _encodable(_escaped.lines(text))
    click.echo(shown.encode(sys.stdout.encoding or "utf-8") if on else shown, file=on)


def raw(content: bytes) -> None:
    """Write bytes to stdout exactly as they are: a value in a pipe, an exported file, a script of our own."""
    click.echo(content, nl=False)


def flush() -> None:
    """Write out what stdout still buffers."""
    sys.stdout.flush()


def ask(question: str, default: str = "", *, hidden: bool = False, twice: bool = False, empty: bool = False) -> str:
    """Ask on stderr.

    Args:
        question: without a colon.
        default: what an empty answer means; it is shown.
        hidden: do not show what is typed.
        twice: ask again, to compare.
        empty: take an empty answer.
    """
    shown = f"{question} [{default}]" if default else question
    found: str = click.prompt(
        _escaped.line(shown), default=default if default or empty else None, show_default=False, hide_input=hidden,
        confirmation_prompt=twice, err=True,
    )  # fmt: skip
    return found


def choose(question: str, choices: Sequence[str]) -> str:
    """Ask for one of our own choices."""
    found: str = click.prompt(_escaped.line(question), type=click.Choice(choices), err=True)
    return found


def agree(question: str) -> bool:
    """Ask a yes or no question on stderr; no is the default."""
    return click.confirm(_escaped.line(question), err=True)


def draw(columns: Sequence[str], rows: Iterable[Sequence[str]], *, heading: bool) -> None:
    """Write a table to stdout, as wide as the terminal at most; where columns are too narrow, a record for each row."""
    from configsvc_client.cli import _layout

    shown = [tuple(_encodable(_escaped.cell(each)) for each in row) for row in rows]
    width = _width()
    widths = _layout.columns(columns, shown, width) if heading else None
    if widths is None:
        _draw_records(_layout.records(columns, shown, width, empty=not heading), width)
    else:
        _draw_columns(columns, shown, widths)


def draw_record(fields: Iterable[tuple[str, str]]) -> None:
    """Write the fields of one thing to stdout, a field a line and folded as a table is."""
    pairs = list(fields)
    draw([_encodable(_escaped.cell(name)) for name, _ in pairs], [[each for _, each in pairs]], heading=False)


def _draw_columns(columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from configsvc_client.cli import _fold, _layout

    drawn = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _layout.GAP - 1, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        drawn.add_column(Text("\n".join(_fold.fold(column, width))), width=width, no_wrap=True)
    for row in rows:
        drawn.add_row(*(Text("\n".join(_fold.fold(each, width))) for each, width in zip(row, widths, strict=True)))
    Console(width=sum(widths) + _layout.GAP * (len(widths) - 1)).print(drawn)


def _draw_records(records: Iterable[Iterable[tuple[str, str]]], width: int | None) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(width=width or _LIMITLESS)
    for number, lines in enumerate(records):
        if number:
            console.print()
        for label, text in lines:
            console.print(Text.assemble((label, "bold"), text), no_wrap=True, overflow="ignore", crop=False)


def _width() -> int | None:
    """Columns of the terminal, or as COLUMNS says; None in a pipe, where nothing is folded."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said[:6]) > 0:
        return max(_NARROWEST, int(said[:6]))
    if not is_terminal():
        return None
    try:
        found = os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        found = 0
    return max(_NARROWEST, found) if found else _USUAL


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr when a person looks at it; gives a function that takes how many more are done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(escape(_escaped.line(label)), total=total)
        yield lambda count: shown.advance(task, count)


def _encodable(text: str) -> str:
    """The text with escapes for what the encoding of stdout cannot write."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
