"""The values as a file for a command that reads one: mode 0600, replaced whole, gone when the command is."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from configsvc.model.errors import AlreadyExists, Misconfigured, Unprocessable
from configsvc_client.admin import Opened
from configsvc_client.cli import _shown


class Mount:
    """A file of values. Put it on a file system in memory, like /dev/shm: what is killed outright leaves it behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made = False

    def create(self, content: bytes) -> None:
        """Write it for the first time.

        Raises:
            AlreadyExists: something has that name; it is never written over.
            Misconfigured: the folder does not take it.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise AlreadyExists(f"{self.path} is there already, and is not written over. Name another file.") from None
        except OSError as error:
            raise Misconfigured(f"{self.path} cannot be written: {error.strerror}. Name another folder.") from None
        self._made = True
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)

    def replace(self, content: bytes) -> None:
        """Replace it by one rename: who reads it sees the old or the new, whole."""
        descriptor, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)  # mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(self.path)

    def remove(self) -> None:
        """Overwrite and remove it, if it was made here and is still there."""
        if not self._made:
            return
        try:
            with self.path.open("r+b") as file:
                file.write(b"\0" * os.fstat(file.fileno()).st_size)
        except FileNotFoundError:
            return
        self.path.unlink(missing_ok=True)


def content_of(values: Mapping[str, Opened]) -> bytes:
    """The values as a JSON object, each as its content type has it.

    Raises:
        Unprocessable: bytes, which JSON has none of. Names the key.
    """
    found: dict[str, object] = {}
    for key, opened in values.items():
        members = _shown.members(opened)
        if "value" not in members:
            raise Unprocessable(f"{key} holds bytes, which JSON cannot. Leave it out with --only.", key=key)
        found[key] = members["value"]
    return json.dumps(found, ensure_ascii=False, indent=2).encode() + b"\n"
