"""Reads the settings files: the project's, found upwards from the working folder, and the person's own."""

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
"""`project` trusts every project file. It is for jobs that run reviewed commits only, and no file may set it."""

_ROOT = 0
_UNDER_CONTROL = (".git", ".hg", ".jj", ".svn")
_MOST_BYTES = 64 * 1024
_MOST_DOTS = 500
"""In one line: tomllib takes time in the square of the parts of a dotted key."""


def read_files(environ: Mapping[str, str]) -> list[SettingsFile]:
    """The settings files that are there, the project's before the person's own.

    Raises:
        Misconfigured: one cannot be read, is no TOML, or belongs to another user.
    """
    path, own = find_project_file(Path.cwd()), find_user_file()
    found = [read_project(path, environ)] if path else []
    return [*found, SettingsFile(str(own), _read_members(own), own=True)] if own and own.is_file() else found


def read_project(path: Path, environ: Mapping[str, str]) -> SettingsFile:
    """A project file, with whether it is trusted.

    Raises:
        Misconfigured: as `files`, or CONFIGSVC_TRUST is set to something unknown.
    """
    from configsvc_client.cli.settings.trust import canonicalize

    members = _read_members(path)
    asked = environ.get(TRUST, "")
    if asked not in ("", "project"):
        raise Misconfigured(f"{TRUST} is project or not set.")
    trusted = asked == "project" or open_trust_store().holds(canonicalize(members))
    return SettingsFile(str(path), members, own=False, trusted=trusted)


def find_project_file(start: Path) -> Path | None:
    """The nearest `.configsvc.toml` in a folder or above it. Only that one counts, whatever it is."""
    return next((each / PROJECT_FILE for each in (start, *start.parents) if os.path.lexists(each / PROJECT_FILE)), None)


def find_user_file() -> Path | None:
    """The person's own: `config.toml` in the system's folder for settings, `~/.config/configsvc` on Linux."""
    folder = _find_own_folder()
    return folder / "config.toml" if folder else None


def open_trust_store() -> TrustStore:
    """The contents that the person trusts, beside the person's own file."""
    folder = _find_own_folder()
    return TrustStore(folder / "trusted" if folder else None)


def _find_own_folder() -> Path | None:
    """None without a home: a relative path would be looked up in the working folder, which is the repository's.

    Raises:
        Misconfigured: it is in the repository. Whoever sends a change of that would choose what is trusted, and a
            command to run.
    """
    found = Path(click.get_app_dir("configsvc"))
    if not found.is_absolute():
        return None
    repository, home = _find_repository(found.resolve(), Path.cwd().resolve()), _find_home()
    if repository in (None, home) or (home and found.resolve() == home / ".config" / "configsvc"):
        return found  # a home that is under version control is the person's own
    raise Misconfigured(
        f"{found} would hold your own settings and what you trust, and is in the repository {repository}, which others "
        "change. Set XDG_CONFIG_HOME or HOME to a folder outside of it."
    )


def _find_repository(path: Path, working: Path) -> Path | None:
    """The folder under version control that both are in."""
    shared = [each for each in path.parents if working.is_relative_to(each)]
    return next((each for each in shared if any(os.path.lexists(each / mark) for mark in _UNDER_CONTROL)), None)


def _find_home() -> Path | None:
    """The person's home by the system's list of users, whatever the variables say."""
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    except KeyError:
        return None


def _read_members(path: Path) -> Mapping[str, Any]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would keep it waiting
        with os.fdopen(descriptor, "rb") as file:
            _check(path, os.fstat(descriptor))
            return _parse(path, file.read(_MOST_BYTES + 1))
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from None


def _check(path: Path, found: os.stat_result) -> None:
    """Whoever owns the file chooses where secrets go."""
    if not stat.S_ISREG(found.st_mode):
        raise Misconfigured(f"{path} is not a file. Remove it.")
    if found.st_uid not in (os.getuid(), _ROOT):
        raise Misconfigured(f"{path} belongs to another user, who could send your secrets elsewhere. Remove it.")


def _parse(path: Path, content: bytes) -> Mapping[str, Any]:
    import tomllib

    if len(content) > _MOST_BYTES:
        raise Misconfigured(f"{path} is larger than {_MOST_BYTES} bytes.")
    if any(line.count(b".") > _MOST_DOTS for line in content.splitlines()):
        raise Misconfigured(f"{path} has a line with more than {_MOST_DOTS} dots. Write it in several lines.")
    try:
        return tomllib.loads(content.decode())
    except RecursionError:
        raise Misconfigured(f"{path} nests tables or lists too deeply.") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    except ValueError as error:
        raise Misconfigured(f"{path} is not TOML: {error}.") from None
