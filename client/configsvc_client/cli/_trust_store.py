"""The contents of project files that this person trusts: a file of mode 0600 each, named by the content's SHA-256.

Nothing in it is secret, but who can write it decides where API keys go. A file counts for nothing if it belongs to
someone else, if others may write it, or if its name is not the SHA-256 of its content.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import NamedTuple

from configsvc.model.errors import Misconfigured
from configsvc_client.cli._canonical import digest

_ROOT = 0
_MOST_BYTES = 1024 * 1024
_NO_FOLDER = (
    "There is no folder to keep trust in: HOME is not set. Set it; in CI, set CONFIGSVC_URL and CONFIGSVC_KMS_KEYS in "
    "the job's own settings, and CONFIGSVC_TRUST=project where it runs reviewed commits only."
)


class Trusted(NamedTuple):
    """A canonical content, the path it was trusted at, and the time of that, for showing what differs."""

    content: str
    path: str
    time: float


class TrustStore:
    """What is trusted.

    Args:
        folder: of the trusted contents; None where the person has no folder for settings.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def holds(self, content: str) -> bool:
        """Whether a canonical content is trusted."""
        name = digest(content)
        return self._folder is not None and self._read(self._folder / f"{name}.json") is not None

    def all(self) -> list[Trusted]:
        """Everything that is trusted."""
        if self._folder is None or not self._folder.is_dir():
            return []
        return [each for each in map(self._read, self._folder.glob("*.json")) if each]

    def keep(self, content: str, path: str) -> None:
        """Trust a canonical content. Who does it at the same time loses nothing.

        Raises:
            Misconfigured: there is no folder for it, or it cannot be written.
        """
        from configsvc_client.admin._private_file import write

        if self._folder is None:
            raise Misconfigured(_NO_FOLDER)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"{self._folder} cannot be made: {error.strerror}.") from None
        record = {"content": content, "path": path}
        write(self._folder / f"{digest(content)}.json", json.dumps(record).encode())

    def _read(self, path: Path) -> Trusted | None:
        """A trusted content; None for anything that this person did not surely put there."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_uid not in (os.getuid(), _ROOT) or about.st_mode & 0o022:
                return None
            return _parsed(path.stem, file.read(_MOST_BYTES), about.st_mtime)


def _parsed(name: str, raw: bytes, time: float) -> Trusted | None:
    try:
        record = json.loads(raw)
        content, path = record["content"], record["path"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not isinstance(content, str) or not isinstance(path, str) or digest(content) != name:
        return None
    return Trusted(content, path, time)
