"""A CSV file (RFC 4180) with a line of names first: key, value and, where there is one, content_type."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from configsvc.model import limits
from configsvc.model.entry import is_content_type
from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, from_base64, once

COLUMNS = ("key", "value", "content_type")

_FIELD = 2 * limits.MIB
"""The longest field: a stored value is far shorter. Python's own limit, 128 KiB, is not enough."""


def read(text: str) -> Read:
    """The rows below the line of names."""
    before = csv.field_size_limit(_FIELD)
    try:
        return once(_found(text))
    finally:
        csv.field_size_limit(before)


def write(values: Sequence[Value], namespace: str) -> Written:
    """A line a value, with its content type; bytes in base64."""
    del namespace
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    lines.writerows((value.key, _cell(value), value.content_type) for value in values)
    return out.getvalue(), []


def _found(text: str) -> Iterator[Row | Problem]:
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        columns = lines.fieldnames or ()
        if not {"key", "value"} <= set(columns) or not set(columns) <= set(COLUMNS):
            yield Problem("line 1", None, f"the first line names the columns: {', '.join(COLUMNS)}")
            return
        line = lines.line_num + 1
        for fields in lines:
            yield _row(f"line {line}", fields)
            line = lines.line_num + 1
    except csv.Error:
        yield Problem(f"line {line}", None, "not CSV; is a quote left open?")


def _row(place: str, fields: Mapping[str | None, str | None]) -> Row | Problem:
    key, value, kind = fields["key"] or "", fields["value"], fields.get("content_type") or "text/plain"
    if None in fields or value is None:
        return Problem(place, key, "has more or fewer fields than the first line")
    if not is_content_type(kind):
        return Problem(place, key, "content_type is text/plain, application/json or application/octet-stream")
    if kind != "application/octet-stream":
        return Row(place, key, value.encode(), kind)
    try:
        return Row(place, key, from_base64(value), kind)
    except ValueError:
        return Problem(place, key, "the value of application/octet-stream is no base64")


def _cell(value: Value) -> str:
    return (
        base64.b64encode(value.data).decode()
        if value.content_type == "application/octet-stream"
        else (value.data.decode())
    )
