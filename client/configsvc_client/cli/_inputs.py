"""What the name of an input is, and how much of it is read."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from configsvc.model.errors import Unprocessable

MOST_OF_A_FILE = 64 * 1024 * 1024
"""Bytes of a file of many values. Far more than a namespace holds; /dev/zero would be read for ever."""


def is_stream(name: str) -> bool:
    """Whether a name is that of stdin, a pipe or a device, or one that the system gives to what is open."""
    from configsvc_client.admin import _private_file

    if name in ("-", "<stdin>") or _private_file.is_of_the_system(Path(name)):
        return True
    try:
        return not stat.S_ISREG(Path(name).stat().st_mode)
    except OSError:
        return False


def bounded(name: str, read: Callable[[int], bytes], most: int, following: str) -> bytes:
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
