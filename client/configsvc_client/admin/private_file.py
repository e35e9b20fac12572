"""Write a file completely or not at all, readable only by its owner."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from configsvc.model.errors import Misconfigured

_SHOWN = 50
"""How many characters of the name the temporary file's name repeats: a name has up to 255 bytes."""

_OF_THE_SYSTEM = ("/dev/fd/", "/dev/std", "/proc/")


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file by one rename; mode 0600. The old file stays until the new one is on disk.

    Raises:
        Misconfigured: the folder is not writable, or the path is a device, a pipe or a system name: as root this would
            replace /dev/null for everybody.
    """
    if _is_special(path):
        raise Misconfigured(f"{path} is not a file. Name a file in a folder of yours.")
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:_SHOWN]}.", dir=path.parent)
    except OSError as error:
        raise _explain_refusal(path, error) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)  # whatever the umask is
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException as error:  # Ctrl-C too: a half-written file could hold plaintext
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _explain_refusal(path, error) from None
        raise


def is_of_the_system(path: Path) -> bool:
    """Whether it is a system name for an open file, like /dev/stdout: nobody owns that folder."""
    return str(path.absolute()).startswith(_OF_THE_SYSTEM)


def _is_special(path: Path) -> bool:
    """Whether it is something other than a file or a link, which may be replaced."""
    if is_of_the_system(path):
        return True
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))


def _explain_refusal(path: Path, error: OSError) -> Misconfigured:
    advice = "Name a file in a folder of yours."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        advice = "The old file is unchanged. Free some space, or name a file on another disk."
    return Misconfigured(f"{path} cannot be written: {os.strerror(error.errno or 0)}. {advice}")
