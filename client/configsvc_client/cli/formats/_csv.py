"""A CSV file (RFC 4180) with a line of names first: key, value and, if it is there, content_type.

Names are read in any case and order. Cells are separated by commas, semicolons, tabs or bars, as the line of names
shows, or as a first line `sep=;` says. Blank rows are skipped, and so are the columns of other names.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from configsvc.model.content_types import KINDS, LISTED, TEXT
from configsvc.model.entry import is_content_type
from configsvc_client.cli.formats import _place
from configsvc_client.cli.formats._cells import SEPARATORS, Broken, Cell, named_separator, records
from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, from_base64, once

COLUMNS = ("key", "value", "content_type")

_BROKEN = "a quote is not closed, or text follows a closing quote"
_NO_NAMES = "the first line must name the columns: key, value, and content_type if needed"


def read(text: str) -> Read:
    """The rows below the line of names."""
    return once(_found(text))


def ignored(text: str) -> list[str]:
    """The names of the columns that are not read; the text is one that `read` takes."""
    named, rest, _ = named_separator(text)
    names = next(records(rest, named or _separator(rest)), [])
    return [cell.text.strip() for cell in names if cell.text.strip() and _column(cell) not in COLUMNS]


def write(values: Sequence[Value], namespace: str) -> Written:
    """A line a value, with its content type; bytes in base64."""
    del namespace
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    lines.writerows((value.key, _cell(value), value.content_type) for value in values)
    return out.getvalue(), []


def _found(text: str) -> Iterator[Row | Problem]:
    named, rest, first = named_separator(text)
    try:
        separator = named or _separator(rest)
        found = records(rest, separator, first)
        names = next(found, [Cell(first, 1, "")])
        columns = {_column(cell): cell.column - 1 for cell in reversed(names)}
        if not {"key", "value"} <= set(columns):
            yield Problem(_place.at(names[0].line), None, _NO_NAMES)
            return
        yield from _named_twice(names)
        unnamed = [cell.column - 1 for cell in names if not cell.text.strip()]
        for record in found:
            yield _row(record, columns, [*unnamed, *range(len(names), len(record))])
    except Broken as error:
        yield Problem(str(error), None, _BROKEN)


def _separator(text: str) -> str:
    """The one that parts the line of names into key, value and more."""
    for separator in SEPARATORS:
        try:
            names = next(records(text, separator), [])
        except Broken:
            continue
        if {"key", "value"} <= {_column(cell) for cell in names}:
            return separator
    return ","


def _column(cell: Cell) -> str:
    """The name of a column, as we write it: `Content Type` and `content-type` are `content_type`."""
    return re.sub(r"[ -]+", "_", cell.text.strip().lower())


def _named_twice(names: Sequence[Cell]) -> Iterator[Problem]:
    seen = set[str]()
    for cell in names:
        name = _column(cell)
        if name in seen and name in COLUMNS:
            yield Problem(cell.place, None, f"a second column named {name}")
        seen.add(name)


def _row(record: Sequence[Cell], columns: Mapping[str, int], unnamed: Sequence[int]) -> Row | Problem:
    cells = {name: record[index] for name, index in columns.items() if index < len(record)}
    line = record[0].line
    key = cells["key"].text.strip() if "key" in cells else ""
    if not key:
        return Problem(_place.at(line, columns["key"] + 1), None, "the key is empty")
    stray = next((record[index] for index in unnamed if index < len(record) and record[index].text), None)
    if stray:
        return Problem(stray.place, key, "a cell without a column name; put a value that holds the separator in quotes")
    if "value" not in cells:
        # The key is left out: it may be a line of a value that should have been in quotes.
        return Problem(_place.at(line, columns["value"] + 1), None, "the value is missing")
    kind = cells["content_type"].text.strip() if "content_type" in cells else ""
    return _typed(line, key, cells["value"], kind or TEXT, columns.get("content_type", 0) + 1)


def _typed(line: int, key: str, value: Cell, kind: str, column: int) -> Row | Problem:
    if not is_content_type(kind):
        reason = f"content_type must be {LISTED}"
        return Problem(_place.at(line, column), key, reason)
    if KINDS[kind].is_text:
        return Row(_place.at(line), key, value.text.encode(), kind)
    try:
        return Row(_place.at(line), key, from_base64(value.text), kind)
    except ValueError:
        return Problem(value.place, key, f"not base64, which {kind} needs here")


def _cell(value: Value) -> str:
    is_text = KINDS[value.content_type].is_text
    return value.data.decode() if is_text else base64.b64encode(value.data).decode()
