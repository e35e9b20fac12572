"""A file written whole or not at all, for its owner alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from configsvc.model.errors import Misconfigured


def write(path: Path, content: bytes) -> None:
    """Replace a file by one rename; mode 0600. What was there stays until the new one is on the disk.

    Raises:
        Misconfigured: the folder does not take it.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
    except OSError as error:
        raise _refused(path, error) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException as error:  # Ctrl-C too: what is half written could be plaintext
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refused(path, error) from None
        raise


def _refused(path: Path, error: OSError) -> Misconfigured:
    return Misconfigured(
        f"{path} cannot be written: {os.strerror(error.errno or 0)}. Name a file in a folder of yours."
    )
