"""The options that rename the keys of a file: --flatten, --strip-prefix, --map, --separator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click

from configsvc_client.cli.formats import FileRow, Problem

ShapingDecorated = TypeVar("ShapingDecorated", bound=Callable[..., object])

_INVALID = re.compile(r"[^A-Za-z0-9._-]")


class Shaping(NamedTuple):
    """The values of the options. Keys are renamed in this order: one prefix, each map, each separator."""

    flatten: bool = False
    prefixes: Sequence[str] = ()
    maps: Sequence[tuple[re.Pattern[str], str]] = ()
    separators: Sequence[str] = ()
    as_is: bool = False

    @property
    def renames(self) -> bool:
        """Whether a key may get another name."""
        return bool(self.flatten or self.prefixes or self.maps or self.separators)

    def prefix(self, key: str) -> str:
        """The prefix to remove from a key: the longest that matches."""
        return max((each for each in self.prefixes if key.startswith(each)), key=len, default="")

    def name(self, key: str) -> str:
        """The new name of a key."""
        found = key.removeprefix(self.prefix(key))
        for pattern, replacement in self.maps:
            found = pattern.sub(replacement, found)
        for separator in self.separators:
            found = ".".join(part for part in found.split(separator) if part)
        return found

    def check_used(self, keys: Sequence[str]) -> None:
        """Refuses a prefix or a map that matches no key and would silently rename nothing.

        Raises:
            click.UsageError: names the option.
        """
        for prefix in self.prefixes:
            if keys and not any(key.startswith(prefix) for key in keys):
                raise click.UsageError(f"No key starts with {prefix}. Correct --strip-prefix {prefix}, or drop it.")
        stripped = [Shaping(prefixes=self.prefixes).name(key) for key in keys]
        for pattern, replacement in self.maps:
            if keys and not any(pattern.search(key) for key in stripped):
                given = f"--map {pattern.pattern}={replacement}"
                raise click.UsageError(f"No key matches {pattern.pattern}. Correct {given}, or drop it.")
            stripped = [pattern.sub(replacement, key) for key in stripped]


AS_IN_THE_FILE = Shaping()
"""No key is renamed."""


class ShapedRows(NamedTuple):
    """Rows with their new keys, and each key's name in the file; for a member of a mapping its path, `db: url`."""

    rows: list[FileRow]
    origins: dict[str, str]

    @property
    def renamed(self) -> int:
        """How many rows have another key."""
        return sum(key != origin for key, origin in self.origins.items())


def add_options(command: ShapingDecorated) -> ShapingDecorated:
    """Adds the options, as the command's argument `shaping`."""

    @wraps(command)
    def shaped(*args: object, **kwargs: Any) -> object:  # noqa: ANN401  # click's
        names_ = ("flatten", "strip_prefix", "maps", "separator", "as_is")
        flatten, prefixes, maps, separators, as_is = (kwargs.pop(each) for each in names_)
        _check_whole("--strip-prefix", prefixes)
        _check_whole("--separator", separators)
        return command(*args, shaping=Shaping(flatten, prefixes, maps, separators, as_is), **kwargs)

    for option in reversed(_OPTIONS):
        option(shaped)
    return shaped  # type: ignore[return-value]  # a command as before, with `shaping`


def rename_rows(
    rows: Iterable[FileRow], shaping: Shaping, paths: Mapping[str, str]
) -> tuple[ShapedRows, list[Problem]]:
    """The rows with their new keys, and the keys that would collide or be cut badly.

    Args:
        rows: of a file.
        shaping: the values of the options.
        paths: where the keys of flattened rows are in the file.

    Raises:
        click.UsageError: an option matches no key.
    """
    found = list(rows)
    shaping.check_used([row.key for row in found])
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    for row in found:
        name = shaping.name(row.key)
        origin = paths.get(row.key, row.key)
        before = origins.setdefault(name, origin)
        if not name:
            problems.append(Problem(row.place, row.key, "the new name would be empty"))
        elif before != origin:
            problems.append(Problem(row.place, row.key, f"would be named {name}, as {before} would"))
        elif cut := _explain_cut(shaping.prefix(row.key), row.key, name):
            problems.append(Problem(row.place, row.key, cut))
    return ShapedRows([row._replace(key=shaping.name(row.key)) for row in found], origins), problems


def _explain_cut(prefix: str, key: str, name: str) -> str:
    """Why a prefix looks incomplete: `APP` leaves `_URL` of APP_URL and `LE` of APPLE. Empty if it is fine."""
    rest = key[len(prefix) :]
    if prefix and rest[:1] in ("_", ".", "-") and name.startswith(rest[0]) and not prefix.startswith(rest[0]):
        return f"would be named {name}; to remove the {rest[0]} as well: --strip-prefix {prefix}{rest[0]}"
    ends = prefix[-1:].isalnum() and rest[:1].isalnum()
    if ends and not (prefix[-1:].islower() and rest[:1].isupper()):
        return f"{prefix} ends in the middle of a word; pass the whole prefix, or use --map"
    return ""


def advise_option(key: str) -> str:
    """The option that makes a key's name valid; empty if the name is valid or too long."""
    odd = _INVALID.search(key)
    if odd and odd[0] in "/:":
        return f"--separator {odd[0]} turns {odd[0]} into dots."
    if odd:
        return f"--map '{_INVALID.pattern}+=_' replaces invalid characters with _."
    if not odd and key.startswith((".", "-")) and key.strip(".-"):
        return f"--strip-prefix={key[: -len(key.lstrip('.-'))]} removes the first characters."
    return ""


def _compile_maps(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> list[tuple[re.Pattern[str], str]]:
    return [_compile(each) for each in given]


def _compile(given: str) -> tuple[re.Pattern[str], str]:
    pattern, equals, replacement = given.partition("=")
    if not equals or not pattern:
        raise click.BadParameter("use REGEX=REPLACEMENT, such as '^DB_=db.'; in REGEX, write = as \\x3d.")
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise click.BadParameter(f"{pattern} is not a Python regular expression: {error}.") from None
    try:
        re.compile(f"{pattern}|").sub(replacement, "")  # matches, so that the replacement is read
    except (re.error, IndexError) as error:
        raise click.BadParameter(f"{replacement} cannot replace {pattern}: {error}.") from None
    return compiled, replacement


def _check_whole(option: str, given: Iterable[str]) -> None:
    if not all(given):
        raise click.UsageError(f"{option} is empty. Pass a text.")


_OPTIONS = (
    click.option(
        "--flatten", is_flag=True,
        help="Turn each member of a nested mapping into a key: db: {url: x} becomes db.url. Lists stay JSON.",
    ),
    click.option(
        "--strip-prefix", multiple=True, metavar="PREFIX",
        help="Remove PREFIX from keys that start with it. Repeatable: the longest match is removed.",
    ),
    click.option(
        "--map", "maps", multiple=True, metavar="REGEX=REPLACEMENT", callback=_compile_maps,
        help="Replace a Python REGEX in keys: '^DB_=db.', '(.*)_URL=\\1.url'. Repeatable: applied in order.",
    ),
    click.option(
        "--separator", multiple=True, metavar="TEXT",
        help="Replace TEXT, such as / or __, with a dot in keys, and drop it at both ends. Repeatable.",
    ),
    click.option("--as-is", is_flag=True, help="Read the file's own keys, even if another tool made it."),
)  # fmt: skip
