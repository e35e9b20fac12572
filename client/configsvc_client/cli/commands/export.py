"""Write served values to a file or a pipe.

The values are in the clear. FILE gets mode 0600; without FILE they go to stdout. `configsvc import` reads the
same values back from every format. If a format cannot hold a value, nothing is written, and the formats that can are
named. The file does not say which values were plain.

bash, dash, python-dotenv, npm dotenv and docker compose read the same values from a dotenv file. Texts that they
would read differently are refused: a carriage return, ${NAME}, and some mixtures of quotes, backslashes and $. The
format shell (.sh), which only shells read, holds them. Load it with `. FILE`, or without a file:
`values=$(configsvc export -f shell --variables) && eval "$values"`. The format docker is for `docker run
--env-file` and holds no line breaks. A shell can assign DB_URL but not db.url, so add --variables. Do not use
dotenv-expand: it fills in and runs what values contain, whatever the quotes.

Files written with --variables, or in the formats docker and shell, become the environment of a program. Variables
that are known to run code or to change whom a program trusts are refused, and the policy's exec list says which are
written, as for `configsvc exec`. Do not load a file of another format into an environment. On a terminal, /dev/tty
included, control and invisible characters are shown as escapes; in a file or a pipe everything is exact. A FILE
that is a link is refused. So is one named like a key or a namespace; write ./NAME.

Of several namespaces each key is written once, from the first that serves it, as a consumer reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc.model.errors import Unprocessable
from configsvc_client.cli import _content, _layers, _misread, _options, _settings, _terminal, _typed, _wanted
from configsvc_client.cli._count import counted, first_of
from configsvc_client.cli._destination import STDOUT, destination
from configsvc_client.cli._variable_names import as_stored, as_variables, unassignable
from configsvc_client.cli.formats import ENVIRONMENT_FORMATS, FORMATS, Value, format_of, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Opened


_NAMED = 3
"""Keys that are named in a note; the rest are counted."""


@click.command(help=__doc__)
@_options.namespaces
@click.argument("file", default=STDOUT, type=_typed.FilledPath(dir_okay=False, allow_dash=True))
@click.option("-f", "--format", "wanted", type=click.Choice(FORMATS), help="By the file's ending where left out.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Keys to export, like 'db.*'. Repeatable.")
@click.option("--variables", is_flag=True, help="Name them as exec does: db.url is DB_URL. Not for importing again.")
@click.option("--reveal", is_flag=True, help="Write sealed values to a terminal.")
def command(
    file: str, namespaces: tuple[str, ...], wanted: str | None, *, only: tuple[str, ...], variables: bool, reveal: bool
) -> None:
    _misread.check_format(file, wanted)
    targets, admin = _options.distinct(_options.the_namespaces(namespaces)), _settings.admin()
    snapshots = [admin.values.get_snapshot(each) for each in targets]
    _misread.check_file(file, targets, {entry.key for each in snapshots for entry in each.entries})
    where = destination(file)
    if where.is_terminal and not reveal:
        _check_sealed(snapshots, only)
    kind = wanted or format_of(file)
    opened = _wanted.opened(admin, snapshots, only, "", _admission(kind, variables=variables))
    found = dict(sorted(opened.items()))
    for each in found.values():
        _content.check(each.key, each.data, each.content_type)
    text = _text(kind, as_variables(found) if variables else as_stored(found), targets[0])
    where.write(text)
    if where.name != STDOUT:
        _terminal.say(f"{', '.join(targets)}: {counted(len(found), 'value')} in the clear in {file}")
    if kind == "dotenv" and not variables:
        _tell_unassignable(unassignable(found))
    if len(targets) > 1:
        _tell_sources(snapshots, found)


def _tell_unassignable(keys: Sequence[str]) -> None:
    if keys:
        _terminal.say(f"No shell can assign {first_of(keys, _NAMED)}. For a shell, export with --variables.")


def _tell_sources(snapshots: Sequence[SealedSnapshot], found: Mapping[str, Opened]) -> None:
    """Say how many values each namespace gave, and how many of its keys an earlier one hides."""
    owners = _layers.owners(snapshots)
    hidden: dict[Namespace, int] = {}
    for snapshot in snapshots:
        mine = [each.key for each in snapshot.entries if each.key in found]
        given = sum(owners[key] == snapshot.namespace for key in mine)
        _terminal.say(f"{snapshot.namespace}: {counted(given, 'value')}")
        hidden[snapshot.namespace] = len(mine) - given
    _layers.tell_hidden(hidden)


_LEAVE_OUT = "Leave it out with --only, or name the variable in full in the policy's exec list."
_APART = "Take one of each with --only."


def _admission(kind: str, *, variables: bool) -> _wanted.Admitted:
    """What may be written: a file that is made to become an environment is under the rules of `exec`."""
    if not variables and kind not in ENVIRONMENT_FORMATS:
        return lambda _, keys: keys
    from configsvc_client._variables import Advice
    from configsvc_client.cli._child import Admission

    return Admission(_settings.exec_list, Advice(_LEAVE_OUT, _APART)).admitted


def _check_sealed(snapshots: Sequence[SealedSnapshot], only: Sequence[str]) -> None:
    """Raises click.UsageError where something is sealed: nothing is opened then."""
    owners = _layers.owners(snapshots)
    chosen = _wanted.wanted(owners, only, "")
    sealed = sum(
        entry.key in chosen and owners[entry.key] == each.namespace and entry.form != "plain"
        for each in snapshots
        for entry in each.entries
    )
    if sealed:
        raise click.UsageError(f"{sealed} of these are sealed, and this is a terminal. Name a file, or add --reveal.")


def _text(wanted: str, values: list[Value], namespace: str) -> str:
    text, problems = write(wanted, values, namespace)
    if problems:
        raise Unprocessable(f"Nothing was written: {wanted} cannot hold everything.", problems=[*map(str, problems)])
    return text
