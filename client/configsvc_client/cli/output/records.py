"""Rows and records: tables on a terminal, tab-separated lines in a pipe, or JSON, as `--output` says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from configsvc.model.errors import Misconfigured
from configsvc_client.cli import common
from configsvc_client.cli.output import stdio, terminal
from configsvc_client.cli.output.words import Brief

OutputKind = Literal["table", "plain", "json"]
OutputField = object
"""A text, number, boolean or None; in records also lists and objects of them."""


def get_kind() -> OutputKind:
    """Returns how to print: by `--output` or CONFIGSVC_OUTPUT, else a table on a terminal and plain in a pipe.

    Raises:
        Misconfigured: CONFIGSVC_OUTPUT is something else.
    """
    match common.get_given("output") or os.environ.get("CONFIGSVC_OUTPUT") or None:
        case "table" | "plain" | "json" as wanted:
            return wanted
        case None:
            return "table" if terminal.is_terminal() else "plain"
    raise Misconfigured(f"CONFIGSVC_OUTPUT must be one of {', '.join(common.OUTPUTS)}.")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[OutputField]], brief: Mapping[str, Brief] = MappingProxyType({})
) -> None:
    """Prints rows under headings; in JSON, a list of objects with a member for each heading, like `content_type`.

    Plain output has no headings, an empty field for None, and the escapes of `escaping.escape_field`.

    Args:
        columns: the headings.
        rows: a field for each column.
        brief: shorter cells for a person on a terminal, by column heading.
    """
    match get_kind():
        case "json":
            members = [_name_member(each) for each in columns]
            print_json([dict(zip(members, row, strict=True)) for row in rows])
        case "plain":
            for row in rows:
                terminal.show_fields(map(_render_text, row))
        case "table":
            terminal.draw(
                columns, _shorten(columns, [tuple(map(_render_text, row)) for row in rows], brief), heading=True
            )


def _shorten(
    columns: Sequence[str], rows: Sequence[Sequence[str]], brief: Mapping[str, Brief]
) -> Iterable[Sequence[str]]:
    if not rows or not brief or not terminal.is_terminal():
        return rows
    cells = zip(*rows, strict=True)
    return zip(*(brief.get(column, tuple)(each) for column, each in zip(columns, cells, strict=True)), strict=True)


def print_record(fields: Mapping[str, OutputField]) -> None:
    """Prints one record, a field per line; in JSON, an object."""
    match get_kind():
        case "json":
            print_json({_name_member(name): field for name, field in fields.items()})
        case "plain":
            for name, field in fields.items():
                terminal.show_fields((name, _render_text(field)))
        case "table":
            terminal.draw_record((name, _render_text(field)) for name, field in fields.items())


def print_line(
    columns: Sequence[str], row: Sequence[OutputField], brief: Mapping[str, Brief] = MappingProxyType({})
) -> None:
    """Prints one row of an endless list immediately; in JSON, one object per line. See `print_table`."""
    match get_kind():
        case "json":
            found = dict(zip(map(_name_member, columns), row, strict=True))
            terminal.show_json(found)
        case "plain":
            terminal.show_fields(map(_render_text, row))
        case "table":
            (shown,) = _shorten(columns, [tuple(_render_text(field) or "-" for field in row)], brief)
            terminal.show_cells(shown)


def report_done(summary: str, fields: Mapping[str, OutputField]) -> None:
    """Reports the result of a write: a line on stderr for people, or an object on stdout in JSON.

    Raises:
        Unwritten: stdout cannot be written. The line goes to stderr then, because the write has happened.
    """
    if get_kind() != "json":
        terminal.say(summary)
        return
    try:
        print_json(fields)
        terminal.flush()
    except stdio.Unwritten:
        terminal.say(summary)
        raise


def _name_member(column: str) -> str:
    return column.lower().replace(" ", "_")


def _render_text(field: OutputField) -> str:
    match field:
        case None:
            return ""
        case bool():
            return "yes" if field else "no"
        case Mapping():
            return json.dumps(field, ensure_ascii=False)
        case list() | tuple():
            return ", ".join(_render_text(each) for each in field)
    return str(field)


def print_json(found: object) -> None:
    """Prints anything as indented JSON."""
    terminal.show_json(found, indent=2)
