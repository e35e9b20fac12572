"""The only place where the command line prints and asks. Foreign text is escaped here.

Keys, messages, error details, file names and tables come from services and files that may be hostile. `say`, `show` and
the rest escape all of it (see `escaping`), both on a terminal and in a pipe; only `write_raw` does not. A test in
tests/cli checks that nothing else writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import click

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.output import escaping, stdio

MASK = "••••••••"


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def can_ask(*, hidden: bool = False) -> bool:
    """Whether there is a person to ask: one who types on stdin and sees the question.

    Args:
        hidden: the answer is not shown; such a question goes to the terminal itself, wherever stderr goes.
    """
    return sys.stdin.isatty() and (hidden or sys.stderr.isatty())


def say(*lines: str) -> None:
    """Writes each line to stderr. Line breaks within it are escaped, so that foreign text cannot fake a line.

    A stderr that is closed, full or no longer read does not stop a command.
    """
    for each in lines:
        _write_stderr(escaping.escape_line(each))


def say_folded(*lines: str) -> None:
    """Like `say`, but on a terminal a wide line is folded between words and indented."""
    width = stdio.get_width(sys.stderr) if sys.stderr.isatty() else None
    for each in lines:
        for part in _fold_line(escaping.escape_line(each), width):
            _write_stderr(part)


def _fold_line(text: str, width: int | None) -> list[str]:
    from configsvc_client.cli.output.layout import fold_hanging

    return [text] if width is None else fold_hanging(text, width)


def show(*lines: str) -> None:
    """Writes each line to stdout, escaped as by `say`."""
    for each in lines:
        _write_stdout(_make_encodable(escaping.escape_line(each)))


def show_cells(cells: Iterable[str]) -> None:
    """Writes one table row without borders to stdout, folded to the width of the terminal."""
    for each in _fold_line("  ".join(map(escaping.escape_cell, cells)), stdio.get_width(sys.stdout)):
        _write_stdout(_make_encodable(each))


def show_fields(fields: Iterable[str]) -> None:
    """Writes a tab-separated line to stdout."""
    _write_stdout(_make_encodable("\t".join(map(escaping.escape_field, fields))))


def show_json(found: object, indent: int | None = None) -> None:
    """Writes JSON to stdout."""
    _write_stdout(_make_encodable(escaping.render_json(found, indent)))


def show_value(text: str, on: BinaryIO | None = None) -> None:
    """Writes a value to a terminal, escaped but for line feeds and tabs.

    Args:
        text: the value.
        on: a terminal other than stdout, such as /dev/tty.
    """
    shown = _make_encodable(escaping.escape_lines(text))
    if on:
        click.echo(shown.encode(sys.stdout.encoding or "utf-8"), file=on)
    else:
        _write_stdout(shown)


def write_raw(content: bytes) -> None:
    """Writes bytes to stdout unchanged: a value in a pipe, an exported file, or one of our scripts."""
    _write_stdout(content, end=False)


def flush() -> None:
    """Writes out what stdout still buffers."""
    with stdio.catch_unwritten():
        sys.stdout.flush()


class InputEnded(click.Abort):
    """The input ended (Ctrl-D), so there is no answer."""


def ask(question: str, default: str = "", *, hidden: bool = False, twice: bool = False, empty: bool = False) -> str:
    """Asks on stderr.

    Args:
        question: without a colon.
        default: the meaning of an empty answer; it is shown.
        hidden: do not show the answer.
        twice: ask again and compare.
        empty: accept an empty answer.

    Raises:
        InputEnded: there is no answer.
    """
    shown = f"{question} [{default}]: " if default else f"{question}: "
    while True:
        found = _read_line(shown, hidden=hidden) or default
        if not found and not empty:
            continue
        if not twice or _read_line("Repeat for confirmation: ", hidden=hidden) == found:
            return found
        say("The two entries differ. Try again.")


def choose(question: str, choices: Sequence[str]) -> str:
    """Asks for one of several choices, which begin with different letters; the letter is enough.

    Raises:
        InputEnded: there is no answer.
    """
    while True:
        answer = _read_line(f"{question} ({', '.join(choices)}): ").strip().lower()
        for each in choices:
            if answer and each.startswith(answer):
                return each
        say(f"Type one of: {', '.join(choices)}. The first letter is enough.")


def agree(question: str) -> bool:
    """Asks a yes/no question on stderr; the default is no.

    Raises:
        InputEnded: there is no answer.
    """
    while True:
        answer = _read_line(f"{question} [y/N]: ").strip().lower()
        if answer in ("", "n", "no", "y", "yes"):
            return answer[:1] == "y"
        say("Type y or n.")


def _read_line(question: str, *, hidden: bool = False) -> str:
    """Reads one typed line."""
    if hidden:
        return _read_hidden(question)
    _write_stderr(escaping.escape_line(question), end=False)
    line = sys.stdin.readline()
    if not line:
        say("")  # the cursor is still after the question
        raise InputEnded
    return line.removesuffix("\n")


def _read_hidden(question: str) -> str:
    import getpass

    try:
        return getpass.getpass(escaping.escape_line(question))
    except EOFError:
        raise InputEnded from None
    except KeyboardInterrupt:
        say("")  # the cursor is still after the question
        raise
    except UnicodeDecodeError as error:
        encoding = error.encoding
    # Raised outside: as the context, that error would hold the typed text.
    raise Misconfigured(f"Your input is not text in your locale's encoding ({encoding}). Use a pipe or a file.")


def draw(columns: Sequence[str], rows: Iterable[Sequence[str]], *, heading: bool) -> None:
    """Writes a table to stdout, at most as wide as the terminal; if columns would be too narrow, a record per row."""
    from rich.console import Console

    from configsvc_client.cli.output import drawing, layout

    shown = [tuple(_make_encodable(escaping.escape_cell(each)) for each in row) for row in rows]
    width = stdio.get_width(sys.stdout)
    widths = layout.fit_columns(columns, shown, width) if heading else None
    console = Console(width=width or layout.LIMITLESS)
    with stdio.catch_unwritten():
        if widths:
            console.print(drawing.draw_table(columns, shown, widths))
            return
        for line in drawing.draw_records(layout.lay_out_records(columns, shown, width, empty=not heading)):
            console.print(line, no_wrap=True, overflow="ignore", crop=False)


def draw_record(fields: Iterable[tuple[str, str]]) -> None:
    """Writes one record to stdout, a field per line, folded like a table."""
    pairs = list(fields)
    draw(
        [_make_encodable(escaping.escape_cell(name)) for name, _ in pairs], [[each for _, each in pairs]], heading=False
    )


@contextmanager
def show_progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a progress bar on stderr if that is a terminal. Yields a function that takes the number of new steps."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(escape(escaping.escape_line(label)), total=total)
        yield lambda count: shown.advance(task, count)


def _write_stderr(text: str, *, end: bool = True) -> None:
    try:
        click.echo(text, err=True, nl=end)
    except OSError:
        stdio.give_up_stderr()


def _write_stdout(content: str | bytes, *, end: bool = True) -> None:
    with stdio.catch_unwritten():
        click.echo(content, nl=end)


def _make_encodable(text: str) -> str:
    """Escapes what the encoding of stdout cannot write."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
