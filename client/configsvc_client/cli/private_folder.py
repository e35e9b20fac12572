"""A folder for its owner only, in memory if possible, wiped at the end even if a signal ends the process."""

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

MEMORY = Path("/dev/shm")  # noqa: S108  # only the parent: the folder made in it has mode 0700


@contextmanager
def make_private_folder(memory: Path = MEMORY) -> Iterator[Path]:
    """Makes a new folder, mode 0700. Every file in it is overwritten and removed at the end, whoever made it."""
    base = memory if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="configsvc-", dir=base))
    try:
        yield folder
    finally:
        wipe(folder)


def wipe(folder: Path) -> None:
    """Overwrites and removes a folder and everything in it. Links are removed, not followed.

    A file that cannot be overwritten, or is already gone, does not stop the rest.

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
        raise Misconfigured(
            f"{folder} cannot be removed completely, and may hold a value in the clear. Remove it yourself."
        )


def overwrite(path: Path) -> None:
    """Fills a file with zeros, whatever its mode. Skips links and anything but a regular file.

    Raises:
        OSError: the file cannot be written.
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
    """Makes SIGTERM and SIGHUP raise SystemExit with a shell's exit code. Ignored signals stay ignored."""
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
