"""Compare namespaces, revisions or files.

Compares two namespaces, two revisions of one namespace, a namespace and a FILE, or two FILEs. Values are opened on this
computer for the comparison and shown only with --reveal; a value that you cannot open is `unknown`. FILE may be in any
format that `configsvc import` reads. The options that rename keys work as for import and apply to each FILE.

In a pipe: key, change (added, removed, changed, unknown), left, right, separated by tabs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import click

from configsvc.model.content_types import TEXT
from configsvc.model.errors import CannotOpen, Misconfigured
from configsvc.model.names import Namespace
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import ContentType, SealedSnapshot
from configsvc_client.cli import exit_codes, formats, options
from configsvc_client.cli.formats import FORMATS
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.output.words import count
from configsvc_client.cli.settings import composition, sources
from configsvc_client.cli.values import loading, renaming
from configsvc_client.cli.values.inputs import MOST_OF_A_FILE, read_bounded
from configsvc_client.cli.values.renaming import AS_IN_THE_FILE, Shaping

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, Opened


class SideItem(NamedTuple):
    """A key without its value. `version` and `form` are None in a file; `identity` is the same for the same value.

    `content_type` is None for a text in a file format without types: it may be any JSON.
    """

    content_type: ContentType | None
    version: int | None = None
    form: str | None = None
    identity: tuple[str, str, int] | None = None


class DiffSide(Protocol):
    """One of the two sides."""

    name: str

    def items(self) -> Mapping[str, SideItem]:
        """Returns its keys."""

    def data(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        """Returns the values of keys in the clear; None for one that this caller cannot open."""


class ServedSide:
    """The entries of a sealed snapshot; only requested values are opened."""

    def __init__(self, name: str, admin: Admin, snapshot: SealedSnapshot) -> None:
        self.name = name
        self._admin = admin
        self._snapshot = snapshot

    def items(self) -> Mapping[str, SideItem]:
        """See `DiffSide`."""
        namespace = self._snapshot.namespace
        return {
            each.key: SideItem(each.content_type, each.version, each.form, (namespace, each.key, each.version))
            for each in self._snapshot.entries
        }

    def data(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        """See `DiffSide`."""
        wanted = set(keys)
        entries = [each for each in self._snapshot.entries if each.key in wanted]
        try:
            return {
                key: _open_data(each) for key, each in self._admin.values.open_entries(self._snapshot, entries).items()
            }
        except Misconfigured as error:
            terminal.say(f"configsvc: {self.name}: {error.detail}", *sources.list_origins(error.detail))
            return {each.key: None if each.sealed else each.value.encode() for each in entries}


class FileSide:
    """The rows of a file in any format that `import` reads; by default the one of its ending."""

    def __init__(self, path: Path, wanted: str | None = None, shaping: Shaping = AS_IN_THE_FILE) -> None:
        self.name = str(path)
        with path.open("rb") as file:
            content = read_bounded(self.name, file.read, MOST_OF_A_FILE, "Nothing was compared.")
        found = loading.load_rows(self.name, content, wanted, shaping, f"{path} cannot be compared.")
        self._rows = {row.key: row for row in found.rows}
        self._typed = (wanted or formats.guess_format(path.name)) in formats.TREE_FORMATS

    def items(self) -> Mapping[str, SideItem]:
        """See `DiffSide`."""
        return {
            key: SideItem(row.content_type if self._typed or row.content_type != TEXT else None)
            for key, row in self._rows.items()
        }

    def data(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        """See `DiffSide`."""
        return {key: self._rows[key].data for key in keys}


def _open_data(found: Opened | CannotOpen) -> bytes | None:
    return None if isinstance(found, CannotOpen) else found.data


SideChange = Literal["added", "removed", "changed", "unknown"]


class Compared(NamedTuple):
    """A key that differs; with its values if they were requested and open."""

    key: str
    change: SideChange
    left: SideItem | None
    right: SideItem | None
    was: bytes | None = None
    now: bytes | None = None

    def __repr__(self) -> str:
        return f"Compared(key={self.key!r}, change={self.change!r})"


def compare_sides(left: DiffSide, right: DiffSide, *, values: bool) -> list[Compared]:
    """Returns the keys that differ, in order; with `values`, the values of all of them."""
    here, there = left.items(), right.items()
    both = sorted(key for key in here.keys() & there.keys() if not _is_identical(here[key], there[key]))
    was, now = left.data(both), right.data(both)
    found = [Compared(key, "removed", here[key], None) for key in here.keys() - there.keys()]
    found += [Compared(key, "added", None, there[key]) for key in there.keys() - here.keys()]
    found += [
        Compared(key, change, here[key], there[key], was.get(key), now.get(key))
        for key in both
        if (change := _find_change(here[key], there[key], was.get(key), now.get(key)))
    ]
    return sorted(_fill_values(found, left, right) if values else found)


def _fill_values(found: list[Compared], left: DiffSide, right: DiffSide) -> list[Compared]:
    was = left.data([each.key for each in found if each.change == "removed"])
    now = right.data([each.key for each in found if each.change == "added"])
    return [_fill(each, was, now) for each in found]


def _fill(each: Compared, was: Mapping[str, bytes | None], now: Mapping[str, bytes | None]) -> Compared:
    return each._replace(was=was.get(each.key, each.was), now=now.get(each.key, each.now))


def _is_identical(left: SideItem, right: SideItem) -> bool:
    """Whether both are the same version of the same key, which never changes."""
    return left.identity is not None and left.identity == right.identity


def _find_change(left: SideItem, right: SideItem, was: bytes | None, now: bytes | None) -> SideChange | None:
    if (left.form and right.form and left.form != right.form) or differ_in_type(left, right):
        return "changed"
    if was is None or now is None:
        return "unknown"
    return None if same_value(left.content_type or right.content_type or TEXT, was, now) else "changed"


def differ_in_type(left: SideItem | None, right: SideItem | None) -> bool:
    """Whether both values have a content type, and they differ."""
    types = {each.content_type for each in (left, right) if each and each.content_type}
    return len(types) > 1


@click.command(help=__doc__)
@options.add_namespaces_option
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-f", "--format", "wanted", multiple=True, type=click.Choice(FORMATS),
    help="Format of FILE. Default: by its ending. Of two FILEs: once for both, or once for each.",
)  # fmt: skip
@renaming.add_options
@click.option("--from", "start", type=click.IntRange(min=1), metavar="REVISION", help="Compare this revision.")
@click.option(
    "--to", "end", type=click.IntRange(min=1), metavar="REVISION", help="With this revision. Default: the current one."
)
@click.option("--reveal", is_flag=True, help="Show the values.")
@click.option("--exit-code", is_flag=True, help="Exit with 7 if anything differs.")
def command(
    namespaces: tuple[str, ...], files: tuple[Path, ...], *, wanted: tuple[str, ...],
    shaping: Shaping, start: int | None, end: int | None, reveal: bool, exit_code: bool,
) -> int:  # fmt: skip
    left, right = _choose_sides(namespaces, _open_files(files, wanted, shaping), start, end)
    found = compare_sides(left, right, values=reveal)
    records.print_table(
        ("key", "change", "left", "right"),
        ((each.key, each.change, *_show_values(each, reveal=reveal)) for each in found),
    )
    _report_types(found if reveal else [])
    terminal.say(f"{left.name} → {right.name}: {count(len(found), 'key')} {'differs' if len(found) == 1 else 'differ'}")
    return exit_codes.DIFFERENT if found and exit_code else 0


def _open_files(paths: tuple[Path, ...], wanted: tuple[str, ...], shaping: Shaping) -> list[FileSide]:
    if (shaping.renames or shaping.as_is) and not paths:
        raise click.UsageError("--flatten, --strip-prefix, --map, --separator and --as-is need a FILE.")
    if wanted and (not paths or len(wanted) not in (1, len(paths))):
        raise click.UsageError("--format needs a FILE. Pass it once, or once for each FILE.")
    each = wanted if len(wanted) > 1 else (wanted or (None,)) * len(paths)
    return [FileSide(path, format_, shaping) for path, format_ in zip(paths, each, strict=True)]


def _choose_sides(
    namespaces: tuple[str, ...], files: list[FileSide], start: int | None, end: int | None
) -> tuple[DiffSide, DiffSide]:
    two_files = len(files) == 2  # noqa: PLR2004  # a left and a right one
    if len(files) > 2 or (two_files and (namespaces or start)) or (files and start) or (end and not start):  # noqa: PLR2004
        raise click.UsageError("Choose two sides: -n A -n B, --from REVISION [--to REVISION], FILE, or FILE FILE.")
    if two_files:
        return files[0], files[1]
    if files:
        return _open_served(composition.open_admin(), options.choose_namespace(_get_only(namespaces))), files[0]
    if start:
        admin, target = composition.open_admin(), options.choose_namespace(_get_only(namespaces))
        return _open_served(admin, target, start), _open_served(admin, target, end)
    wanted = options.choose_namespaces(namespaces)
    if len(wanted) != 2:  # noqa: PLR2004
        raise click.UsageError("Name the two namespaces: -n A -n B; or --from REVISION, or a FILE.")
    admin = composition.open_admin()
    return _open_served(admin, wanted[0]), _open_served(admin, wanted[1])


def _get_only(namespaces: tuple[str, ...]) -> str | None:
    if len(namespaces) > 1:
        raise click.UsageError("--from and FILE take one namespace.")
    return namespaces[0] if namespaces else None


def _open_served(admin: Admin, namespace: Namespace, revision: int | None = None) -> DiffSide:
    snapshot = admin.values.get_snapshot(namespace, revision)
    return ServedSide(f"{namespace} at revision {revision or snapshot.revision}", admin, snapshot)


def _show_values(each: Compared, *, reveal: bool) -> tuple[str | None, str | None]:
    if not reveal:
        typed = differ_in_type(each.left, each.right)
        return _describe_side(each.left, typed=typed), _describe_side(each.right, typed=typed)
    return _render_value(each.left, each.was), _render_value(each.right, each.now)


def _describe_side(item: SideItem | None, *, typed: bool) -> str | None:
    """Describes a side without its value, and with the content type if that differs."""
    if item is None:
        return None
    found = f"version {item.version}, {item.form}" if item.version else "in the file"
    return f"{found}, {item.content_type}" if typed else found


def _report_types(found: Sequence[Compared]) -> None:
    """Reports content types that differ, because the texts may be the same."""
    for each in found:
        if each.left and each.right and differ_in_type(each.left, each.right):
            types = f"{each.left.content_type} → {each.right.content_type}"
            terminal.say(f"{each.key}: the content type differs: {types}")


def _render_value(item: SideItem | None, data: bytes | None) -> str | None:
    if item is None:
        return None
    if data is None:
        return "(does not open)"
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"({len(data)} bytes)"
