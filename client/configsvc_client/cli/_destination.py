"""Where `configsvc export` writes: a file, replaced whole; a pipe or a terminal, written to; never through a link."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from configsvc.model.errors import Misconfigured, Unprocessable
from configsvc_client.cli import _terminal

STDOUT = "-"

_STDOUT = 1
_STANDARD = {"/dev/stdout": _STDOUT, "/dev/stderr": 2}
_OPEN_ALREADY = re.compile(r"/(?:dev|proc/self|proc/thread-self)/fd/([0-9]{1,9})")
_INTO_STREAM = os.O_WRONLY | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


class Destination(NamedTuple):
    """Where to write.

    Args:
        name: as it was given.
        is_terminal: a person reads it, so control characters are escaped, and sealed values need --reveal.
        descriptor: what is open already; None for stdout, and for a file or a pipe, which are opened at the end.
        is_file: it is replaced as a whole.
    """

    name: str
    is_terminal: bool
    descriptor: int | None = None
    is_file: bool = False

    def write(self, text: str) -> None:
        """Write everything.

        Raises:
            Misconfigured: the folder does not take a file.
            Unprocessable: the reader of the pipe is gone.
            OSError: the system refuses; has the name.
        """
        if self.name == STDOUT:
            _to_stdout(text, is_terminal=self.is_terminal)
            return
        if self.is_file:
            _replace(Path(self.name), text.encode())
            return
        try:
            self._write(text)
        except BrokenPipeError:
            raise Unprocessable(f"{self.name}: its reader ended before everything was written.") from None
        except OSError as error:
            error.filename = self.name
            raise

    def _write(self, text: str) -> None:
        opened = os.open(self.name, _INTO_STREAM) if self.descriptor is None else os.dup(self.descriptor)
        with os.fdopen(opened, "wb") as stream:
            if self.descriptor is None and not stat.S_ISFIFO(os.fstat(opened).st_mode):
                raise _refused(self.name, "it was a pipe, and is something else now")
            if self.is_terminal:
                _terminal.show_value(text.removesuffix("\n"), stream)
            else:
                stream.write(text.encode())


def destination(name: str) -> Destination:
    """What a name is. A terminal is known as one here, before any value is opened.

    `/dev/stdout`, `/dev/fd/63` of a shell's `>(…)` and the like are what this process has open. Any other link is
    refused: whoever made it, or sent it in a repository, would choose where the values go.

    Raises:
        Misconfigured: a link, a folder, a disk, a socket, or a name in no folder.
    """
    number = _STDOUT if name == STDOUT else _number(name)
    if number == _STDOUT:
        return Destination(STDOUT, _terminal.is_terminal())
    if number is not None:
        return _of_descriptor(name, number)
    if name.endswith("/"):
        raise _refused(name, "it names a folder")
    path = Path(name)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return _new(path)
    except OSError as error:
        raise _refused(name, os.strerror(error.errno or 0)) from None
    return _of_mode(path, mode)


def _number(name: str) -> int | None:
    """The number of a stream that this process has open, if the name is one."""
    found = _OPEN_ALREADY.fullmatch(name)
    return int(found[1]) if found else _STANDARD.get(name)


def _of_descriptor(name: str, number: int) -> Destination:
    try:
        os.fstat(number)
    except OSError:
        raise _refused(name, "it is not open") from None
    return Destination(name, os.isatty(number), number)


def _new(path: Path) -> Destination:
    if not path.parent.exists():
        raise Misconfigured(f"{path} cannot be written: there is no folder {path.parent}. Create it first.")
    return Destination(str(path), is_terminal=False, is_file=True)


def _of_mode(path: Path, mode: int) -> Destination:
    if stat.S_ISLNK(mode):
        raise Misconfigured(
            f"{path} is a link to {path.readlink()}, and links are not followed: whoever made it would choose where "
            "the values go. Name the file itself, or remove the link."
        )
    if stat.S_ISREG(mode):
        return Destination(str(path), is_terminal=False, is_file=True)
    if stat.S_ISFIFO(mode):
        return Destination(str(path), is_terminal=False)
    if stat.S_ISCHR(mode):
        return _of_device(path)
    raise _refused(str(path), "it is a folder" if stat.S_ISDIR(mode) else "it is no file, pipe or terminal")


def _of_device(path: Path) -> Destination:
    try:
        descriptor = os.open(path, _INTO_STREAM)
    except OSError as error:
        reason = "this process has no terminal" if error.errno == errno.ENXIO else os.strerror(error.errno or 0)
        raise _refused(str(path), reason) from None
    return Destination(str(path), os.isatty(descriptor), descriptor)


def _refused(name: str, reason: str) -> Misconfigured:
    return Misconfigured(f"{name} cannot be written: {reason}. Name a file in a folder of yours, or - for stdout.")


def _to_stdout(text: str, *, is_terminal: bool) -> None:
    if is_terminal:
        _terminal.show_value(text.removesuffix("\n"))
    else:
        _terminal.raw(text.encode())


def _replace(path: Path, content: bytes) -> None:
    from configsvc_client.admin import _private_file
    from configsvc_client.cli._orderly import orderly

    with orderly():
        _private_file.write(path, content)
