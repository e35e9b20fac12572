"""Where a value comes from: stdin, a file or a prompt; the command line only if it is not a secret."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from configsvc.model import limits
from configsvc.model.errors import Misconfigured, Unprocessable
from configsvc_client.cli import common
from configsvc_client.cli.output import stdio, terminal

MOST_OF_A_FILE = 64 * 1024 * 1024
"""Limit in bytes for a file of many values: far more than a namespace holds. Without it, /dev/zero never ends."""


def is_stream(name: str) -> bool:
    """Whether a name is that of stdin, a pipe or a device, or of an open file as in /dev/fd."""
    from configsvc_client.admin import private_file

    if name in ("-", "<stdin>") or private_file.is_of_the_system(Path(name)):
        return True
    try:
        return not stat.S_ISREG(Path(name).stat().st_mode)
    except OSError:
        return False


def read_bounded(name: str, read: Callable[[int], bytes], most: int, following: str) -> bytes:
    """All bytes of an input.

    Args:
        name: of the input, for the error.
        read: reads at most that many bytes.
        most: how many bytes the input may hold.
        following: the last sentence of the error.

    Raises:
        Unprocessable: the input is larger.
        OSError: the input cannot be read.
    """
    found = read(most + 1)
    if len(found) > most:
        raise Unprocessable(f"{name} holds more than {most:,} bytes. {following}")
    return found


InputDecorated = TypeVar("InputDecorated", bound=Callable[..., object])


_MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark."""


def is_blank(data: bytes) -> bool:
    """Whether the data is only white space, with or without a byte order mark."""
    return not data.removeprefix(_MARK).strip()


def add_allow_empty(command: InputDecorated) -> InputDecorated:
    """Adds --allow-empty, for the commands that take a single value."""
    return click.option("--allow-empty", is_flag=True, help="Accept a value that is empty or only white space.")(
        command
    )


def refuse_empty(key: str, origin: str, *, as_json: bool = False) -> Misconfigured:
    """The error for an empty value: why it is not stored, and what to do.

    Args:
        key: the key of the value.
        origin: a sentence that says where the value came from.
        as_json: the value should be JSON, which has no empty value.
    """
    following = 'JSON has no empty value: the empty text is "".' if as_json else "To store it anyway: --allow-empty."
    return Misconfigured(f"{key} was not stored. {origin} {following}", key=key)


STDIN = "-"

_MOST = 16 * 1024 * 1024
"""Limit in bytes for one value: far more than a value takes. Without it, /dev/zero never ends."""


def read_value(
    key: str, source: str | None, from_file: str | None, *, plain: bool, exact: bool, advice: str = ""
) -> bytes:  # fmt: skip
    """The bytes of a value.

    One newline at the end of stdin is removed, as `$(…)` does, unless `exact`. Files are read unchanged.

    Args:
        key: for the prompt.
        source: `-`, `@FILE`, a literal value, or None for a prompt.
        from_file: a file's name.
        plain: the value is not a secret, so it may be on the command line and visible while it is typed.
        exact: keep a newline at the end of stdin.
        advice: why a value that should be plain may be treated as a secret here.

    Raises:
        click.UsageError: a secret on the command line, two sources, or none. It never shows the value.
        Unprocessable: the value is far too large.
        OSError: the file cannot be read.
    """
    if source is not None and from_file is not None:
        raise click.UsageError("Pass the value only once: with --from-file, or after the key.")
    name = _find_file(source, from_file)
    if name is not None:
        return read_file(name)
    if source == STDIN:
        found = _read_limited("stdin", stdio.read)
        return found if exact else found.removesuffix(b"\n")
    if source is None:
        return _prompt(key, plain=plain)
    if not plain:
        raise click.UsageError(
            "Others can see a secret on the command line, and the shell keeps it in its history: treat it as leaked. "
            f'Leave it out to be prompted, or: printf %s "$SECRET" | configsvc put {key} - . If it is not a secret, '
            f"pass --plain or name the key in your policy. {advice}".rstrip()
        )
    return common.encode_typed(source)


def read_file(name: str) -> bytes:
    """The bytes of a file.

    Raises:
        click.UsageError: the name is empty.
        Unprocessable: the file is far too large for a value.
        OSError: the file cannot be read.
    """
    if not name:
        raise click.UsageError("The file name is empty. Pass the name of a file.")
    with _expand_path(name).open("rb") as file:
        return _read_limited(name, file.read)


def _expand_path(name: str) -> Path:
    """The path with `~` expanded, because a shell does not expand it in `@~/FILE` and `KEY=~/FILE`."""
    path = Path(name)
    if name.startswith("~/") and not path.exists():
        return Path(os.path.expanduser(name))  # noqa: PTH111  # Path's own fails without a home
    return path


def warn_line_break(key: str, source: str | None, from_file: str | None, data: bytes) -> None:
    """Warns that a file of one line ends with a line break. Editors and `echo` add one, and no password has it.

    Args:
        key: of the value.
        source: as for `read_value`.
        from_file: as for `read_value`.
        data: the bytes that were read.
    """
    name = _find_file(source, from_file)
    if name is not None and data.find(b"\n") == len(data) - 1 > 0:
        terminal.say(
            f"{key}: {name} ends with a line break, which becomes part of the value. To leave it out: "
            f"configsvc put {key} - < {shlex.quote(name)}"
        )


def describe_origin(source: str | None, from_file: str | None, data: bytes) -> str:
    """A sentence that says where an empty value came from.

    Args:
        source: as for `read_value`.
        from_file: as for `read_value`.
        data: the bytes that were read: none, or white space.
    """
    name, nothing = _find_file(source, from_file), "Only white space" if data else "Nothing"
    if name is not None:
        return f"{name} holds only white space." if data else f"{name} is empty."
    if source == STDIN:
        return f"{nothing} came from stdin."
    return f"{nothing} was typed." if source is None else "The value is empty, as an unset variable is."


def is_empty(source: str | None, data: bytes) -> bool:
    """Whether a value may be empty by mistake. White space on the command line is intended."""
    typed_out = source is not None and source != STDIN and _find_file(source, None) is None
    return not data if typed_out else is_blank(data)


def _find_file(source: str | None, from_file: str | None) -> str | None:
    """The name of the file, if one was passed."""
    return source[1:] if source and source.startswith("@") else from_file


def _read_limited(name: str, read_: Callable[[int], bytes]) -> bytes:
    return read_bounded(name, read_, _MOST, f"A stored value takes at most {limits.STORED_VALUE:,} bytes.")


def _prompt(key: str, *, plain: bool) -> bytes:
    if not terminal.can_ask(hidden=not plain):
        raise click.UsageError(f"No value was passed. Use `configsvc put {key} -` to read stdin, or `@FILE`.")
    return common.encode_typed(terminal.ask(key, hidden=not plain, twice=not plain, empty=True))
