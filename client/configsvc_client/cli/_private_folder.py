"""A folder for its owner alone, in memory where the system has such a place, wiped when it is done with."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  # not the file's name: a folder of our own, mode 0700, is made in it


@contextmanager
def private_folder(memory: Path = MEMORY) -> Iterator[Path]:
    """A new folder, mode 0700; every file in it is overwritten and removed at the end, whoever made it."""
    base = memory if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="configsvc-", dir=base))
    try:
        yield folder
    finally:
        wipe(folder)


def wipe(folder: Path) -> None:
    """Overwrite and remove everything in a folder, and the folder; links are removed and not followed."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("r+b") as file:
                file.write(b"\0" * os.fstat(file.fileno()).st_size)
    shutil.rmtree(folder)
