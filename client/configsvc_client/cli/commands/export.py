"""Write served values to a file or a pipe.

Values are written in the clear. FILE gets mode 0600; without FILE they go to stdout. `configsvc import` reads the same
values back from every format. If a format cannot hold a value, nothing is written, and the error names the formats that
can. The file does not record which values were plain.

bash, dash, python-dotenv, npm dotenv and docker compose read the same values from a dotenv file. Texts that they would
read differently are refused: carriage returns, ${NAME}, and some combinations of quotes, backslashes and $. The shell
format (.sh), which only shells read, can hold them. Load it with `. FILE`, or without a file: `values=$(configsvc
export -f shell --variables) && eval "$values"`. The docker format is for `docker run --env-file` and cannot hold line
breaks. A shell can assign DB_URL but not db.url, so add --variables. Do not use dotenv-expand: it expands and runs what
values contain, whatever the quotes.

Files in docker and shell format, and files written with --variables, become the environment of a program. Variables
that are known to run code or to change whom a program trusts are refused, and the exec list of your policy decides
which are written, as for `configsvc exec`. Do not load a file of another format into an environment. On a terminal,
including /dev/tty, control and invisible characters are shown as escapes; files and pipes get the exact values. A FILE
that is a link is refused. So is one named like a key or a namespace; write ./NAME.

With several namespaces, each key is written once, from the first that serves it, as a consumer reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc.model.errors import Unprocessable
from configsvc_client.cli import common, options
from configsvc_client.cli.formats import ENVIRONMENT_FORMATS, FORMATS, WritableValue, guess_format, write
from configsvc_client.cli.output import destinations, terminal
from configsvc_client.cli.output.destinations import STDOUT, find_destination
from configsvc_client.cli.output.words import count, list_first
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import checks, reading
from configsvc_client.cli.values.checks import keep_names, list_unassignable, name_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Opened


_NAMED = 3
"""How many keys a note names; the rest are counted."""


@click.command(help=__doc__)
@options.add_namespaces_option
@click.argument("file", default=STDOUT, type=common.FilledPath(dir_okay=False, allow_dash=True))
@click.option("-f", "--format", "wanted", type=click.Choice(FORMATS), help="Format. Default: by the ending of FILE.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Keys to export, like 'db.*'. Repeatable.")
@click.option(
    "--variables",
    is_flag=True,
    help="Name values as exec does: db.url becomes DB_URL. Such a file is not for importing.",
)
@click.option("--reveal", is_flag=True, help="Show sealed values on a terminal.")
def command(
    file: str, namespaces: tuple[str, ...], wanted: str | None, *, only: tuple[str, ...], variables: bool, reveal: bool
) -> None:
    destinations.check_format(file, wanted)
    targets, admin = options.drop_repeats(options.choose_namespaces(namespaces)), composition.open_admin()
    snapshots = [admin.values.get_snapshot(each) for each in targets]
    destinations.check_file(file, targets, {entry.key for each in snapshots for entry in each.entries})
    where = find_destination(file)
    if where.is_terminal and not reveal:
        _check_sealed(snapshots, only)
    kind = wanted or guess_format(file)
    opened = reading.open_values(admin, snapshots, only, "", _make_admission(kind, variables=variables))
    found = dict(sorted(opened.items()))
    for each in found.values():
        checks.check_content(each.key, each.data, each.content_type)
    text = _render(kind, name_variables(found) if variables else keep_names(found), targets[0])
    where.write(text)
    if where.name != STDOUT:
        terminal.say(f"{', '.join(targets)}: {count(len(found), 'value')} in the clear in {file}")
    if kind == "dotenv" and not variables:
        _report_unassignable(list_unassignable(found))
    if len(targets) > 1:
        _report_sources(snapshots, found)


def _report_unassignable(keys: Sequence[str]) -> None:
    if keys:
        terminal.say(f"No shell can assign {list_first(keys, _NAMED)}. For a shell, export with --variables.")


def _report_sources(snapshots: Sequence[SealedSnapshot], found: Mapping[str, Opened]) -> None:
    """Reports how many values come from each namespace, and how many of its keys an earlier one hides."""
    owners = reading.find_owners(snapshots)
    hidden: dict[Namespace, int] = {}
    for snapshot in snapshots:
        mine = [each.key for each in snapshot.entries if each.key in found]
        given = sum(owners[key] == snapshot.namespace for key in mine)
        terminal.say(f"{snapshot.namespace}: {count(given, 'value')}")
        hidden[snapshot.namespace] = len(mine) - given
    reading.report_hidden(hidden)


_LEAVE_OUT = "Leave it out with --only, or name the variable in full in the policy's exec list."
_APART = "Take one of each with --only."


def _make_admission(kind: str, *, variables: bool) -> reading.Admitted:
    """Chooses what may be written: a file that will become an environment follows the rules of `exec`."""
    if not variables and kind not in ENVIRONMENT_FORMATS:
        return lambda _, keys: keys
    from configsvc_client._reading.variables import Advice
    from configsvc_client.cli.run.child import Admission

    return Admission(composition.get_exec_list, Advice(_LEAVE_OUT, _APART)).admit


def _check_sealed(snapshots: Sequence[SealedSnapshot], only: Sequence[str]) -> None:
    """Refuses sealed values before anything is opened.

    Raises:
        click.UsageError: some values are sealed.
    """
    owners = reading.find_owners(snapshots)
    chosen = reading.select_keys(owners, only, "")
    sealed = sum(
        entry.key in chosen and owners[entry.key] == each.namespace and entry.form != "plain"
        for each in snapshots
        for entry in each.entries
    )
    if sealed:
        raise click.UsageError(
            f"{sealed} of these values are sealed. To show them on a terminal, add --reveal, or name a file."
        )


def _render(wanted: str, values: list[WritableValue], namespace: str) -> str:
    text, problems = write(wanted, values, namespace)
    if problems:
        raise Unprocessable(f"Nothing was written: {wanted} cannot hold everything.", problems=[*map(str, problems)])
    return text
