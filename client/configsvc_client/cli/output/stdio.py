"""The standard streams as a shell passes them on: closed, full, or with a reader that has gone.

This module writes nothing; `terminal` does. It replaces a closed stream, so that the rest of the command line need not
care, and turns every failure of stdout into one error.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from configsvc.model.errors import Misconfigured

_STDIN, _STDOUT, _STDERR = 0, 1, 2

_USUAL = 80
"""Columns of a terminal of unknown size."""

_NARROWEST = 8


class Unwritten(Exception):
    """stdout cannot be written. `reason` is empty if its reader has gone, which needs no message."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StandardStreams(NamedTuple):
    """Streams of a new process, as `subprocess` takes them; None inherits ours."""

    stdin: int | None
    stdout: int | None
    stderr: int | None


def settle() -> None:
    """Makes the streams usable if some are closed. Must be called before anything is opened or written.

    A closed descriptor is given to /dev/null: otherwise the next file or connection would get its number, and output
    for "stderr" would end up there. A command that replaces this process finds it closed, as it was.
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)  # the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_ClosedStdin()), encoding="utf-8")
    elif sys.stdin.isatty() and isinstance(sys.stdin, io.TextIOWrapper):
        # Typed text is decoded like arguments: by the locale, keeping bytes that are not text in it.
        sys.stdin.reconfigure(encoding=sys.getfilesystemencoding(), errors="surrogateescape")
    if sys.stdout is None:
        # Unbuffered, so that nothing is left to write when Python exits.
        sys.stdout = io.TextIOWrapper(_ClosedStdout(), encoding="utf-8", write_through=True)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # open until the process ends


def get_width(stream: TextIO) -> int | None:
    """Returns the columns of the terminal, or of COLUMNS; None in a pipe, where nothing is folded."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isascii() and wanted.isdigit() and int(wanted[:6]) > 0:
        return max(_NARROWEST, int(wanted[:6]))
    if not stream.isatty():
        return None
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        found = 0
    return max(_NARROWEST, found) if found else _USUAL


def read(most: int) -> bytes:
    """Reads up to `most` bytes from stdin.

    Raises:
        Misconfigured: stdin is closed or cannot be read.
    """
    try:
        return sys.stdin.buffer.read(most)
    except OSError as error:
        raise Misconfigured(f"stdin cannot be read: {error.strerror}.") from None


@contextmanager
def catch_unwritten() -> Iterator[None]:
    """Turns failures to write stdout into `Unwritten`.

    Raises:
        Unwritten: not everything could be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise Unwritten("") from None
    except OSError as error:
        raise Unwritten(error.strerror or type(error).__name__) from None


def is_stuck() -> bool:
    """Whether stdout still holds text that cannot be written. click writes its help outside of `catch_unwritten`."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def give_up_stdout() -> None:
    """Discards what is left for stdout: otherwise Python would complain again on exit."""
    _give_up(_STDOUT)


def give_up_stderr() -> None:
    """Discards what is left for stderr: otherwise Python would exit with 120, whatever the command did."""
    _give_up(_STDERR)


def _give_up(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def get_helper_streams() -> StandardStreams:
    """Returns the streams for a helper program: /dev/null for those that are closed.

    Otherwise the first file it opens would become its stdout. The command of `exec` finds them closed instead.
    """
    from subprocess import DEVNULL

    return StandardStreams(*(None if os.get_inheritable(number) else DEVNULL for number in (_STDIN, _STDOUT, _STDERR)))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


class _ClosedStdin(io.RawIOBase):
    """A closed stdin: not a terminal, and reading raises an error."""

    name = "<stdin>"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        del buffer
        raise Misconfigured("stdin is closed, so nothing can be read from it. Use a pipe or name a file.")


class _ClosedStdout(io.RawIOBase):
    """A closed stdout: not a terminal, and writing raises an error."""

    name = "<stdout>"

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if data:  # click writes nothing to test whether bytes are accepted
            raise Unwritten("it is closed")
        return 0
