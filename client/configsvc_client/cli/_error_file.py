"""The file of what an import refused: where it stands, its key and why. Never a value."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from configsvc_client.cli import _escaped

COLUMNS = ("place", "key", "code", "reason")
_ENDING = ".errors.csv"
_FORMULA = ("=", "+", "-", "@")
_HEADING = ",".join(COLUMNS).encode()


class Refused(NamedTuple):
    """A row that was not stored: its place in the file, key, the error's stable code, and what to do."""

    place: str
    key: str
    code: str
    reason: str


def path_for(name: str, given: str | None) -> Path | None:
    """Where it goes: as asked, else beside the file; nowhere for stdin."""
    if given:
        return Path(given)
    return None if name in ("-", "<stdin>") else Path(name + _ENDING)


def write(path: Path, refused: Iterable[Refused]) -> None:
    """Replace the file, for its owner alone.

    Raises:
        Misconfigured: the folder does not take it.
    """
    from configsvc_client.admin import _private_file

    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    lines.writerows(map(_cell, each) for each in refused)
    _private_file.write(path, out.getvalue().encode())


def _cell(text: str) -> str:
    """A cell that neither a terminal nor a spreadsheet acts on: no formula, and no control character."""
    shown = _escaped.line(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def forget(path: Path) -> None:
    """Remove the one of an earlier run, for it is no longer true; what is no such file stays."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            heading = file.read(len(_HEADING)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        if heading == _HEADING:
            path.unlink()
