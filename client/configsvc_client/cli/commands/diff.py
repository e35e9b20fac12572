"""Compare namespaces, revisions or files.

The sides are two namespaces, two revisions of one, a namespace and a FILE, or two FILEs. Values are opened here to be
compared, and shown only with --reveal; one that you cannot open is `unknown`. Files are of any format that
`configsvc import` reads, with the same options that rename keys; they apply to each FILE.

In a pipe: key, change (added, removed, changed, unknown), left, right, separated by tabs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from configsvc.model.names import Namespace
from configsvc_client.cli import _exit, _options, _output, _settings, _shaping, _terminal
from configsvc_client.cli._compared import Compared, compared, of_other_types
from configsvc_client.cli._count import counted
from configsvc_client.cli._shaping import Shaping
from configsvc_client.cli._sides import FileSide, Item, ServedSide, Side
from configsvc_client.cli.formats import FORMATS

if TYPE_CHECKING:
    from configsvc_client.admin import Admin


@click.command(help=__doc__)
@_options.namespaces
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-f", "--format", "wanted", multiple=True, type=click.Choice(FORMATS),
    help="Of the FILE, by its ending where left out. Once for both of two FILEs, or once for each.",
)  # fmt: skip
@_shaping.options
@click.option("--from", "start", type=click.IntRange(min=1), metavar="REVISION", help="Compare two revisions.")
@click.option("--to", "end", type=click.IntRange(min=1), metavar="REVISION", help="Now, where left out.")
@click.option("--reveal", is_flag=True, help="Show the values.")
@click.option("--exit-code", is_flag=True, help="End with 7 if something differs.")
def command(
    namespaces: tuple[str, ...], files: tuple[Path, ...], *, wanted: tuple[str, ...],
    shaping: Shaping, start: int | None, end: int | None, reveal: bool, exit_code: bool,
) -> int:  # fmt: skip
    left, right = _sides(namespaces, _files(files, wanted, shaping), start, end)
    found = compared(left, right, values=reveal)
    _output.table(
        ("key", "change", "left", "right"),
        ((each.key, each.change, *_shown(each, reveal=reveal)) for each in found),
    )
    _tell_types(found if reveal else [])
    _terminal.say(
        f"{left.name} → {right.name}: {counted(len(found), 'key')} {'differs' if len(found) == 1 else 'differ'}"
    )
    return _exit.DIFFERENT if found and exit_code else 0


def _files(paths: tuple[Path, ...], wanted: tuple[str, ...], shaping: Shaping) -> list[FileSide]:
    if (shaping.renames or shaping.as_is) and not paths:
        raise click.UsageError("--flatten, --strip-prefix, --map, --separator and --as-is go with FILE.")
    if wanted and (not paths or len(wanted) not in (1, len(paths))):
        raise click.UsageError("--format goes with FILE: once, or once for each.")
    each = wanted if len(wanted) > 1 else (wanted or (None,)) * len(paths)
    return [FileSide(path, format_, shaping) for path, format_ in zip(paths, each, strict=True)]


def _sides(namespaces: tuple[str, ...], files: list[FileSide], start: int | None, end: int | None) -> tuple[Side, Side]:
    two_files = len(files) == 2  # noqa: PLR2004  # a left and a right one
    if len(files) > 2 or (two_files and (namespaces or start)) or (files and start) or (end and not start):  # noqa: PLR2004
        raise click.UsageError("Two sides: -n A -n B, --from REVISION [--to REVISION], FILE, or FILE FILE.")
    if two_files:
        return files[0], files[1]
    if files:
        return _served(_settings.admin(), _options.the_namespace(_one(namespaces))), files[0]
    if start:
        admin, target = _settings.admin(), _options.the_namespace(_one(namespaces))
        return _served(admin, target, start), _served(admin, target, end)
    wanted = _options.the_namespaces(namespaces)
    if len(wanted) != 2:  # noqa: PLR2004
        raise click.UsageError("Name the two namespaces: -n A -n B; or --from REVISION, or a FILE.")
    admin = _settings.admin()
    return _served(admin, wanted[0]), _served(admin, wanted[1])


def _one(namespaces: tuple[str, ...]) -> str | None:
    if len(namespaces) > 1:
        raise click.UsageError("One namespace, with --from or a FILE.")
    return namespaces[0] if namespaces else None


def _served(admin: Admin, namespace: Namespace, revision: int | None = None) -> Side:
    snapshot = admin.values.get_snapshot(namespace, revision)
    return ServedSide(f"{namespace} at revision {revision or snapshot.revision}", admin, snapshot)


def _shown(each: Compared, *, reveal: bool) -> tuple[str | None, str | None]:
    if not reveal:
        typed = of_other_types(each.left, each.right)
        return _described(each.left, typed=typed), _described(each.right, typed=typed)
    return _text(each.left, each.was), _text(each.right, each.now)


def _described(item: Item | None, *, typed: bool) -> str | None:
    """A side without its value; with the content type where that differs."""
    if item is None:
        return None
    found = f"version {item.version}, {item.form}" if item.version else "in the file"
    return f"{found}, {item.content_type}" if typed else found


def _tell_types(found: Sequence[Compared]) -> None:
    """Say of each value that is shown what its content types are, where they differ: its text may be the same."""
    for each in found:
        if each.left and each.right and of_other_types(each.left, each.right):
            types = f"{each.left.content_type} → {each.right.content_type}"
            _terminal.say(f"{each.key}: the content type differs: {types}")


def _text(item: Item | None, data: bytes | None) -> str | None:
    if item is None:
        return None
    if data is None:
        return "(does not open)"
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"({len(data)} bytes)"
