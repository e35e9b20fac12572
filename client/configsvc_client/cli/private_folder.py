"""A folder for its owner alone, in memory where possible, wiped at the end, also when a signal ends the process."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from configsvc.model.errors import Misconfigured

MEMORY = Path("/dev/shm")  # noqa: S108  # not the file's name: a folder of our own, mode 0700, is made in it


@contextmanager
def make_private_folder(memory: Path = MEMORY) -> Iterator[Path]:
    """A new folder, mode 0700; every file in it is overwritten and removed at the end, whoever made it."""
    base = memory if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="configsvc-", dir=base))
    try:
        yield folder
    finally:
        wipe(folder)


def wipe(folder: Path) -> None:
    """Overwrite and remove everything in a folder, and the folder; links are removed and not followed.

    What cannot be overwritten, or has gone meanwhile, does not keep the rest.

    Raises:
        Misconfigured: something is left. Names the folder.
    """
    for below, folders, files in os.walk(folder):
        for each in (Path(below) / name for name in folders):
            with suppress(OSError):
                if not each.is_symlink():
                    each.chmod(0o700)
        for name in files:
            with suppress(OSError):
                overwrite(Path(below) / name)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise Misconfigured(f"{folder} cannot be removed whole, and may hold a value in the clear. Remove it.")


def overwrite(path: Path) -> None:
    """Fill a file with zeros, whatever its mode was. A link or what is no file is left alone.

    Raises:
        OSError: it cannot be written.
    """
    if path.is_symlink() or not path.is_file():
        return
    path.chmod(0o600)
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            file.write(b"\0" * found.st_size)


_ENDING = (signal.SIGTERM, signal.SIGHUP)
_SIGNALLED = 128


@contextmanager
def end_in_order() -> Iterator[None]:
    """In here SIGTERM and SIGHUP raise SystemExit, with a shell's exit code; one that is ignored stays so."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    changed = {number: handler for number, handler in before.items() if handler is signal.SIG_DFL}
    for number in changed:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in changed.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(_SIGNALLED + number)
