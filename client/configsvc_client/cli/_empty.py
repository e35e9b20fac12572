"""Empty values that nobody asked for.

A pipe whose first command failed, a file that was never filled, an unset variable: each would replace a password by
nothing, and nobody would notice before the next start. So a single value is empty only if `--allow-empty` says so. In a
file of many values (`KEY=`) it is written out, and is taken.

White space alone is empty too: `echo "$UNSET"` writes a line break, on Windows two characters, PowerShell a byte order
mark as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from configsvc.model.errors import Misconfigured

Decorated = TypeVar("Decorated", bound=Callable[..., object])


_MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark."""


def is_blank(data: bytes) -> bool:
    """Whether nothing is in it but white space, with or without a byte order mark."""
    return not data.removeprefix(_MARK).strip()


def option(command: Decorated) -> Decorated:
    """The option of the commands that take a single value."""
    return click.option(
        "--allow-empty", is_flag=True, help="Take a value that is empty or white space only; refused otherwise."
    )(command)


def refusal(key: str, origin: str, *, as_json: bool = False) -> Misconfigured:
    """Why an empty value is not stored, and what to do.

    Args:
        key: that it would be stored under.
        origin: a sentence that says where it came from.
        as_json: the value should be JSON, where nothing is no value.
    """
    following = 'JSON has no empty value: the empty text is "".' if as_json else "If that is right: --allow-empty."
    return Misconfigured(f"Nothing was stored: {key}. {origin} {following}", key=key)
