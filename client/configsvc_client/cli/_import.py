"""`configsvc import`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from configsvc.model.errors import CannotOpen, ConfigsvcError
from configsvc.model.names import Namespace
from configsvc_client.cli import _exit, _options, _settings, _terminal

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, Opened
    from configsvc_client.cli._plan import Planned

_STEPS = ("new", "changed", "again", "unchanged")


@click.command("import")
@_options.one_namespace
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--plain", multiple=True, metavar="PATTERN", help="Keys that are no secrets, like 'feature.*'. Repeatable."
)
@click.option("--json", "as_json", multiple=True, metavar="PATTERN", help="Keys whose values are JSON. Repeatable.")
@click.option(
    "--file", "files", multiple=True, metavar="KEY=PATH", help="One more key, its value in a file. Repeatable."
)
@click.option("--declassify", is_flag=True, help="Let --plain keys follow sealed versions (takes the admin action).")
@click.option("--dry-run", is_flag=True, help="Show what would be stored, and store nothing.")
@_options.message
def command(
    file: TextIO, namespace: str | None, message: str, *,
    plain: tuple[str, ...], as_json: tuple[str, ...], files: tuple[str, ...], declassify: bool, dry_run: bool,
) -> int:  # fmt: skip
    """Store a dotenv FILE (- for stdin): every value sealed, but for the keys that --plain names.

    Keys stay as they are in the file. Values that are served already are left alone, so it can be run again after a
    failure. Values go in change sets of up to 40 keys: each is all or nothing, and what was refused is told by key.
    """
    from configsvc_client.cli._plan import Rules, drafts
    from configsvc_client.cli._plan import plan as planned

    target = _options.the_namespace(namespace)
    found, refused = drafts(_values(file.read(), files), Rules(plain, as_json, declassify))
    failures = dict(refused)
    admin = _settings.admin()
    plan = planned(found, _served(admin, target))
    if dry_run:
        _show(plan)
    else:
        failures |= _stored(admin, target, [each for each in plan if each.step != "unchanged"], message)
    return _told(target, plan, failures, dry_run=dry_run)


def _values(text: str, files: Sequence[str]) -> dict[str, bytes]:
    """All values by key, as the file and --file give them.

    Raises:
        click.UsageError: a line that cannot be taken; nothing is stored then, for a key could be cut in two.
    """
    from configsvc_client.cli._dotenv import rows

    found, problems = rows(text)
    if problems:
        told = [f"line {each.line}{f' ({each.key})' if each.key else ''}: {each.reason}" for each in problems]
        raise click.UsageError("Nothing was stored. " + "\n".join(told))
    values = {row.key: row.text.encode() for row in found}
    for key, path in (_file(each) for each in files):
        if key in values:
            raise click.UsageError(f"{key} stands in the file and in --file. Take one out.")
        values[key] = Path(path).read_bytes()
    return values


def _file(given: str) -> tuple[str, str]:
    key, found, path = given.partition("=")
    if not found:
        raise click.UsageError("--file takes KEY=PATH.")
    return key, path


def _served(admin: Admin, namespace: Namespace) -> Mapping[str, Opened | None]:
    """What is served, opened; None for each sealed value when this caller may not open them."""
    snapshot = admin.snapshot(namespace)
    found: dict[str, Opened | None] = {}
    for entry in snapshot.entries:
        try:
            found[entry.key] = admin.opened(namespace, entry, snapshot)
        except CannotOpen:
            found[entry.key] = None
    return found


def _show(plan: Sequence[Planned]) -> None:
    _terminal.table(
        ("key", "step", "form", "content type", "bytes"),
        ((each.draft.key, each.step, each.draft.form, each.draft.content_type, len(each.draft.data)) for each in plan),
    )


def _stored(admin: Admin, namespace: Namespace, plan: Sequence[Planned], message: str) -> dict[str, ConfigsvcError]:
    """Stores what is planned; the refused keys and why. What stops the whole series stands at each key left."""
    left = {each.draft.key for each in plan}
    failures: dict[str, ConfigsvcError] = {}
    try:
        for each in admin.store(namespace, [each.draft for each in plan], message):
            left.difference_update(each.keys)
            if each.error:
                failures |= dict.fromkeys(each.keys, each.error)
    except ConfigsvcError as error:
        failures |= dict.fromkeys(sorted(left), error)
    return failures


def _told(
    namespace: Namespace, plan: Sequence[Planned], failures: Mapping[str, ConfigsvcError], *, dry_run: bool
) -> int:
    """Says what came of it, and answers the exit code: that of the first key that failed."""
    for key, error in failures.items():
        click.echo(f"{key}: {error.detail}", err=True)
    counts = {step: sum(1 for each in plan if each.step == step and each.draft.key not in failures) for step in _STEPS}
    told = ", ".join(f"{count} {step}" for step, count in counts.items() if count) or "nothing to do"
    click.echo(f"{namespace}: {told}{f', {len(failures)} failed' if failures else ''}", err=True)
    if dry_run:
        click.echo("Nothing was stored (--dry-run).", err=True)
    elif failures:
        click.echo("Correct what is told above and run it again: what is stored already is left alone.", err=True)
    return _exit.code_of(next(iter(failures.values()))) if failures else 0
