"""Where export writes: a file, a pipe or a terminal, never through a link. Also detects mistaken file names."""

from __future__ import annotations

import errno
import os
import re
import shlex
import stat
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import click

from configsvc.model.errors import Misconfigured, Unprocessable
from configsvc_client.cli import common
from configsvc_client.cli.formats import guess_format
from configsvc_client.cli.output import terminal

STDOUT = "-"

_STDOUT = 1
_STANDARD = {"/dev/stdout": _STDOUT, "/dev/stderr": 2}
_OPEN_ALREADY = re.compile(r"/(?:dev|proc/self|proc/thread-self)/fd/([0-9]{1,9})")
_INTO_STREAM = os.O_WRONLY | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


class Destination(NamedTuple):
    """Where to write.

    Args:
        name: as it was typed.
        is_terminal: a person reads it, so control characters are escaped and sealed values need --reveal.
        descriptor: an open descriptor; None for stdout, and for files and pipes, which are opened at the end.
        is_file: a file, which is replaced as a whole.
    """

    name: str
    is_terminal: bool
    descriptor: int | None = None
    is_file: bool = False

    def write(self, text: str) -> None:
        """Writes everything.

        Raises:
            Misconfigured: no file can be made in the folder.
            Unprocessable: the reader of the pipe has gone.
            OSError: the system refuses; names the file.
        """
        if self.name == STDOUT:
            _write_stdout(text, is_terminal=self.is_terminal)
            return
        if self.is_file:
            _replace(Path(self.name), text.encode())
            return
        try:
            self._write(text)
        except BrokenPipeError:
            raise Unprocessable(f"{self.name}: its reader stopped before everything was written.") from None
        except OSError as error:
            error.filename = self.name
            raise

    def _write(self, text: str) -> None:
        opened = os.open(self.name, _INTO_STREAM) if self.descriptor is None else os.dup(self.descriptor)
        with os.fdopen(opened, "wb") as stream:
            if self.descriptor is None and not stat.S_ISFIFO(os.fstat(opened).st_mode):
                raise _refuse(self.name, "it was a pipe and is now something else")
            if self.is_terminal:
                terminal.show_value(text.removesuffix("\n"), stream)
            else:
                stream.write(text.encode())


def find_destination(name: str) -> Destination:
    """Finds out what a name refers to. A terminal is detected here, before any value is opened.

    `/dev/stdout`, `/dev/fd/63` of a shell's `>(…)` and the like are open descriptors of this process. Any other link
    is refused: whoever made it, or committed it to a repository, would choose where the values go.

    Raises:
        Misconfigured: it is a link, a folder, a disk or a socket, or its folder does not exist.
    """
    number = _STDOUT if name == STDOUT else _find_number(name)
    if number == _STDOUT:
        return Destination(STDOUT, terminal.is_terminal())
    if number is not None:
        return _from_descriptor(name, number)
    if name.endswith("/"):
        raise _refuse(name, "it names a folder")
    path = Path(name)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return _make_new(path)
    except OSError as error:
        raise _refuse(name, os.strerror(error.errno or 0)) from None
    return _from_mode(path, mode)


def _find_number(name: str) -> int | None:
    """Returns the number of the open descriptor that a name refers to, if any."""
    found = _OPEN_ALREADY.fullmatch(name)
    return int(found[1]) if found else _STANDARD.get(name)


def _from_descriptor(name: str, number: int) -> Destination:
    try:
        os.fstat(number)
    except OSError:
        raise _refuse(name, "it is not open") from None
    return Destination(name, os.isatty(number), number)


def _make_new(path: Path) -> Destination:
    if not path.parent.exists():
        raise Misconfigured(f"{path} cannot be written: folder {path.parent} does not exist. Create it first.")
    return Destination(str(path), is_terminal=False, is_file=True)


def _from_mode(path: Path, mode: int) -> Destination:
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
        return _from_device(path)
    raise _refuse(str(path), "it is a folder" if stat.S_ISDIR(mode) else "it is not a file, pipe or terminal")


def _from_device(path: Path) -> Destination:
    try:
        descriptor = os.open(path, _INTO_STREAM)
    except OSError as error:
        reason = "this process has no terminal" if error.errno == errno.ENXIO else os.strerror(error.errno or 0)
        raise _refuse(str(path), reason) from None
    return Destination(str(path), os.isatty(descriptor), descriptor)


def _refuse(name: str, reason: str) -> Misconfigured:
    return Misconfigured(f"{name} cannot be written: {reason}. Name a file in one of your folders, or - for stdout.")


def _write_stdout(text: str, *, is_terminal: bool) -> None:
    if is_terminal:
        terminal.show_value(text.removesuffix("\n"))
    else:
        terminal.write_raw(text.encode())


def _replace(path: Path, content: bytes) -> None:
    from configsvc_client.admin import private_file
    from configsvc_client.cli.private_folder import end_in_order

    with end_in_order():
        private_file.write_private(path, content)


def check_format(file: str, wanted: str | None) -> None:
    """Refuses `--output json` if the file would have another format.

    Raises:
        click.UsageError: names --format.
    """
    if wanted is None and common.get_given("output") == "json" and guess_format(file) != "json":
        raise click.UsageError("--output is for messages and tables. To write a JSON file: --format json")


def check_file(file: str, namespaces: Collection[str], keys: Collection[str]) -> None:
    """Refuses a FILE that looks like a key pattern or a namespace: everything would be written into it.

    Args:
        file: as typed. With a folder in front, it is accepted whatever its name.
        namespaces: the exported namespaces.
        keys: the keys they serve.

    Raises:
        click.UsageError: names the intended option, and how to write the file name.
    """
    meant = None if file == STDOUT or os.sep in file else _guess_meant(file, namespaces, keys)
    if meant:
        raise click.UsageError(
            f"FILE is where to write, but {file} looks like keys to export. {meant}. For a file of that name: "
            f"{shlex.quote('./' + file)}"
        )


def _guess_meant(file: str, namespaces: Collection[str], keys: Collection[str]) -> str | None:
    if "*" in file or file in keys:
        return f"To export some keys: --only {shlex.quote(file)}"
    if file in namespaces:
        return f"To export a namespace: -n {file}"
    prefix = file if file.endswith(".") else f"{file}."
    if any(key.startswith(prefix) for key in keys):
        return f"To export some keys: --only {shlex.quote(f'{prefix}*')}"
    return None
