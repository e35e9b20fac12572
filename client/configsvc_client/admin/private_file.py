"""A file written whole or not at all, for its owner alone."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from configsvc.model.errors import Misconfigured

_SHOWN = 50
"""Characters of the name in that of the file that is made first: a name has up to 255 bytes."""

_OF_THE_SYSTEM = ("/dev/fd/", "/dev/std", "/proc/")


def write_private(path: Path, content: bytes) -> None:
    """Replace a file by one rename; mode 0600. What was there stays until the new one is on the disk.

    Raises:
        Misconfigured: the folder does not take it, or what is there is a device, a pipe or a name of the system's:
            root would replace /dev/null for everybody.
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
    except BaseException as error:  # Ctrl-C too: what is half written could be plaintext
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _explain_refusal(path, error) from None
        raise


def is_of_the_system(path: Path) -> bool:
    """Whether the system gives the name to what a process has open: whatever is there, the folder is nobody's."""
    return str(path.absolute()).startswith(_OF_THE_SYSTEM)


def _is_special(path: Path) -> bool:
    """Whether it is neither a file nor a link that may be replaced by one."""
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
        advice = "What was there is unchanged. Free some space, or name a file on another disk."
    return Misconfigured(f"{path} cannot be written: {os.strerror(error.errno or 0)}. {advice}")
