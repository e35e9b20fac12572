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
from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

import click

from configsvc_client.cli import (
    _empty,
    _error_file,
    _exit,
    _forms,
    _imported,
    _loaded,
    _options,
    _settings,
    _shaping,
    _single_files,
    _terminal,
    _typed,
)
from configsvc_client.cli._importing import Importing, Ways
from configsvc_client.cli._inputs import MOST_OF_A_FILE, bounded, is_stream
from configsvc_client.cli._shaping import Shaping
from configsvc_client.cli.formats import FORMATS, Row, assumed, format_of


@click.command(help=__doc__)
@_options.one_namespace
@click.argument("file", type=click.File("rb"))
@click.option("-f", "--format", "wanted", type=click.Choice(FORMATS), help="By the file's ending where left out.")
@_shaping.options
@_forms.for_many_keys
@click.option("--json", "as_json", multiple=True, metavar="PATTERN", help="Keys whose texts are JSON. Repeatable.")
@click.option(
    "--file", "files", multiple=True, metavar="KEY=PATH", type=click.UNPROCESSED,
    help="One more key, its value in a file. Repeatable.",
)  # fmt: skip
@_empty.option
@click.option("--declassify", is_flag=True, help="Let --plain keys follow sealed versions (takes the admin action).")
@click.option("--dry-run", is_flag=True, help="Show what would be stored, and store nothing.")
@click.option("--new-only", is_flag=True, help="Store only keys that are not served; keep all others as they are.")
@click.option("--atomic", is_flag=True, help="All or nothing: one change set, so at most 40 keys and 1 MiB stored.")
@click.option(
    "--errors", metavar="PATH", type=_typed.FilledPath(dir_okay=False),
    help="Write the refused keys here, with the reasons and without values. Default: FILE.errors.csv.",
)  # fmt: skip
@_options.message
def command(
    file: BinaryIO, namespace: str | None, wanted: str | None, message: str, *,
    seal: tuple[str, ...], plain: tuple[str, ...], kms: tuple[str, ...], shaping: Shaping,
    as_json: tuple[str, ...], files: tuple[str, ...], declassify: bool, dry_run: bool, new_only: bool, atomic: bool,
    errors: str | None, allow_empty: bool,
) -> int:  # fmt: skip
    from configsvc_client.cli._plan import Rules, drafts, fitting

    target = _options.target(namespace)
    places = _error_file.places(file.name, errors)
    single = _single_files.rows(files, allow_empty=allow_empty)
    content = _content(file, allow_empty=allow_empty)
    shaped = _loaded.loaded(file.name, content, wanted, shaping, "Nothing was stored.")
    rows = _rows(shaped.rows, single)
    hint = None if wanted else assumed(file.name)
    if hint:
        _terminal.say(hint)
    _imported.tell_filled_in(shaped.rows, wanted or format_of(file.name))
    asked = _forms.Wanted(seal, plain, kms)
    admin = _settings.admin()
    _forms.check_named(
        rows, asked, as_json, served=lambda: {each.key for each in admin.values.get_snapshot(target).entries}
    )
    found, failures = drafts(
        rows.values(), Rules(asked, as_json, declassify), partial(admin.values.resolve_form, target)
    )
    found, too_large = fitting(found, partial(admin.values.check_size, target))
    origins = shaped.origins if shaping.renames else None
    ways = Ways(message, origins, atomic=atomic, dry_run=dry_run, new_only=new_only)
    plan, failures = Importing(admin, target, ways).run(found, failures | too_large)
    unstored = "--dry-run" if dry_run else "--atomic" if atomic and failures else None
    refused = _imported.listed(rows, failures)
    _imported.report(target, plan, refused, unstored=unstored, renamed=shaped.renamed)
    if not dry_run:
        _imported.kept(places, refused)
    return _exit.code_of_first(failures)


def _rows(rows: Sequence[Row], files: dict[str, Row]) -> dict[str, Row]:
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
    found = bounded(file.name, file.read, MOST_OF_A_FILE, "Nothing was stored.")
    if _empty.is_blank(found) and not allow_empty and file.name != os.devnull and is_stream(file.name):
        pipe = "holds only white space" if found else "is empty"
        raise click.UsageError(f"Nothing was stored: the pipe {pipe}. If that is right: --allow-empty.")
    return found
