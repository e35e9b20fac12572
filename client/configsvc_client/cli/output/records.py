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
"""Text, a number, a truth or None; in records also lists and objects of them."""


def get_kind() -> OutputKind:
    """How to print: as `--output` or CONFIGSVC_OUTPUT says, else as a table on a terminal and plain in a pipe.

    Raises:
        Misconfigured: CONFIGSVC_OUTPUT is none of them.
    """
    match common.get_given("output") or os.environ.get("CONFIGSVC_OUTPUT") or None:
        case "table" | "plain" | "json" as wanted:
            return wanted
        case None:
            return "table" if terminal.is_terminal() else "plain"
    raise Misconfigured(f"CONFIGSVC_OUTPUT is one of {', '.join(common.OUTPUTS)}.")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[OutputField]], brief: Mapping[str, Brief] = MappingProxyType({})
) -> None:
    """Rows under headings. In JSON a list of objects, the headings their members: `content type` is `content_type`.

    Plain has no headings, an empty field for None, and `_escaped.field` escapes.

    Args:
        columns: the headings.
        rows: a field for each column.
        brief: what a person on a terminal gets to see of some columns, by their headings.
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
    """One thing, a field a line; in JSON an object."""
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
    """One row of a list without an end, printed at once; in JSON an object on a line of its own. See `table`."""
    match get_kind():
        case "json":
            found = dict(zip(map(_name_member, columns), row, strict=True))
            terminal.show_json(found)
        case "plain":
            terminal.show_fields(map(_render_text, row))
        case "table":
            (shown,) = _shorten(columns, [tuple(_render_text(field) or "-" for field in row)], brief)
            terminal.show_cells(shown)


def report_done(told: str, fields: Mapping[str, OutputField]) -> None:
    """What a write did: a line on stderr for people, or an object on stdout in JSON.

    Raises:
        Unwritten: stdout did not take it. It is on stderr then, for the write is done.
    """
    if get_kind() != "json":
        terminal.say(told)
        return
    try:
        print_json(fields)
        terminal.flush()
    except stdio.Unwritten:
        terminal.say(told)
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
    """Anything as JSON, indented."""
    terminal.show_json(found, indent=2)
