"""The values as a file for a command that reads one: mode 0600, replaced atomically, removed after the command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from configsvc.model.errors import AlreadyExists, Misconfigured, Unprocessable
from configsvc_client.admin import Opened, private_file
from configsvc_client.cli import formats
from configsvc_client.cli.private_folder import overwrite
from configsvc_client.cli.values.checks import keep_names, name_variables


class Mount:
    """A file of values. Use a file system in memory, such as /dev/shm: a SIGKILL leaves the file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made = False

    def create(self, content: bytes) -> None:
        """Creates the file.

        Raises:
            AlreadyExists: the name is taken; nothing is overwritten.
            Misconfigured: the file cannot be written.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._made = True
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)  # whatever the umask is
                file.write(content)
        except FileExistsError:
            raise AlreadyExists(f"{self.path} already exists, and is not overwritten. Name another file.") from None
        except OSError as error:
            raise Misconfigured(f"{self.path} cannot be written: {error.strerror}. Name another folder.") from None

    def replace(self, content: bytes) -> None:
        """Replaces the file by one rename: a reader sees either the old or the new content.

        Raises:
            Misconfigured: the file cannot be written; the old one stays.
        """
        private_file.write_private(self.path, content)

    def remove(self) -> None:
        """Overwrites and removes the file, if `create` made it and it still exists.

        Raises:
            Misconfigured: the file cannot be removed.
        """
        if not self._made:
            return
        with suppress(OSError):
            if self.path.lstat().st_nlink == 1:  # else it is another file of the user's, linked under this name
                overwrite(self.path)
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise Misconfigured(
                f"{self.path}, which holds values, cannot be removed: {error.strerror}. Remove it yourself."
            ) from None


def render_content(path: Path, values: Mapping[str, Opened]) -> bytes:
    """The values in the format that the file's name implies, as `configsvc export` writes it: JSON for `.json`.

    Shell code (`.sh`) uses the names of variables, because a shell can assign no others.

    Raises:
        Unprocessable: the format cannot hold some values. Names their keys.
    """
    listed = name_variables(values) if is_environment(path) else keep_names(values)
    wanted = formats.guess_format(path.name)
    text, problems = formats.write(wanted, listed, "")
    if problems:
        keys = ", ".join(each.key or "" for each in problems)
        raise Unprocessable(
            f"{path} was not written: {wanted} cannot hold {keys}. Select keys with --only, or name a file of another "
            "format.", problems=[*map(str, problems)],
        )  # fmt: skip
    return text.encode()


def is_environment(path: Path) -> bool:
    """Whether a file of this name holds an environment."""
    return formats.guess_format(path.name) in formats.ENVIRONMENT_FORMATS
