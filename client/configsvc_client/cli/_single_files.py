"""`--file KEY=PATH` of an import: keys that have a file each."""

from __future__ import annotations

from collections.abc import Iterable

import click

from configsvc_client.cli import _empty, _values
from configsvc_client.cli.formats import Row


def rows(given: Iterable[str], *, allow_empty: bool) -> dict[str, Row]:
    """The keys with what their files hold.

    Raises:
        click.UsageError: it is not KEY=PATH, or a key comes twice.
        Misconfigured: a file is empty, and nobody said that it may be.
        Unprocessable: a file is far larger than a value can be.
        OSError: a file cannot be read.
    """
    found: dict[str, Row] = {}
    for each in given:
        key, separator, path = each.partition("=")
        if not separator or not key:
            raise click.UsageError("--file takes KEY=PATH.")
        if key in found:
            raise click.UsageError(f"{key} is in --file twice. Take one out.")
        data = _values.of_file(path)
        if _empty.is_blank(data) and not allow_empty:
            raise _empty.refusal(key, _values.origin(None, path, data))
        _values.tell_line_break(key, None, path, data)
        found[key] = Row(path, key, data)
    return found
