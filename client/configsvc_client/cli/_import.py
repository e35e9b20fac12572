"""`configsvc import`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.names import Namespace
from configsvc_client.cli import _exit, _options, _output, _settings

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, Draft
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

    target = _options.the_namespace(namespace)
    found, refused = drafts(_values(file, files), Rules(plain, as_json, declassify))
    admin = _settings.admin()
    plan = _planned(admin, target, found)
    failures = dict(refused)
    if dry_run:
        _show(plan)
    else:
        failures |= _stored(admin, target, [each for each in plan if each.step != "unchanged"], message)
    return _told(target, plan, failures, dry_run=dry_run)


def _values(file: TextIO, files: Sequence[str]) -> dict[str, bytes]:
    """All values by key, as the file and --file give them.

    Raises:
        click.UsageError: a line that cannot be taken; nothing is stored then, for a key could be cut in two.
    """
    from configsvc_client.cli._dotenv import rows

    try:
        found, problems = rows(file.read())
    except UnicodeDecodeError:
        raise click.UsageError("The file is not UTF-8 text.") from None
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


def _planned(admin: Admin, namespace: Namespace, drafts: Sequence[Draft]) -> list[Planned]:
    """The plan; what this caller may not open, or has pinned no KMS key for, is put again."""
    from configsvc_client.cli._plan import plan, to_open

    snapshot = admin.snapshot(namespace)
    try:
        opened = admin.open_all(snapshot, to_open(drafts, snapshot.entries))
    except Misconfigured:
        opened = {}
    return plan(drafts, snapshot.entries, opened)


def _show(plan: Sequence[Planned]) -> None:
    _output.table(
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
    for detail in dict.fromkeys(error.detail for error in failures.values()):
        keys = ", ".join(key for key, error in failures.items() if error.detail == detail)
        click.echo(f"{keys}: {detail}", err=True)
    counts = {step: sum(1 for each in plan if each.step == step and each.draft.key not in failures) for step in _STEPS}
    told = ", ".join(f"{count} {step}" for step, count in counts.items() if count) or "nothing to do"
    click.echo(f"{namespace}: {told}{f', {len(failures)} failed' if failures else ''}", err=True)
    if dry_run:
        click.echo("Nothing was stored (--dry-run).", err=True)
    elif failures:
        click.echo("Correct what is told above and run it again: what is stored already is left alone.", err=True)
    return _exit.code_of(next(iter(failures.values()))) if failures else 0
