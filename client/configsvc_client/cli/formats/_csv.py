"""CSV files (RFC 4180) with a header line: key, value and optionally content_type."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from configsvc.model.content_types import KINDS, LISTED, TEXT
from configsvc.model.snapshot import is_content_type
from configsvc_client.cli.formats import _common
from configsvc_client.cli.formats._common import (
    FileRow,
    FormattedFile,
    Problem,
    ReadResult,
    WritableValue,
    decode_base64,
    split_problems,
)

SEPARATORS = (",", ";", "\t", "|")
"""Excel writes a semicolon if the locale's decimal sign is a comma."""

_SEP = re.compile(r'(?P<quote>"?)sep=(?P<separator>.)(?P=quote)(?:\r\n|\r|\n|\Z)', re.IGNORECASE)


class Cell(NamedTuple):
    """A text with its place in the file; `repr` never shows it."""

    line: int
    column: int
    text: str

    def __repr__(self) -> str:
        return f"Cell(line={self.line}, column={self.column}, text=***)"

    @property
    def place(self) -> str:
        """The place as shown to the user."""
        return _common.name_place(self.line, self.column)


class BrokenCsv(ValueError):
    """A quote is not closed, or text follows a closing quote. The message is the place."""


def find_named_separator(text: str) -> tuple[str, str, int]:
    """The separator from Excel's first line `sep=;`, if any; the remaining text, and the number of its first line."""
    found = _SEP.match(text)
    return (found["separator"], text[found.end() :], 2) if found else ("", text, 1)


def read_records(text: str, separator: str, line: int = 1) -> Iterator[list[Cell]]:
    """Yields the records that are not blank.

    Args:
        text: of the file.
        separator: one character.
        line: the number of the first line.

    Raises:
        BrokenCsv: the text is not CSV. The message is the place.
    """
    apart = re.escape(separator)
    field = re.compile(
        rf'(?:"((?>[^"]*(?:""[^"]*)*))"|((?!")[^{apart}\r\n]*))({apart}|\r\n|\r|\n|\Z)',
    )
    at, record = 0, list[Cell]()
    while at < len(text) or record:
        found = field.match(text, at)
        if not found:
            raise BrokenCsv(_common.name_place(line, len(record) + 1))
        quoted, plain, end = found.groups()
        record.append(Cell(line, len(record) + 1, plain if quoted is None else quoted.replace('""', '"')))
        line += _count_breaks(found[0])
        at = found.end()
        if end != separator:
            if any(cell.text.strip() for cell in record):
                yield record
            record = []


def _count_breaks(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


COLUMNS = ("key", "value", "content_type")

_BROKEN = "a quote is not closed, or text follows a closing quote"
_NO_NAMES = "the first line must name the columns: key, value and, if needed, content_type"


def read(text: str) -> ReadResult:
    """Reads the rows below the header line."""
    return split_problems(_iter_rows(text))


def list_ignored(text: str) -> list[str]:
    """The names of the columns that are not read. `read` must accept the text."""
    named, rest, _ = find_named_separator(text)
    names = next(read_records(rest, named or _find_separator(rest)), [])
    return [cell.text.strip() for cell in names if cell.text.strip() and _normalize_column(cell) not in COLUMNS]


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes a line per value with its content type; bytes in base64."""
    del namespace
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    lines.writerows((value.key, _render_cell(value), value.content_type) for value in values)
    return out.getvalue(), []


def _iter_rows(text: str) -> Iterator[FileRow | Problem]:
    named, rest, first = find_named_separator(text)
    try:
        separator = named or _find_separator(rest)
        found = read_records(rest, separator, first)
        names = next(found, [Cell(first, 1, "")])
        columns = {_normalize_column(cell): cell.column - 1 for cell in reversed(names)}
        if not {"key", "value"} <= set(columns):
            yield Problem(_common.name_place(names[0].line), None, _NO_NAMES)
            return
        yield from _iter_duplicates(names)
        unnamed = [cell.column - 1 for cell in names if not cell.text.strip()]
        for record in found:
            yield _read_row(record, columns, [*unnamed, *range(len(names), len(record))])
    except BrokenCsv as error:
        yield Problem(str(error), None, _BROKEN)


def _find_separator(text: str) -> str:
    """The separator that splits the header line into key, value and more."""
    for separator in SEPARATORS:
        try:
            names = next(read_records(text, separator), [])
        except BrokenCsv:
            continue
        if {"key", "value"} <= {_normalize_column(cell) for cell in names}:
            return separator
    return ","


def _normalize_column(cell: Cell) -> str:
    """The normalized name of a column: `Content Type` and `content-type` become `content_type`."""
    return re.sub(r"[ -]+", "_", cell.text.strip().lower())


def _iter_duplicates(names: Sequence[Cell]) -> Iterator[Problem]:
    seen = set[str]()
    for cell in names:
        name = _normalize_column(cell)
        if name in seen and name in COLUMNS:
            yield Problem(cell.place, None, f"a second column named {name}")
        seen.add(name)


def _read_row(record: Sequence[Cell], columns: Mapping[str, int], unnamed: Sequence[int]) -> FileRow | Problem:
    cells = {name: record[index] for name, index in columns.items() if index < len(record)}
    line = record[0].line
    key = cells["key"].text.strip() if "key" in cells else ""
    if not key:
        return Problem(_common.name_place(line, columns["key"] + 1), None, "the key is empty")
    stray = next((record[index] for index in unnamed if index < len(record) and record[index].text), None)
    if stray:
        return Problem(stray.place, key, "a cell without a column name; put values with a separator in quotes")
    if "value" not in cells:
        # The key is not shown: it may be a line of a value that should have been in quotes.
        return Problem(_common.name_place(line, columns["value"] + 1), None, "the value is missing")
    kind = cells["content_type"].text.strip() if "content_type" in cells else ""
    return _make_row(line, key, cells["value"], kind or TEXT, columns.get("content_type", 0) + 1)


def _make_row(line: int, key: str, value: Cell, kind: str, column: int) -> FileRow | Problem:
    if not is_content_type(kind):
        reason = f"content_type must be {LISTED}"
        return Problem(_common.name_place(line, column), key, reason)
    if KINDS[kind].is_text:
        return FileRow(_common.name_place(line), key, value.text.encode(), kind)
    try:
        return FileRow(_common.name_place(line), key, decode_base64(value.text), kind)
    except ValueError:
        return Problem(value.place, key, f"not base64, which {kind} requires here")


def _render_cell(value: WritableValue) -> str:
    is_text = KINDS[value.content_type].is_text
    return value.data.decode() if is_text else base64.b64encode(value.data).decode()
