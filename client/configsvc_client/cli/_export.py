"""`configsvc export`."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import Unprocessable
from configsvc_client.cli import _content, _layers, _options, _settings, _terminal, _wanted
from configsvc_client.cli.formats import FORMATS, Value, format_of, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Opened

STDOUT = "-"


@click.command("export")
@_options.namespaces
@click.argument("file", default=STDOUT, type=click.Path(dir_okay=False, allow_dash=True))
@click.option("-f", "--format", "wanted", type=click.Choice(FORMATS), help="By the file's ending where left out.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Keys to export, like 'db.*'. Repeatable.")
@click.option("--variables", is_flag=True, help="Name them as exec does: db.url is DB_URL. Not for importing again.")
@click.option("--reveal", is_flag=True, help="Write sealed values to a terminal.")
def command(
    file: str, namespaces: tuple[str, ...], wanted: str | None, *, only: tuple[str, ...], variables: bool, reveal: bool
) -> None:
    """Write what is served, in the clear, to FILE (mode 0600) or, where it is left out, to stdout.

    `configsvc import` reads the same values back from every format. A format that cannot hold a value says so, and
    nothing is written: dotenv and docker hold no bytes, docker no line breaks. Which values were plain is not told in
    the file.

    Files of --variables and of docker become the environment of a program, so a variable that is known to run code or
    to change whom a program trusts is refused, and the exec list of the policy says which are written, as for
    `configsvc exec`. Do not load a file of another format into an environment. On a terminal, control and invisible
    characters are shown as escapes; in a file or a pipe everything is exact.

    Of several namespaces each key is written once, from the first that serves it, as a consumer reads it.
    """
    targets, admin = _options.distinct(_options.the_namespaces(namespaces)), _settings.admin()
    snapshots = [admin.snapshot(each) for each in targets]
    if file == STDOUT and not reveal and _terminal.is_terminal():
        _check_sealed(snapshots, only)
    kind = wanted or format_of(file)
    opened = _wanted.opened(admin, snapshots, only, "", _admission(kind, variables=variables))
    found = dict(sorted(opened.items()))
    for each in found.values():
        _content.check(each.key, each.data, each.content_type)
    text = _text(kind, _named(found) if variables else _values(found), targets[0])
    if file != STDOUT:
        _write(Path(file), text.encode())
        _terminal.say(f"{', '.join(targets)}: {len(found)} values in the clear in {file}")
    elif _terminal.is_terminal():
        _terminal.show_value(text.removesuffix("\n"))
    else:
        _terminal.raw(text.encode())
    if len(targets) > 1:
        _tell_sources(snapshots, found)


def _tell_sources(snapshots: Sequence[SealedSnapshot], found: Mapping[str, Opened]) -> None:
    """Say how many values each namespace gave, and how many of its keys an earlier one hides."""
    owners = _layers.owners(snapshots)
    hidden: dict[Namespace, int] = {}
    for snapshot in snapshots:
        mine = [each.key for each in snapshot.entries if each.key in found]
        given = sum(owners[key] == snapshot.namespace for key in mine)
        _terminal.say(f"{snapshot.namespace}: {given} values")
        hidden[snapshot.namespace] = len(mine) - given
    _layers.tell_hidden(hidden)


_LEAVE_OUT = "Leave it out with --only, or name the variable in full in the policy's exec list."


def _admission(kind: str, *, variables: bool) -> _wanted.Admitted:
    """What may be written: a file that is made to become an environment is under the rules of `exec`."""
    if not variables and kind != "docker":
        return lambda _, keys: keys
    from configsvc_client.cli._child import Admission

    return Admission(_settings.exec_list, _LEAVE_OUT).admitted


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


def _values(found: Mapping[str, Opened]) -> list[Value]:
    return [Value(key, each.data, each.content_type) for key, each in found.items()]


def _named(found: Mapping[str, Opened]) -> list[Value]:
    """Named as variables; two keys that would have one name are refused."""
    from configsvc_client._variables import name_of

    keys: dict[str, str] = {}
    for key in found:
        before = keys.setdefault(name_of(key), key)
        if before != key:
            raise Unprocessable(f"{before} and {key} would both be {name_of(key)}. Rename one of them.", key=key)
    return [each._replace(key=name_of(each.key)) for each in _values(found)]


def _text(wanted: str, values: list[Value], namespace: str) -> str:
    text, problems = write(wanted, values, namespace)
    if problems:
        raise Unprocessable(f"Nothing was written: {wanted} cannot hold everything.", problems=[*map(str, problems)])
    return text


def _write(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all; a pipe or a device that is there is written to.

    A link is replaced and never followed, because whoever made it would choose where the values go. Only those of the
    system are followed: `/dev/stdout`, and `/dev/fd/63` of a shell's `>(…)`.
    """
    from configsvc_client.admin import _private_file
    from configsvc_client.cli._orderly import orderly

    if not _is_stream(path):
        with orderly():
            _private_file.write(path, content)
        return
    link = 0 if _is_of_the_system(path) else os.O_NOFOLLOW
    with os.fdopen(os.open(path, os.O_WRONLY | link | os.O_CLOEXEC), "wb") as stream:
        stream.write(content)


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat(follow_symlinks=_is_of_the_system(path)).st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISLNK(mode)


def _is_of_the_system(path: Path) -> bool:
    return path.absolute().parts[1] in ("dev", "proc") and ".." not in path.parts
