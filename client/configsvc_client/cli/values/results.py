"""The results of an import: reported by key, counted, and written to the error file."""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from configsvc.model.content_types import KINDS
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.names import Namespace
from configsvc_client.cli import exit_codes
from configsvc_client.cli.formats import FileRow
from configsvc_client.cli.output import escaping, records, terminal
from configsvc_client.cli.output.words import count
from configsvc_client.cli.values.inputs import is_stream
from configsvc_client.cli.values.replacing import AGAIN, STORED

if TYPE_CHECKING:
    from configsvc_client.cli.values.planning import Planned


_OF_LINES = frozenset({"dotenv", "docker", "shell"})
_STAYS = "{}: {} are stored unchanged, not expanded."
_VARIABLES = "$NAME, ${…}, $(…) or backquotes"
_PLACEHOLDERS = "${…}, <%…%> or {{…}}"
_PLACEHOLDER = re.compile(rb"\$\{[^{}]*\}|<%(?:[^<%]|%(?!>)|<(?!%))*%>|\{\{[^{}]*\}\}")
"""Placeholders of Spring and envsubst, of ERB, and of Helm and Jinja."""

_STEPS = ("new", "changed", "again", "unchanged", "kept")
_NOTHING = "Nothing was stored ({})."


def report_results(
    namespace: Namespace, plan: Sequence[Planned], refused: Sequence[RefusedRow], *,
    unstored: str | None = None, renamed: int = 0,
) -> None:  # fmt: skip
    """Prints each refused key with its reason, and how many values were new, changed and so on.

    Args:
        namespace: that was written to.
        plan: the values to store.
        refused: the rows that were not stored.
        unstored: why nothing was stored.
        renamed: how many keys are named differently than in the file.
    """
    for reason in dict.fromkeys(each.reason for each in refused):
        terminal.say(f"{', '.join(_name_row(each) for each in refused if each.reason == reason)}: {reason}")
    failed = {each.key for each in refused}
    counts = {step: sum(1 for each in plan if each.step == step and each.draft.key not in failed) for step in _STEPS}
    if records.get_kind() == "json" and unstored != "--dry-run":  # the plan was printed then
        done = {step: 0 if unstored and step in STORED else count for step, count in counts.items()}
        records.print_record(
            {"namespace": namespace, **done, "renamed": renamed, "failed": [each._asdict() for each in refused]}
        )
        return
    empty = [each.draft.key for each in plan if each.step in STORED and not each.draft.data]
    if empty:  # explicit in the file, so accepted; but a template that was never filled in looks the same
        terminal.say(f"Empty {'value' if len(empty) == 1 else 'values'}: {', '.join(empty)}")
    counted = ", ".join(f"{count} {step}" for step, count in counts.items() if count) or "nothing to do"
    more = (f", {len(failed)} failed" if failed else "") + (f" ({count(renamed, 'key')} renamed)" if renamed else "")
    terminal.say(f"{namespace}: {counted}{more}")
    if unstored:
        terminal.say(_NOTHING.format(unstored))
    elif refused:
        terminal.say(f"Correct the errors above. {AGAIN}")


def _name_row(refused: RefusedRow) -> str:
    """A key with its line in the file."""
    return f"{refused.place} ({refused.key})" if refused.place.startswith("line ") else refused.key


def warn_unexpanded(rows: Sequence[FileRow], wanted: str) -> None:
    """Warns of values that other readers of the file would expand: here they are stored as written.

    Args:
        rows: of the file.
        wanted: its format. A row of dotenv or shell knows itself whether it is expanded. In other formats the text is a
            template of the program that reads the file, or should have been rendered first.
    """
    keys = [each.key for each in rows if each.filled_in]
    if keys:
        terminal.say(_STAYS.format(", ".join(keys), _VARIABLES))
    if wanted not in _OF_LINES:
        keys = [each.key for each in rows if _is_template(each)]
        if keys:
            terminal.say(_STAYS.format(", ".join(keys), _PLACEHOLDERS))


def _is_template(row: FileRow) -> bool:
    """Whether a text, or a text in JSON, has a template placeholder."""
    return KINDS[row.content_type].is_text and bool(_PLACEHOLDER.search(row.data))


def list_failures(rows: Mapping[str, FileRow], failures: Mapping[str, ConfigsvcError]) -> list[RefusedRow]:
    """The failures with the places of their rows."""
    return [
        RefusedRow(rows[key].place if key in rows else "", key, error.code, exit_codes.get_reason(error))
        for key, error in failures.items()
    ]  # fmt: skip


def write_failures(places: Sequence[Path], refused: Sequence[RefusedRow]) -> None:
    """Writes the error file to the first place that accepts it, or removes that of an earlier run."""
    if not refused:
        for path in places:
            remove_error_file(path)
        return
    for path in places:
        try:
            write_error_file(path, refused)
        except Misconfigured as error:
            terminal.say(error.detail)
        else:
            terminal.say(f"Refused rows (without values): {path}")
            return


COLUMNS = ("place", "key", "code", "reason")
_ENDING = ".errors.csv"
_FORMULA = ("=", "+", "-", "@")
_HEADING = ",".join(COLUMNS).encode()


class RefusedRow(NamedTuple):
    """A row that was not stored: its place in the file, its key, the error's stable code, and what to do."""

    place: str
    key: str
    code: str
    reason: str


def list_places(name: str, given: str | None) -> list[Path]:
    """The paths to try for the error file: as passed; else next to the file, or under its name in this folder.

    None for stdin and other streams: refused rows are on stderr, and `/dev/fd/63` is not in the user's folder.

    Args:
        name: of the imported file.
        given: the value of `--errors`.

    Raises:
        click.UsageError: no file can be created under that name.
    """
    if given:
        return _list_given(Path(given))
    path = Path(name + _ENDING)
    return [] if is_stream(name) else list(dict.fromkeys((path, Path(path.name))))


def _list_given(path: Path) -> list[Path]:
    if str(path) == os.devnull:
        return []
    if not path.parent.is_dir():
        raise click.UsageError(
            f"The folder of --errors {path} does not exist. Create it, or name another file. Nothing was stored."
        )
    if path.is_dir() or is_stream(str(path)):
        raise click.UsageError(f"--errors {path} is not a file. Name a file. Nothing was stored.")
    if not _is_ours(path):
        raise click.UsageError(
            f"--errors {path} is not an error file, and would be overwritten. Name another file. Nothing was stored."
        )
    return [path]


def write_error_file(path: Path, refused: Iterable[RefusedRow]) -> None:
    """Replaces the error file, readable by its owner only.

    Raises:
        Misconfigured: the file cannot be written.
    """
    from configsvc_client.admin import private_file

    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    lines.writerows(map(_render_cell, each) for each in refused)
    private_file.write_private(path, out.getvalue().encode())


def _render_cell(text: str) -> str:
    """A cell that is safe in a terminal and a spreadsheet: no formula and no control character."""
    shown = escaping.escape_line(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def remove_error_file(path: Path) -> None:
    """Removes the outdated error file of an earlier run. Any other file stays."""
    with suppress(OSError):
        if _read_heading(path) == _HEADING:
            path.unlink()


def _is_ours(path: Path) -> bool:
    """Whether a path can be overwritten: an error file, an empty file or no file, but never the imported file."""
    try:
        return _read_heading(path) in (_HEADING, b"")
    except OSError:
        return not path.exists()


def _read_heading(path: Path) -> bytes:
    """The first bytes of a file; empty if it is not a regular file.

    Raises:
        OSError: the file cannot be read, or is a link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(len(_HEADING)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
