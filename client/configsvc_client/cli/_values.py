"""Where a value comes from: stdin, a file or a prompt. On the command line only what is no secret may stand."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import click

from configsvc.model import limits
from configsvc_client.cli import _empty, _streams, _terminal, _typed
from configsvc_client.cli._inputs import bounded

STDIN = "-"

_MOST = 16 * 1024 * 1024
"""Bytes that are read. Far more than a value takes; /dev/zero would be read for ever."""


def read(
    key: str, source: str | None, from_file: str | None, *, plain: bool, exact: bool, advice: str = ""
) -> bytes:  # fmt: skip
    """The bytes of a value.

    Text from stdin loses one newline at its end, as `$(…)` does, unless `exact`; files are taken as they are.

    Args:
        key: for the prompt.
        source: `-`, `@FILE`, a literal value, or None for a prompt.
        from_file: a file's name.
        plain: the value is no secret, so it may stand on the command line and be seen while it is typed.
        exact: keep a newline at the end of stdin.
        advice: why a value that should be plain may count as a secret here.

    Raises:
        click.UsageError: a secret on the command line, two sources, or none; never says the value.
        Unprocessable: it is far larger than a value can be.
        OSError: the file cannot be read.
    """
    if source is not None and from_file is not None:
        raise click.UsageError("Give the value once: by --from-file, or after the key.")
    name = _file(source, from_file)
    if name is not None:
        return of_file(name)
    if source == STDIN:
        found = _bounded("stdin", _streams.read)
        return found if exact else found.removesuffix(b"\n")
    if source is None:
        return _prompted(key, plain=plain)
    if not plain:
        raise click.UsageError(
            "A secret on the command line is seen by others and kept in the shell's history; treat it as known. "
            f'Leave it out to be asked, or: printf %s "$SECRET" | configsvc put {key} - . If it is no secret: --plain, '
            f"or name the key in your policy. {advice}".rstrip()
        )
    return _typed.data(source)


def of_file(name: str) -> bytes:
    """The bytes of a file.

    Raises:
        click.UsageError: no file is named.
        Unprocessable: it is far larger than a value can be.
        OSError: it cannot be read.
    """
    if not name:
        raise click.UsageError("The name of the file is empty.")
    with _path(name).open("rb") as file:
        return _bounded(name, file.read)


def _path(name: str) -> Path:
    """The path; in `@~/FILE` and `KEY=~/FILE` a shell leaves the `~` as it is."""
    path = Path(name)
    if name.startswith("~/") and not path.exists():
        return Path(os.path.expanduser(name))  # noqa: PTH111  # Path's own fails without a home
    return path


def tell_line_break(key: str, source: str | None, from_file: str | None, data: bytes) -> None:
    """Say that a file of one line has a line break at its end. Editors and `echo` put it there, and no password has it.

    Args:
        key: of the value.
        source: as for `read`.
        from_file: as for `read`.
        data: what was read.
    """
    name = _file(source, from_file)
    if name is not None and data.find(b"\n") == len(data) - 1 > 0:
        _terminal.say(
            f"{key}: {name} ends with a line break, which is part of the value. To leave it out: "
            f"configsvc put {key} - < {shlex.quote(name)}"
        )


def origin(source: str | None, from_file: str | None, data: bytes) -> str:
    """What an empty value came from, for the sentence that refuses it.

    Args:
        source: as for `read`.
        from_file: as for `read`.
        data: what was read: nothing, or white space.
    """
    name, nothing = _file(source, from_file), "Only white space" if data else "Nothing"
    if name is not None:
        return f"{name} holds only white space." if data else f"{name} is empty."
    if source == STDIN:
        return f"{nothing} came from stdin."
    return f"{nothing} was typed." if source is None else "The value is empty, as an unset variable is."


def is_empty(source: str | None, data: bytes) -> bool:
    """Whether a value is one that nobody may have meant; white space on the command line was meant."""
    typed_out = source is not None and source != STDIN and _file(source, None) is None
    return not data if typed_out else _empty.is_blank(data)


def _file(source: str | None, from_file: str | None) -> str | None:
    """The file that is named, if one is."""
    return source[1:] if source and source.startswith("@") else from_file


def _bounded(name: str, read_: Callable[[int], bytes]) -> bytes:
    return bounded(name, read_, _MOST, f"A value takes at most {limits.STORED_VALUE:,} bytes, as stored.")


def _prompted(key: str, *, plain: bool) -> bytes:
    if not _terminal.can_ask(hidden=not plain):
        raise click.UsageError(f"No value. Say where it is: `configsvc put {key} -` for stdin, or `@FILE`.")
    return _typed.data(_terminal.ask(key, hidden=not plain, twice=not plain, empty=True))
