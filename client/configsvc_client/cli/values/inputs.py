"""Where a value comes from: stdin, a file or a prompt. On the command line only if it is no secret."""

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
"""Bytes of a file of many values. Far more than a namespace holds; /dev/zero would be read for ever."""


def is_stream(name: str) -> bool:
    """Whether a name is that of stdin, a pipe or a device, or one that the system gives to what is open."""
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
        name: for the error.
        read: takes how many bytes to read at most.
        most: how many it may hold.
        following: ends the error.

    Raises:
        Unprocessable: it holds more.
        OSError: it cannot be read.
    """
    found = read(most + 1)
    if len(found) > most:
        raise Unprocessable(f"{name} holds more than {most:,} bytes. {following}")
    return found


InputDecorated = TypeVar("InputDecorated", bound=Callable[..., object])


_MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark."""


def is_blank(data: bytes) -> bool:
    """Whether nothing is in it but white space, with or without a byte order mark."""
    return not data.removeprefix(_MARK).strip()


def allow_empty_option(command: InputDecorated) -> InputDecorated:
    """The option of the commands that take a single value."""
    return click.option(
        "--allow-empty", is_flag=True, help="Take a value that is empty or white space only; refused otherwise."
    )(command)


def refuse_empty(key: str, origin: str, *, as_json: bool = False) -> Misconfigured:
    """Why an empty value is not stored, and what to do.

    Args:
        key: that it would be stored under.
        origin: a sentence that says where it came from.
        as_json: the value should be JSON, where nothing is no value.
    """
    following = 'JSON has no empty value: the empty text is "".' if as_json else "If that is right: --allow-empty."
    return Misconfigured(f"Nothing was stored: {key}. {origin} {following}", key=key)


STDIN = "-"

_MOST = 16 * 1024 * 1024
"""Bytes that are read. Far more than a value takes; /dev/zero would be read for ever."""


def read_value(
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
            "A secret on the command line is seen by others and kept in the shell's history; treat it as known. "
            f'Leave it out to be asked, or: printf %s "$SECRET" | configsvc put {key} - . If it is no secret: --plain, '
            f"or name the key in your policy. {advice}".rstrip()
        )
    return common.encode_typed(source)


def read_file(name: str) -> bytes:
    """The bytes of a file.

    Raises:
        click.UsageError: no file is named.
        Unprocessable: it is far larger than a value can be.
        OSError: it cannot be read.
    """
    if not name:
        raise click.UsageError("The name of the file is empty.")
    with _expand_path(name).open("rb") as file:
        return _read_limited(name, file.read)


def _expand_path(name: str) -> Path:
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
    name = _find_file(source, from_file)
    if name is not None and data.find(b"\n") == len(data) - 1 > 0:
        terminal.say(
            f"{key}: {name} ends with a line break, which is part of the value. To leave it out: "
            f"configsvc put {key} - < {shlex.quote(name)}"
        )


def describe_origin(source: str | None, from_file: str | None, data: bytes) -> str:
    """What an empty value came from, for the sentence that refuses it.

    Args:
        source: as for `read`.
        from_file: as for `read`.
        data: what was read: nothing, or white space.
    """
    name, nothing = _find_file(source, from_file), "Only white space" if data else "Nothing"
    if name is not None:
        return f"{name} holds only white space." if data else f"{name} is empty."
    if source == STDIN:
        return f"{nothing} came from stdin."
    return f"{nothing} was typed." if source is None else "The value is empty, as an unset variable is."


def is_empty(source: str | None, data: bytes) -> bool:
    """Whether a value is one that nobody may have meant; white space on the command line was meant."""
    typed_out = source is not None and source != STDIN and _find_file(source, None) is None
    return not data if typed_out else is_blank(data)


def _find_file(source: str | None, from_file: str | None) -> str | None:
    """The file that is named, if one is."""
    return source[1:] if source and source.startswith("@") else from_file


def _read_limited(name: str, read_: Callable[[int], bytes]) -> bytes:
    return read_bounded(name, read_, _MOST, f"A value takes at most {limits.STORED_VALUE:,} bytes, as stored.")


def _prompt(key: str, *, plain: bool) -> bytes:
    if not terminal.can_ask(hidden=not plain):
        raise click.UsageError(f"No value. Say where it is: `configsvc put {key} -` for stdin, or `@FILE`.")
    return common.encode_typed(terminal.ask(key, hidden=not plain, twice=not plain, empty=True))
