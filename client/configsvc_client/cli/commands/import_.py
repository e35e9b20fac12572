"""Store the values of a file: dotenv, JSON, YAML and others.

Use - for stdin. Each value is sealed unless --plain or your policy names its key. Keys stay as they are in the file
unless an option renames them: mappings are flattened first, then prefixes are stripped, maps applied and separators
replaced. Patterns of other options match the new keys. --dry-run shows both.

Values that are already served are left unchanged, so it is safe to run the command again after a failure. A key that
someone else writes at the same time is refused, not overwritten. Values are stored in change sets of up to 40 keys:
each is all or nothing, and refused keys are reported. On a terminal, the plan is shown, and you are asked before served
values are replaced. An explicit empty value (KEY=) is stored and reported; an empty pipe or --file needs --allow-empty.
In dotenv, docker and shell files, the comment `# configsvc: application/json` marks the next value as JSON.

A dotenv file is read as python-dotenv reads it from a file, so CR LF and CR become LF, also in quotes. Nothing is
expanded or run: values that contain $NAME, ${…}, $(…) or backquotes, which other readers act on, are stored as written
and their keys are named. The same goes for ${…}, <%…%> and {{…}} in other formats. Of shell code (.sh), only plain
assignments are read; other code is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from configsvc.model.errors import ConfigsvcError, Misconfigured, Unavailable
from configsvc.model.names import Namespace
from configsvc_client.cli import common, exit_codes, options
from configsvc_client.cli.formats import FORMATS, FileRow, explain_assumed, guess_format
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import inputs, loading, protection, renaming, replacing, results
from configsvc_client.cli.values.inputs import MOST_OF_A_FILE, is_stream, read_bounded
from configsvc_client.cli.values.renaming import Shaping

if TYPE_CHECKING:
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, Draft, Guarded
    from configsvc_client.cli.values.planning import Planned


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("file", type=click.File("rb"))
@click.option("-f", "--format", "wanted", type=click.Choice(FORMATS), help="Format. Default: by the ending of FILE.")
@renaming.add_options
@protection.add_patterns
@click.option(
    "--json", "as_json", multiple=True, metavar="PATTERN", help="Store the texts of these keys as JSON. Repeatable."
)
@click.option(
    "--file", "files", multiple=True, metavar="KEY=PATH", type=click.UNPROCESSED,
    help="Also store KEY with the content of a file. Repeatable.",
)  # fmt: skip
@inputs.add_allow_empty
@click.option(
    "--declassify", is_flag=True, help="Let --plain keys replace sealed versions (requires the admin action)."
)
@click.option("--dry-run", is_flag=True, help="Show what would be stored and store nothing.")
@click.option("--new-only", is_flag=True, help="Store only keys that are not served yet.")
@click.option("--atomic", is_flag=True, help="Store all or nothing, in one change set of at most 40 keys and 1 MiB.")
@click.option(
    "--errors", metavar="PATH", type=common.FilledPath(dir_okay=False),
    help="Write refused keys here, with reasons and without values. Default: FILE.errors.csv.",
)  # fmt: skip
@options.add_message_option
def command(
    file: BinaryIO, namespace: str | None, wanted: str | None, message: str, *,
    seal: tuple[str, ...], plain: tuple[str, ...], kms: tuple[str, ...], shaping: Shaping,
    as_json: tuple[str, ...], files: tuple[str, ...], declassify: bool, dry_run: bool, new_only: bool, atomic: bool,
    errors: str | None, allow_empty: bool,
) -> int:  # fmt: skip
    from configsvc_client.cli.values.planning import ImportRules, check_sizes, make_drafts

    target = options.choose_target(namespace)
    places = results.list_places(file.name, errors)
    single = read_single_files(files, allow_empty=allow_empty)
    content = _read_content(file, allow_empty=allow_empty)
    shaped = loading.load_rows(file.name, content, wanted, shaping, "Nothing was stored.")
    rows = _merge_rows(shaped.rows, single)
    hint = None if wanted else explain_assumed(file.name)
    if hint:
        terminal.say(hint)
    results.warn_unexpanded(shaped.rows, wanted or guess_format(file.name))
    asked = protection.FormPatterns(seal, plain, kms)
    admin = composition.open_admin()
    protection.check_named(
        rows, asked, as_json, served=lambda: {each.key for each in admin.values.get_snapshot(target).entries}
    )
    found, failures = make_drafts(
        rows.values(), ImportRules(asked, as_json, declassify), partial(admin.values.resolve_form, target)
    )
    found, too_large = check_sizes(found, partial(admin.values.check_size, target))
    origins = shaped.origins if shaping.renames else None
    how = ImportOptions(message, origins, atomic=atomic, dry_run=dry_run, new_only=new_only)
    plan, failures = ImportRun(admin, target, how).run(found, failures | too_large)
    unstored = "--dry-run" if dry_run else "--atomic" if atomic and failures else None
    refused = results.list_failures(rows, failures)
    results.report_results(target, plan, refused, unstored=unstored, renamed=shaped.renamed)
    if not dry_run:
        results.write_failures(places, refused)
    return exit_codes.get_first_code(failures)


def _merge_rows(rows: Sequence[FileRow], files: dict[str, FileRow]) -> dict[str, FileRow]:
    """Merges the rows of the file and of --file, by key.

    Raises:
        click.UsageError: a key is in both.
    """
    by_key = {row.key: row for row in rows}
    for key in by_key.keys() & files.keys():
        raise click.UsageError(f"{key} is in the file and in --file. Remove one of them.")
    return by_key | files


def _read_content(file: BinaryIO, *, allow_empty: bool) -> bytes:
    """Reads the file.

    Raises:
        click.UsageError: the pipe is empty, as a failed command leaves it.
        Unprocessable: it is far larger than a namespace can be.
        OSError: it cannot be read.
    """
    found = read_bounded(file.name, file.read, MOST_OF_A_FILE, "Nothing was stored.")
    if inputs.is_blank(found) and not allow_empty and file.name != os.devnull and is_stream(file.name):
        pipe = "holds only white space" if found else "is empty"
        raise click.UsageError(f"Nothing was stored: the pipe {pipe}. If that is intended: --allow-empty.")
    return found


def read_single_files(given: Iterable[str], *, allow_empty: bool) -> dict[str, FileRow]:
    """Reads the files of --file, by key.

    Raises:
        click.UsageError: it is not KEY=PATH, or a key comes twice.
        Misconfigured: a file is empty, without --allow-empty.
        Unprocessable: a file is far larger than a value can be.
        OSError: a file cannot be read.
    """
    found: dict[str, FileRow] = {}
    for each in given:
        key, separator, path = each.partition("=")
        if not separator or not key:
            raise click.UsageError("--file takes KEY=PATH.")
        if key in found:
            raise click.UsageError(f"{key} is in --file twice. Remove one.")
        data = inputs.read_file(path)
        if inputs.is_blank(data) and not allow_empty:
            raise inputs.refuse_empty(key, inputs.describe_origin(None, path, data))
        inputs.warn_line_break(key, None, path, data)
        found[key] = FileRow(path, key, data)
    return found


Failures = dict[str, ConfigsvcError]
"""Why a key was not stored."""


class ImportOptions(NamedTuple):
    """How to import.

    Args:
        message: for the change log.
        origins: the place of each key in the file, if keys may have been renamed.
        atomic: all or nothing.
        dry_run: show the plan and store nothing.
        new_only: keep all served values.
    """

    message: str
    origins: Mapping[str, str] | None
    atomic: bool
    dry_run: bool
    new_only: bool


class ImportRun:
    """One import into a namespace."""

    def __init__(self, admin: Admin, namespace: Namespace, how: ImportOptions) -> None:
        self._admin = admin
        self._namespace = namespace
        self._how = how

    def run(self, found: Sequence[Draft], failures: Failures) -> tuple[list[Planned], Failures]:
        """Makes the plan, and stores it unless something forbids that.

        Args:
            found: the drafts that can be stored.
            failures: the keys of the file that cannot be stored, and why.

        Returns:
            The plan, empty if an atomic import ended before it; and all failures.

        Raises:
            TooLarge: the namespace has no room for them.
            Unavailable: it is not known whether an atomic import was stored.
            click.exceptions.Exit: the person declined.
        """
        if self._how.atomic and failures and not self._how.dry_run:
            return [], failures
        snapshot = self._admin.values.get_snapshot(self._namespace)
        plan, refused = self._make_plan(found, snapshot)
        to_store = [each.draft for each in plan if each.step in replacing.STORED]
        self._report_changes(plan, to_store, snapshot)
        self._admin.change_sets.check_room(snapshot, to_store)
        failures = {**failures, **refused, **(self._check_one_change_set(to_store) if self._how.atomic else {})}
        if self._how.dry_run:
            self._show(plan)
        elif to_store and not (self._how.atomic and failures):
            self._confirm(plan)
            failures |= self._store(self._admin.values.guard(self._namespace, to_store, snapshot))
        return plan, failures

    def _make_plan(self, found: Sequence[Draft], snapshot: SealedSnapshot) -> tuple[list[Planned], Failures]:
        """Makes the plan, and lists the keys that are refused because nothing says how to store them.

        A value that this caller may not open, or has pinned no KMS key for, is stored again.
        """
        from configsvc_client.cli.values.planning import make_plan, select_to_open

        fresh, kept = replacing.split_new(found, snapshot, new_only=self._how.new_only)
        wanted = select_to_open(fresh, snapshot.entries)
        try:
            opened = self._admin.values.open_entries(snapshot, wanted)
        except Misconfigured:
            opened = self._admin.values.open_entries(snapshot, [each for each in wanted if not each.sealed])
        planned = make_plan(fresh, snapshot.entries, opened)
        named, refused = replacing.choose_forms(self._namespace, planned, ask=not self._how.dry_run)
        return [*named, *kept], refused

    def _report_changes(self, plan: Sequence[Planned], to_store: Sequence[Draft], snapshot: SealedSnapshot) -> None:
        """Reports changes other than those of values: forms and content types."""
        by_kms = {entry.key for entry in snapshot.entries if entry.form == "kms"}
        protection.warn_form_changes([each.key for each in to_store if each.form is None and each.key in by_kms])
        replacing.warn_type_changes(plan, snapshot)

    def _confirm(self, plan: Sequence[Planned]) -> None:
        """Shows a person the plan and asks before it replaces anything. A script is not asked."""
        keys = replacing.list_replaced(plan)
        if keys and terminal.can_ask() and records.get_kind() != "json":
            self._show(plan)
        replacing.confirm_replacing(self._namespace, keys, required=False)

    def _show(self, plan: Sequence[Planned]) -> None:
        """Prints the plan, with the keys in the file if they may have been renamed."""
        origins = self._how.origins
        records.print_table(
            ("key", "step", "form", "content type", "bytes", *(["from"] if origins is not None else [])),
            (
                (
                    each.draft.key, each.step, each.draft.form or "envelope", each.draft.content_type,
                    len(each.draft.data), *([origins.get(each.draft.key, "")] if origins is not None else []),
                )
                for each in plan
            ),
        )  # fmt: skip

    def _store(self, guarded: Guarded) -> Failures:
        if self._how.atomic:
            return {**guarded.overtaken, **self._store_together(guarded)}
        return replacing.store(self._admin, self._namespace, guarded, self._how.message, doing="import into")

    def _check_one_change_set(self, drafts: Sequence[Draft]) -> Failures:
        """Returns why the drafts do not fit into one change set; empty if they do."""
        try:
            self._admin.change_sets.check(self._namespace, drafts, "Import it without --atomic, or in parts.")
        except ConfigsvcError as error:
            return _spread_error(drafts, error)
        return {}

    def _store_together(self, guarded: Guarded) -> Failures:
        """Stores all drafts in one change set. Returns the failures.

        Raises:
            Unavailable: it is not known whether it was stored.
        """
        if guarded.overtaken:
            return {}
        try:
            self._admin.change_sets.apply(self._namespace, guarded.drafts, self._how.message)
        except Unavailable:
            terminal.say("Either everything was stored or nothing.")
            raise
        except ConfigsvcError as error:
            return _spread_error(guarded.drafts, error)
        return {}


def _spread_error(drafts: Sequence[Draft], error: ConfigsvcError) -> Failures:
    """Assigns an error to the key that it names, or to all keys."""
    named = [each.key for each in drafts if each.key == error.members.get("key")]
    return dict.fromkeys(named or [each.key for each in drafts], error)
