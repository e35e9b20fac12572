"""Rows and records: tables on a terminal, tab-separated lines in a pipe, or JSON, as `--output` says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from configsvc.model.errors import Misconfigured
from configsvc_client.cli import _common, _streams, _terminal
from configsvc_client.cli._brief import Brief

Kind = Literal["table", "plain", "json"]
Field = object
"""Text, a number, a truth or None; in records also lists and objects of them."""


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


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Field]], brief: Mapping[str, Brief] = MappingProxyType({})
) -> None:
    """Rows under headings. In JSON a list of objects, the headings their members: `content type` is `content_type`.

    Plain has no headings, an empty field for None, and `_escaped.field` escapes.

    Args:
        columns: the headings.
        rows: a field for each column.
        brief: what a person on a terminal gets to see of some columns, by their headings.
    """
    match kind():
        case "json":
            members = [_member(each) for each in columns]
            print_json([dict(zip(members, row, strict=True)) for row in rows])
        case "plain":
            for row in rows:
                _terminal.show_fields(map(_text, row))
        case "table":
            _terminal.draw(columns, _brief(columns, [tuple(map(_text, row)) for row in rows], brief), heading=True)


def _brief(
    columns: Sequence[str], rows: Sequence[Sequence[str]], brief: Mapping[str, Brief]
) -> Iterable[Sequence[str]]:
    if not rows or not brief or not _terminal.is_terminal():
        return rows
    cells = zip(*rows, strict=True)
    return zip(*(brief.get(column, tuple)(each) for column, each in zip(columns, cells, strict=True)), strict=True)


def record(fields: Mapping[str, Field]) -> None:
    """One thing, a field a line; in JSON an object."""
    match kind():
        case "json":
            print_json({_member(name): field for name, field in fields.items()})
        case "plain":
            for name, field in fields.items():
                _terminal.show_fields((name, _text(field)))
        case "table":
            _terminal.draw_record((name, _text(field)) for name, field in fields.items())


def line(columns: Sequence[str], row: Sequence[Field], brief: Mapping[str, Brief] = MappingProxyType({})) -> None:
    """One row of a list without an end, printed at once; in JSON an object on a line of its own. See `table`."""
    match kind():
        case "json":
            found = dict(zip(map(_member, columns), row, strict=True))
            _terminal.show_json(found)
        case "plain":
            _terminal.show_fields(map(_text, row))
        case "table":
            (shown,) = _brief(columns, [tuple(_text(field) or "-" for field in row)], brief)
            _terminal.show_cells(shown)


def done(told: str, fields: Mapping[str, Field]) -> None:
    """What a write did: a line on stderr for people, or an object on stdout in JSON.

    Raises:
        Unwritten: stdout did not take it. It is on stderr then, for the write is done.
    """
    if kind() != "json":
        _terminal.say(told)
        return
    try:
        print_json(fields)
        _terminal.flush()
    except _streams.Unwritten:
        _terminal.say(told)
        raise


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
    _terminal.show_json(found, indent=2)
