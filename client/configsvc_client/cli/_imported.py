"""What came of an import: told key by key, counted, kept in the file of errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from configsvc.model.content_types import KINDS
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.names import Namespace
from configsvc_client.cli import _error_file, _exit, _output, _terminal
from configsvc_client.cli._count import counted
from configsvc_client.cli._error_file import Refused
from configsvc_client.cli._replacing import AGAIN, STORED
from configsvc_client.cli.formats import Row

if TYPE_CHECKING:
    from configsvc_client.cli._plan import Planned

_OF_LINES = frozenset({"dotenv", "docker", "shell"})
_STAYS = "{}: {} stay in the value as they are; nothing is filled in."
_VARIABLES = "$NAME, ${…}, $(…) or backquotes"
_PLACEHOLDERS = "${…}, <%…%> or {{…}}"
_PLACEHOLDER = re.compile(rb"\$\{[^{}]*\}|<%(?:[^<%]|%(?!>)|<(?!%))*%>|\{\{[^{}]*\}\}")
"""What Spring and envsubst, ERB, and Helm and Jinja put something in place of."""

_STEPS = ("new", "changed", "again", "unchanged", "kept")
_NOTHING = "Nothing was stored ({})."


def report(
    namespace: Namespace, plan: Sequence[Planned], refused: Sequence[Refused], *,
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
        _terminal.say(f"{', '.join(_named(each) for each in refused if each.reason == reason)}: {reason}")
    failed = {each.key for each in refused}
    counts = {step: sum(1 for each in plan if each.step == step and each.draft.key not in failed) for step in _STEPS}
    if _output.kind() == "json" and unstored != "--dry-run":  # the plan was printed then
        done = {step: 0 if unstored and step in STORED else count for step, count in counts.items()}
        _output.record(
            {"namespace": namespace, **done, "renamed": renamed, "failed": [each._asdict() for each in refused]}
        )
        return
    empty = [each.draft.key for each in plan if each.step in STORED and not each.draft.data]
    if empty:  # written out in the file, so taken: but a template that was never filled in looks like this
        _terminal.say(f"Empty {'value' if len(empty) == 1 else 'values'}: {', '.join(empty)}")
    said = ", ".join(f"{count} {step}" for step, count in counts.items() if count) or "nothing to do"
    more = (f", {len(failed)} failed" if failed else "") + (f" ({counted(renamed, 'key')} renamed)" if renamed else "")
    _terminal.say(f"{namespace}: {said}{more}")
    if unstored:
        _terminal.say(_NOTHING.format(unstored))
    elif refused:
        _terminal.say(f"Correct what is named above. {AGAIN}")


def _named(refused: Refused) -> str:
    """A key with the line it is on."""
    return f"{refused.place} ({refused.key})" if refused.place.startswith("line ") else refused.key


def tell_filled_in(rows: Sequence[Row], wanted: str) -> None:
    """Name the keys of values that other readers of the file would fill in: here they are stored as written.

    Args:
        rows: of the file.
        wanted: its format. A line of dotenv or of a shell knows by itself what is filled in; other files are templates
            of the programs that read them, or were to be rendered first.
    """
    keys = [each.key for each in rows if each.filled_in]
    if keys:
        _terminal.say(_STAYS.format(", ".join(keys), _VARIABLES))
    if wanted not in _OF_LINES:
        keys = [each.key for each in rows if _is_template(each)]
        if keys:
            _terminal.say(_STAYS.format(", ".join(keys), _PLACEHOLDERS))


def _is_template(row: Row) -> bool:
    """Whether a text, or one in JSON, has a placeholder of templates."""
    return KINDS[row.content_type].is_text and bool(_PLACEHOLDER.search(row.data))


def listed(rows: Mapping[str, Row], failures: Mapping[str, ConfigsvcError]) -> list[Refused]:
    """The failures with the places of their rows."""
    return [
        Refused(rows[key].place if key in rows else "", key, error.code, _exit.reason_of(error))
        for key, error in failures.items()
    ]  # fmt: skip


def kept(places: Sequence[Path], refused: Sequence[Refused]) -> None:
    """Writes the file of errors to the first place that takes it, or removes that of an earlier run."""
    if not refused:
        for path in places:
            _error_file.forget(path)
        return
    for path in places:
        try:
            _error_file.write(path, refused)
        except Misconfigured as error:
            _terminal.say(error.detail)
        else:
            _terminal.say(f"What was refused, without values: {path}")
            return
