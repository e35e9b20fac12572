"""The only place where the command line writes to a person or asks one: text of others is escaped here.

Keys, messages, error details, file names and tables come from services and files that may be hostile. `say`, `show` and
the rest escape all of it (see `_escaped`), on a terminal and in a pipe alike; only `raw` does not. tests/cli holds that
nothing else writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import click

from configsvc_client.cli import _escaped

MASK = "••••••••"


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
    """Write one row of a table without borders to stdout."""
    click.echo(_encodable("  ".join(map(_escaped.cell, cells))))


def show_fields(fields: Iterable[str]) -> None:
    """Write a tab-separated line to stdout."""
    click.echo(_encodable("\t".join(map(_escaped.field, fields))))


def show_json(found: object, indent: int | None = None) -> None:
    """Write JSON to stdout."""
    click.echo(_encodable(_escaped.as_json(found, indent)))


def show_value(text: str) -> None:
    """Write a value to a terminal: its line feeds and tabs work, everything else is escaped."""
    click.echo(_encodable(_escaped.lines(text)))


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
    """Write a table to stdout."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD if heading else None, show_header=heading)
    for column in columns:
        drawn.add_column(column, overflow="fold")  # an ARN that is cut off is of no use
    for row in rows:
        drawn.add_row(*(Text(_encodable(_escaped.cell(each))) for each in row))
    Console().print(drawn)


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
