"""The results of an import: reported key by key, counted, and kept in the file of errors."""

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
_STAYS = "{}: {} stay in the value as they are; nothing is filled in."
_VARIABLES = "$NAME, ${…}, $(…) or backquotes"
_PLACEHOLDERS = "${…}, <%…%> or {{…}}"
_PLACEHOLDER = re.compile(rb"\$\{[^{}]*\}|<%(?:[^<%]|%(?!>)|<(?!%))*%>|\{\{[^{}]*\}\}")
"""What Spring and envsubst, ERB, and Helm and Jinja put something in place of."""

_STEPS = ("new", "changed", "again", "unchanged", "kept")
_NOTHING = "Nothing was stored ({})."


def report_results(
    namespace: Namespace, plan: Sequence[Planned], refused: Sequence[RefusedRow], *,
    unstored: str | None = None, renamed: int = 0,
) -> None:  # fmt: skip
    """Each refused key with why, and how many there were of each kind.

    Args:
        namespace: that was written to.
        plan: what was to be stored.
        refused: what was not.
        unstored: why nothing was stored.
        renamed: how many keys have another name than in the file.
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
    if empty:  # written out in the file, so taken: but a template that was never filled in looks like this
        terminal.say(f"Empty {'value' if len(empty) == 1 else 'values'}: {', '.join(empty)}")
    said = ", ".join(f"{count} {step}" for step, count in counts.items() if count) or "nothing to do"
    more = (f", {len(failed)} failed" if failed else "") + (f" ({count(renamed, 'key')} renamed)" if renamed else "")
    terminal.say(f"{namespace}: {said}{more}")
    if unstored:
        terminal.say(_NOTHING.format(unstored))
    elif refused:
        terminal.say(f"Correct what is named above. {AGAIN}")


def _name_row(refused: RefusedRow) -> str:
    """A key with the line it is on."""
    return f"{refused.place} ({refused.key})" if refused.place.startswith("line ") else refused.key


def tell_filled_in(rows: Sequence[FileRow], wanted: str) -> None:
    """Name the keys of values that other readers of the file would fill in: here they are stored as written.

    Args:
        rows: of the file.
        wanted: its format. A line of dotenv or of a shell knows by itself what is filled in; other files are templates
            of the programs that read them, or were to be rendered first.
    """
    keys = [each.key for each in rows if each.filled_in]
    if keys:
        terminal.say(_STAYS.format(", ".join(keys), _VARIABLES))
    if wanted not in _OF_LINES:
        keys = [each.key for each in rows if _is_template(each)]
        if keys:
            terminal.say(_STAYS.format(", ".join(keys), _PLACEHOLDERS))


def _is_template(row: FileRow) -> bool:
    """Whether a text, or one in JSON, has a placeholder of templates."""
    return KINDS[row.content_type].is_text and bool(_PLACEHOLDER.search(row.data))


def list_failures(rows: Mapping[str, FileRow], failures: Mapping[str, ConfigsvcError]) -> list[RefusedRow]:
    """The failures with the places of their rows."""
    return [
        RefusedRow(rows[key].place if key in rows else "", key, error.code, exit_codes.get_reason(error))
        for key, error in failures.items()
    ]  # fmt: skip


def keep_failures(places: Sequence[Path], refused: Sequence[RefusedRow]) -> None:
    """Writes the file of errors to the first place that takes it, or removes that of an earlier run."""
    if not refused:
        for path in places:
            forget_error_file(path)
        return
    for path in places:
        try:
            write_error_file(path, refused)
        except Misconfigured as error:
            terminal.say(error.detail)
        else:
            terminal.say(f"What was refused, without values: {path}")
            return


COLUMNS = ("place", "key", "code", "reason")
_ENDING = ".errors.csv"
_FORMULA = ("=", "+", "-", "@")
_HEADING = ",".join(COLUMNS).encode()


class RefusedRow(NamedTuple):
    """A row that was not stored: its place in the file, key, the error's stable code, and what to do."""

    place: str
    key: str
    code: str
    reason: str


def list_places(name: str, given: str | None) -> list[Path]:
    """Where it may go, the first that takes it: as asked; else beside the file, or under its name in this folder.

    Nowhere for stdin and other streams: what was refused is on stderr, and `/dev/fd/63` has no folder of anybody's.

    Args:
        name: of the file that is imported.
        given: as `--errors` names it.

    Raises:
        click.UsageError: no file can be made under the given name.
    """
    if given:
        return _list_given(Path(given))
    path = Path(name + _ENDING)
    return [] if is_stream(name) else list(dict.fromkeys((path, Path(path.name))))


def _list_given(path: Path) -> list[Path]:
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


def write_error_file(path: Path, refused: Iterable[RefusedRow]) -> None:
    """Replace the file, for its owner alone.

    Raises:
        Misconfigured: the folder does not take it.
    """
    from configsvc_client.admin import private_file

    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    lines.writerows(map(_render_cell, each) for each in refused)
    private_file.write_private(path, out.getvalue().encode())


def _render_cell(text: str) -> str:
    """A cell that neither a terminal nor a spreadsheet acts on: no formula, and no control character."""
    shown = escaping.escape_line(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def forget_error_file(path: Path) -> None:
    """Remove the one of an earlier run, for it is no longer true; what is no such file stays."""
    with suppress(OSError):
        if _read_heading(path) == _HEADING:
            path.unlink()


def _is_ours(path: Path) -> bool:
    """Whether a file can be replaced: it is of an earlier run, empty or not there yet. The import's own file is not."""
    try:
        return _read_heading(path) in (_HEADING, b"")
    except OSError:
        return not path.exists()


def _read_heading(path: Path) -> bytes:
    """How a file begins; empty for what is no file.

    Raises:
        OSError: it cannot be read, or is a link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(len(_HEADING)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
