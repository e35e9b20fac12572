"""Reads the settings files: the project's, found upwards from the working folder, and the person's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from configsvc.model.errors import Misconfigured
from configsvc_client.cli._profiles import PROJECT_FILE, File

_ROOT = 0


def files() -> list[File]:
    """The settings files that are there, the project's before the person's own.

    Raises:
        Misconfigured: one cannot be read, is no TOML, or belongs to another user.
    """
    project = project_file(Path.cwd())
    found = [_read(project, own=False)] if project else []
    return [*found, _read(user_file(), own=True)] if user_file().is_file() else found


def project_file(start: Path) -> Path | None:
    """The nearest `.configsvc.toml` in a folder or above it."""
    return next((each / PROJECT_FILE for each in (start, *start.parents) if (each / PROJECT_FILE).is_file()), None)


def user_file() -> Path:
    """The person's own: `config.toml` in the system's folder for settings, `~/.config/configsvc` on Linux."""
    return Path(click.get_app_dir("configsvc")) / "config.toml"


def _read(path: Path, *, own: bool) -> File:
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            return File(str(path), _parsed(path, file.read()), own)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from None


def _check_owner(path: Path, found: os.stat_result) -> None:
    """Whoever owns the file chooses where secrets go."""
    if found.st_uid not in (os.getuid(), _ROOT):
        raise Misconfigured(f"{path} belongs to another user, who could send your secrets elsewhere. Remove it.")


def _parsed(path: Path, content: bytes) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(content.decode())
    except ValueError as error:
        raise Misconfigured(f"{path} is not TOML: {error}.") from None
