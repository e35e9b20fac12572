"""The standard streams as a shell hands them over: closed, full, or with a reader that has gone.

This module writes nothing; `_terminal` does. It stands in for a stream that is closed, so the rest of the command line
need not know, and turns what goes wrong with stdout into one error.
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
"""Columns of a terminal that does not know its size."""

_NARROWEST = 8


class Unwritten(Exception):
    """stdout takes nothing more. `reason` is empty where its reader has gone, who needs no message."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StandardStreams(NamedTuple):
    """Streams of a new process, as `subprocess` takes them; None is our own."""

    stdin: int | None
    stdout: int | None
    stderr: int | None


def settle() -> None:
    """Make the streams usable, whichever of them is closed. To be called before anything is opened or written.

    A closed descriptor is taken by /dev/null: else the next file or connection would get its number, and what is
    written to "stderr" would end up there. A command that is started in our place finds it closed, as it was.
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)  # the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_ClosedStdin()), encoding="utf-8")
    elif sys.stdin.isatty() and isinstance(sys.stdin, io.TextIOWrapper):
        # What is typed is read as arguments are: by the locale, and bytes that are no text in it are kept.
        sys.stdin.reconfigure(encoding=sys.getfilesystemencoding(), errors="surrogateescape")
    if sys.stdout is None:
        # Without a buffer, so that nothing is left to be written while Python ends.
        sys.stdout = io.TextIOWrapper(_ClosedStdout(), encoding="utf-8", write_through=True)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # open until the process ends


def get_width(stream: TextIO) -> int | None:
    """Columns of the terminal, or as COLUMNS says; None in a pipe, where nothing is folded."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said[:6]) > 0:
        return max(_NARROWEST, int(said[:6]))
    if not stream.isatty():
        return None
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        found = 0
    return max(_NARROWEST, found) if found else _USUAL


def read(most: int) -> bytes:
    """What is on stdin, up to so many bytes.

    Raises:
        Misconfigured: it is closed, or cannot be read.
    """
    try:
        return sys.stdin.buffer.read(most)
    except OSError as error:
        raise Misconfigured(f"stdin cannot be read: {error.strerror}.") from None


@contextmanager
def catch_unwritten() -> Iterator[None]:
    """In here stdout is written.

    Raises:
        Unwritten: it took not all of it.
    """
    try:
        yield
    except BrokenPipeError:
        raise Unwritten("") from None
    except OSError as error:
        raise Unwritten(error.strerror or type(error).__name__) from None


def is_stuck() -> bool:
    """Whether stdout holds what it cannot get rid of. click writes its help by itself, outside of `writing`."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def give_up_stdout() -> None:
    """Let what is left for stdout go nowhere: Python would complain once more while it ends."""
    _give_up(_STDOUT)


def give_up_stderr() -> None:
    """The same for stderr. Python would end with 120, whatever the command did."""
    _give_up(_STDERR)


def _give_up(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def get_helper_streams() -> StandardStreams:
    """The streams of a program that works for us: /dev/null where ours are closed.

    Else its first file would become its stdout. What `exec` starts is the person's own, and finds them closed.
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
    """Stands for a stdin that is closed: no terminal, and reading it says so."""

    name = "<stdin>"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        del buffer
        raise Misconfigured("stdin is closed, so nothing can be read from it. Use a pipe, or name a file.")


class _ClosedStdout(io.RawIOBase):
    """Stands for a stdout that is closed: no terminal, and writing says so."""

    name = "<stdout>"

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if data:  # click asks with nothing whether bytes are taken
            raise Unwritten("it is closed")
        return 0
