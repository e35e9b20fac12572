"""Store the values of a file: dotenv, JSON, YAML and others.

Use - for stdin. Each value is sealed, unless --plain or your policy names its key. Keys stay as they are in the
file, unless an option renames them: mappings are flattened first, then prefixes are stripped, maps applied and
separators replaced. Patterns of other options name the new keys. --dry-run shows both.

Values that are served already are left alone, so it can be run again after a failure; a key that someone else
writes at the same time is refused, not overwritten. Values go in change sets of up to 40 keys: each is all or
nothing, and refused keys are named. On a terminal the plan is shown, and you are asked before served values are
replaced. An explicit empty value (KEY=) is stored and named; an empty pipe or --file needs --allow-empty. In
dotenv, docker and shell files a comment `# configsvc: application/json` says that the next value is JSON.

A dotenv file is read as python-dotenv reads it from a file, so CR LF and CR become LF, in quotes too. Nothing is
filled in or run: keys whose values contain $NAME, ${…}, $(…) or backquotes that other readers act on are named, and
the values are stored as written, and so are ${…}, <%…%> and {{…}} of other formats. Of shell code (.sh) only plain
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
from configsvc_client.cli.formats import FORMATS, FileRow, assumed, format_of
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
@options.one_namespace
@click.argument("file", type=click.File("rb"))
@click.option("-f", "--format", "wanted", type=click.Choice(FORMATS), help="By the file's ending where left out.")
@renaming.add_options
@protection.add_patterns
@click.option("--json", "as_json", multiple=True, metavar="PATTERN", help="Keys whose texts are JSON. Repeatable.")
@click.option(
    "--file", "files", multiple=True, metavar="KEY=PATH", type=click.UNPROCESSED,
    help="One more key, its value in a file. Repeatable.",
)  # fmt: skip
@inputs.allow_empty_option
@click.option("--declassify", is_flag=True, help="Let --plain keys follow sealed versions (takes the admin action).")
@click.option("--dry-run", is_flag=True, help="Show what would be stored, and store nothing.")
@click.option("--new-only", is_flag=True, help="Store only keys that are not served; keep all others as they are.")
@click.option("--atomic", is_flag=True, help="All or nothing: one change set, so at most 40 keys and 1 MiB stored.")
@click.option(
    "--errors", metavar="PATH", type=common.FilledPath(dir_okay=False),
    help="Write the refused keys here, with the reasons and without values. Default: FILE.errors.csv.",
)  # fmt: skip
@options.message
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
    content = _content(file, allow_empty=allow_empty)
    shaped = loading.load_rows(file.name, content, wanted, shaping, "Nothing was stored.")
    rows = _rows(shaped.rows, single)
    hint = None if wanted else assumed(file.name)
    if hint:
        terminal.say(hint)
    results.tell_filled_in(shaped.rows, wanted or format_of(file.name))
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
    ways = Ways(message, origins, atomic=atomic, dry_run=dry_run, new_only=new_only)
    plan, failures = Importing(admin, target, ways).run(found, failures | too_large)
    unstored = "--dry-run" if dry_run else "--atomic" if atomic and failures else None
    refused = results.list_failures(rows, failures)
    results.report_results(target, plan, refused, unstored=unstored, renamed=shaped.renamed)
    if not dry_run:
        results.keep_failures(places, refused)
    return exit_codes.get_first_code(failures)


def _rows(rows: Sequence[FileRow], files: dict[str, FileRow]) -> dict[str, FileRow]:
    """All rows by key, as the file and --file give them.

    Raises:
        click.UsageError: a key is in both.
    """
    by_key = {row.key: row for row in rows}
    for key in by_key.keys() & files.keys():
        raise click.UsageError(f"{key} is in the file and in --file. Remove one of them.")
    return by_key | files


def _content(file: BinaryIO, *, allow_empty: bool) -> bytes:
    """What is in the file.

    Raises:
        click.UsageError: nothing came from a pipe, which is what a command that failed leaves in it.
        Unprocessable: it is far larger than what a namespace holds.
        OSError: it cannot be read.
    """
    found = read_bounded(file.name, file.read, MOST_OF_A_FILE, "Nothing was stored.")
    if inputs.is_blank(found) and not allow_empty and file.name != os.devnull and is_stream(file.name):
        pipe = "holds only white space" if found else "is empty"
        raise click.UsageError(f"Nothing was stored: the pipe {pipe}. If that is right: --allow-empty.")
    return found


def read_single_files(given: Iterable[str], *, allow_empty: bool) -> dict[str, FileRow]:
    """The keys with what their files hold.

    Raises:
        click.UsageError: it is not KEY=PATH, or a key comes twice.
        Misconfigured: a file is empty, and nobody said that it may be.
        Unprocessable: a file is far larger than a value can be.
        OSError: a file cannot be read.
    """
    found: dict[str, FileRow] = {}
    for each in given:
        key, separator, path = each.partition("=")
        if not separator or not key:
            raise click.UsageError("--file takes KEY=PATH.")
        if key in found:
            raise click.UsageError(f"{key} is in --file twice. Take one out.")
        data = inputs.read_file(path)
        if inputs.is_blank(data) and not allow_empty:
            raise inputs.refuse_empty(key, inputs.describe_origin(None, path, data))
        inputs.tell_line_break(key, None, path, data)
        found[key] = FileRow(path, key, data)
    return found


Failures = dict[str, ConfigsvcError]
"""Why a key was not stored."""


class Ways(NamedTuple):
    """How to import.

    Args:
        message: for the change log.
        origins: the place in the file of each key, where keys may have been renamed.
        atomic: all or nothing.
        dry_run: show the plan and store nothing.
        new_only: leave alone what is served.
    """

    message: str
    origins: Mapping[str, str] | None
    atomic: bool
    dry_run: bool
    new_only: bool


class Importing:
    """One import into a namespace."""

    def __init__(self, admin: Admin, namespace: Namespace, ways: Ways) -> None:
        self._admin = admin
        self._namespace = namespace
        self._ways = ways

    def run(self, found: Sequence[Draft], failures: Failures) -> tuple[list[Planned], Failures]:
        """Plan, and store if nothing speaks against it.

        Args:
            found: what could be stored.
            failures: the keys of the file that cannot, and why.

        Returns:
            The plan, empty where an atomic import ends before it; and all failures.

        Raises:
            TooLarge: the namespace has no room for them.
            Unavailable: whether an atomic import was done is not known.
            click.exceptions.Exit: a person said no.
        """
        if self._ways.atomic and failures and not self._ways.dry_run:
            return [], failures
        snapshot = self._admin.values.get_snapshot(self._namespace)
        plan, refused = self._planned(found, snapshot)
        to_store = [each.draft for each in plan if each.step in replacing.STORED]
        self._tell(plan, to_store, snapshot)
        self._admin.change_sets.check_room(snapshot, to_store)
        failures = {**failures, **refused, **(self._unfit(to_store) if self._ways.atomic else {})}
        if self._ways.dry_run:
            self._show(plan)
        elif to_store and not (self._ways.atomic and failures):
            self._agree(plan)
            failures |= self._store(self._admin.values.guard(self._namespace, to_store, snapshot))
        return plan, failures

    def _planned(self, found: Sequence[Draft], snapshot: SealedSnapshot) -> tuple[list[Planned], Failures]:
        """The plan, and what is refused because nothing says how to store it.

        What this caller may not open, or has pinned no KMS key for, is put again.
        """
        from configsvc_client.cli.values.planning import make_plan, select_to_open

        fresh, kept = replacing.split_new(found, snapshot, new_only=self._ways.new_only)
        wanted = select_to_open(fresh, snapshot.entries)
        try:
            opened = self._admin.values.open_entries(snapshot, wanted)
        except Misconfigured:
            opened = self._admin.values.open_entries(snapshot, [each for each in wanted if not each.sealed])
        planned = make_plan(fresh, snapshot.entries, opened)
        named, refused = replacing.name_forms(self._namespace, planned, ask=not self._ways.dry_run)
        return [*named, *kept], refused

    def _tell(self, plan: Sequence[Planned], to_store: Sequence[Draft], snapshot: SealedSnapshot) -> None:
        """Name what changes beside the values: forms and content types."""
        by_kms = {entry.key for entry in snapshot.entries if entry.form == "kms"}
        protection.tell_kms([each.key for each in to_store if each.form is None and each.key in by_kms])
        replacing.tell_types(plan, snapshot)

    def _agree(self, plan: Sequence[Planned]) -> None:
        """Show a person the plan, and ask, before it replaces anything. A script's file says what it wants."""
        keys = replacing.list_replaced(plan)
        if keys and terminal.can_ask() and records.get_kind() != "json":
            self._show(plan)
        replacing.confirm_replacing(self._namespace, keys, required=False)

    def _show(self, plan: Sequence[Planned]) -> None:
        """The plan; with the keys in the file where they may have been renamed."""
        origins = self._ways.origins
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
        if self._ways.atomic:
            return {**guarded.overtaken, **self._together(guarded)}
        return replacing.store(self._admin, self._namespace, guarded, self._ways.message, doing="import into")

    def _unfit(self, drafts: Sequence[Draft]) -> Failures:
        """Why one change set does not take them, where it does not."""
        try:
            self._admin.change_sets.check(self._namespace, drafts, "Import it without --atomic, or in parts.")
        except ConfigsvcError as error:
            return _spread_error(drafts, error)
        return {}

    def _together(self, guarded: Guarded) -> Failures:
        """Store all drafts in one change set, or say why not.

        Raises:
            Unavailable: whether it was done is not known.
        """
        if guarded.overtaken:
            return {}
        try:
            self._admin.change_sets.apply(self._namespace, guarded.drafts, self._ways.message)
        except Unavailable:
            terminal.say("All of it was stored or nothing.")
            raise
        except ConfigsvcError as error:
            return _spread_error(guarded.drafts, error)
        return {}


def _spread_error(drafts: Sequence[Draft], error: ConfigsvcError) -> Failures:
    """The error at the key that it names, or at each."""
    named = [each.key for each in drafts if each.key == error.members.get("key")]
    return dict.fromkeys(named or [each.key for each in drafts], error)
