"""Rows and records: tables on a terminal, tab-separated lines in a pipe, or JSON, as `--output` says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import click

from configsvc.model.errors import Misconfigured
from configsvc_client.cli import _common, _terminal

Kind = Literal["table", "plain", "json"]
Field = object
"""Text, a number, a truth or None; in records also lists and objects of them."""

# A field of a tab-separated line holds no tab and no line break.
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def kind() -> Kind:
    """How to print: as `--output` or CONFIGSVC_OUTPUT says, else as a table on a terminal and plain in a pipe.

    Raises:
        Misconfigured: CONFIGSVC_OUTPUT is none of them.
    """
    match _common.asked("output") or os.environ.get("CONFIGSVC_OUTPUT") or None:
        case "table" | "plain" | "json" as wanted:
            return wanted
        case None:
            return "table" if _terminal.is_terminal() else "plain"
    raise Misconfigured(f"CONFIGSVC_OUTPUT is one of {', '.join(_common.OUTPUTS)}.")


def table(columns: Sequence[str], rows: Iterable[Sequence[Field]]) -> None:
    """Rows under headings. In JSON a list of objects, the headings their members: `content type` is `content_type`.

    Plain has no headings, an empty field for None, and tabs, line ends and backslashes as C writes them.
    """
    match kind():
        case "json":
            members = [_member(each) for each in columns]
            print_json([dict(zip(members, row, strict=True)) for row in rows])
        case "plain":
            for row in rows:
                click.echo("\t".join(_text(field).translate(_ESCAPED) for field in row))
        case "table":
            _draw(columns, rows, heading=True)


def record(fields: Mapping[str, Field]) -> None:
    """One thing, a field a line; in JSON an object."""
    match kind():
        case "json":
            print_json({_member(name): field for name, field in fields.items()})
        case "plain":
            for name, field in fields.items():
                click.echo(f"{name}\t{_text(field).translate(_ESCAPED)}")
        case "table":
            _draw(("", ""), fields.items(), heading=False)


def line(columns: Sequence[str], row: Sequence[Field]) -> None:
    """One row of a list without an end, printed at once; in JSON an object on a line of its own."""
    match kind():
        case "json":
            found = dict(zip(map(_member, columns), row, strict=True))
            click.echo(json.dumps(found, ensure_ascii=_terminal.is_terminal()))
        case "plain":
            click.echo("\t".join(_text(field).translate(_ESCAPED) for field in row))
        case "table":
            click.echo("  ".join(_terminal.printable(_text(field) or "-") for field in row))


def done(told: str, fields: Mapping[str, Field]) -> None:
    """What a write did: a line on stderr for people, or an object on stdout in JSON."""
    if kind() == "json":
        print_json(fields)
    else:
        click.echo(told, err=True)


def _member(column: str) -> str:
    return column.lower().replace(" ", "_")


def _text(field: Field) -> str:
    match field:
        case None:
            return ""
        case bool():
            return "yes" if field else "no"
        case Mapping():
            return json.dumps(field, ensure_ascii=False)
        case list() | tuple():
            return ", ".join(_text(each) for each in field)
    return str(field)


def print_json(found: object) -> None:
    """Anything as JSON, indented."""
    # Only ASCII on a terminal: JSON itself lets the control characters above 0x7e stand.
    click.echo(json.dumps(found, ensure_ascii=_terminal.is_terminal(), indent=2))


def _draw(columns: Sequence[str], rows: Iterable[Sequence[Field]], *, heading: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD if heading else None, show_header=heading)
    for column in columns:
        drawn.add_column(column, overflow="fold")  # an ARN that is cut off is of no use
    for row in rows:
        drawn.add_row(*(Text(_terminal.printable(_text(field))) for field in row))
    Console().print(drawn)
