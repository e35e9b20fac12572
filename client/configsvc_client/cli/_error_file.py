"""The file of what an import refused: the place, key and reason of each row. Never a value."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import click

from configsvc_client.cli import _escaped
from configsvc_client.cli._inputs import is_stream

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


def places(name: str, given: str | None) -> list[Path]:
    """Where it may go, the first that takes it: as asked; else beside the file, or under its name in this folder.

    Nowhere for stdin and other streams: what was refused is on stderr, and `/dev/fd/63` has no folder of anybody's.

    Args:
        name: of the file that is imported.
        given: as `--errors` names it.

    Raises:
        click.UsageError: no file can be made under the given name.
    """
    if given:
        return _given(Path(given))
    path = Path(name + _ENDING)
    return [] if is_stream(name) else list(dict.fromkeys((path, Path(path.name))))


def _given(path: Path) -> list[Path]:
    if str(path) == os.devnull:
        return []
    if not path.parent.is_dir():
        raise click.UsageError(f"There is no folder for --errors {path}. Nothing was stored.")
    if path.is_dir() or is_stream(str(path)):
        raise click.UsageError(f"--errors {path} is not a file. Name one. Nothing was stored.")
    if not _is_ours(path):
        raise click.UsageError(
            f"--errors {path} is a file of something else, which would be lost. Name another. Nothing was stored."
        )
    return [path]


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
        if _heading(path) == _HEADING:
            path.unlink()


def _is_ours(path: Path) -> bool:
    """Whether a file can be replaced: it is of an earlier run, empty or not there yet. The import's own file is not."""
    try:
        return _heading(path) in (_HEADING, b"")
    except OSError:
        return not path.exists()


def _heading(path: Path) -> bytes:
    """How a file begins; empty for what is no file.

    Raises:
        OSError: it cannot be read, or is a link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(len(_HEADING)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
