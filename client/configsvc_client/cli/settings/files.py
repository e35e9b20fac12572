"""Reads the settings files: the project file, in the working folder or above it, and the user file."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from configsvc.model.errors import Misconfigured
from configsvc_client.cli.settings.settings_file import PROJECT_FILE, SettingsFile
from configsvc_client.cli.settings.trust import TrustStore

TRUST = "CONFIGSVC_TRUST"
"""`project` trusts every project file. For jobs that run only reviewed commits; no file can set it."""

_ROOT = 0
_UNDER_CONTROL = (".git", ".hg", ".jj", ".svn")
_MOST_BYTES = 64 * 1024
_MOST_DOTS = 500
"""Per line: tomllib's time grows with the square of the parts of a dotted key."""


def read_files(environ: Mapping[str, str]) -> list[SettingsFile]:
    """The settings files that exist, the project file before the user file.

    Raises:
        Misconfigured: a file cannot be read, is not TOML, or belongs to another user.
    """
    path, own = find_project_file(Path.cwd()), find_user_file()
    found = [read_project(path, environ)] if path else []
    return [*found, SettingsFile(str(own), _read_members(own), own=True)] if own and own.is_file() else found


def read_project(path: Path, environ: Mapping[str, str]) -> SettingsFile:
    """Reads a project file, and whether it is trusted.

    Raises:
        Misconfigured: as `read_files`, or CONFIGSVC_TRUST has an unknown value.
    """
    from configsvc_client.cli.settings.trust import canonicalize

    members = _read_members(path)
    asked = environ.get(TRUST, "")
    if asked not in ("", "project"):
        raise Misconfigured(f"{TRUST} has an unknown value. Set it to project, or unset it.")
    trusted = asked == "project" or open_trust_store().holds(canonicalize(members))
    return SettingsFile(str(path), members, own=False, trusted=trusted)


def find_project_file(start: Path) -> Path | None:
    """The nearest `.configsvc.toml` in a folder or above it. Only that one counts, whatever kind of file it is."""
    return next((each / PROJECT_FILE for each in (start, *start.parents) if os.path.lexists(each / PROJECT_FILE)), None)


def find_user_file() -> Path | None:
    """The user file: `config.toml` in the system's folder for settings, `~/.config/configsvc` on Linux."""
    folder = _find_own_folder()
    return folder / "config.toml" if folder else None


def open_trust_store() -> TrustStore:
    """The store of trusted contents, next to the user file."""
    folder = _find_own_folder()
    return TrustStore(folder / "trusted" if folder else None)


def _find_own_folder() -> Path | None:
    """The user's own folder; None without a home, because a relative path would lead into the repository.

    Raises:
        Misconfigured: the folder is in the repository. A change to the repository could then decide what is trusted,
            and which command runs.
    """
    found = Path(click.get_app_dir("configsvc"))
    if not found.is_absolute():
        return None
    repository, home = _find_repository(found.resolve(), Path.cwd().resolve()), _find_home()
    if repository in (None, home) or (home and found.resolve() == home / ".config" / "configsvc"):
        return found  # a home under version control still belongs to the user
    raise Misconfigured(
        f"{found}, the folder of your settings and trusted files, is inside the repository {repository}, which others "
        "can change. Set XDG_CONFIG_HOME or HOME to a folder outside it."
    )


def _find_repository(path: Path, working: Path) -> Path | None:
    """The folder under version control that contains both paths."""
    shared = [each for each in path.parents if working.is_relative_to(each)]
    return next((each for each in shared if any(os.path.lexists(each / mark) for mark in _UNDER_CONTROL)), None)


def _find_home() -> Path | None:
    """The user's home by the system's list of users, regardless of variables."""
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    except KeyError:
        return None


def _read_members(path: Path) -> Mapping[str, Any]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would block
        with os.fdopen(descriptor, "rb") as file:
            _check(path, os.fstat(descriptor))
            return _parse(path, file.read(_MOST_BYTES + 1))
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from None


def _check(path: Path, found: os.stat_result) -> None:
    """Refuses what is not a file, and another user's file: its owner decides where secrets go."""
    if not stat.S_ISREG(found.st_mode):
        raise Misconfigured(f"{path} is not a regular file. Remove it.")
    if found.st_uid not in (os.getuid(), _ROOT):
        raise Misconfigured(f"{path} belongs to another user, who could send your secrets elsewhere. Remove it.")


def _parse(path: Path, content: bytes) -> Mapping[str, Any]:
    import tomllib

    if len(content) > _MOST_BYTES:
        raise Misconfigured(f"{path} is larger than {_MOST_BYTES:,} bytes. Shorten it.")
    if any(line.count(b".") > _MOST_DOTS for line in content.splitlines()):
        raise Misconfigured(f"{path} has a line with more than {_MOST_DOTS} dots. Split it into several lines.")
    try:
        return tomllib.loads(content.decode())
    except RecursionError:
        raise Misconfigured(f"{path} nests tables or lists too deeply. Flatten them.") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    except ValueError as error:
        raise Misconfigured(f"{path} is not TOML: {error}.") from None
