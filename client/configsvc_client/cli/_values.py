"""Where a value comes from: stdin, a file or a prompt. On the command line only what is no secret may stand."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from configsvc_client.cli import _terminal

STDIN = "-"


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
        OSError: the file cannot be read.
    """
    if source is not None and from_file is not None:
        raise click.UsageError("Give the value once: by --from-file, or after the key.")
    if from_file is not None or (source or "").startswith("@"):
        return Path(from_file or (source or "")[1:]).read_bytes()
    if source == STDIN:
        read = sys.stdin.buffer.read()
        return read if exact else read.removesuffix(b"\n").removesuffix(b"\r")
    if source is None:
        return _prompted(key, plain=plain)
    if not plain:
        raise click.UsageError(
            "A secret on the command line is seen by others and kept in the shell's history; treat it as known. "
            f'Leave it out to be asked, or: printf %s "$SECRET" | configsvc put {key} - . If it is no secret: --plain, '
            f"or name the key in your policy. {advice}".rstrip()
        )
    return source.encode()


def _prompted(key: str, *, plain: bool) -> bytes:
    if not sys.stdin.isatty():
        raise click.UsageError(f"No value. Say where it is: `configsvc put {key} -` for stdin, or `@FILE`.")
    return _terminal.ask(key, hidden=not plain, twice=not plain).encode()
