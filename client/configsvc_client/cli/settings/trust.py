"""Trusted project files: their canonical content, stored under its SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from configsvc.model.errors import Misconfigured

_SPELLINGS: Mapping[type, Callable[[Any], str]] = {
    str: str,
    bool: str,
    int: hex,  # str() of a huge one takes long, or fails
    float: repr,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
}
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LONG = 120
"""Characters of a list on one line. In a longer list, nobody would notice an addition."""


def canonicalize(members: Mapping[str, Any]) -> str:
    """The members as JSON with the type of each value and with sorted tables.

    Raises:
        Misconfigured: tables or lists are nested too deeply.
    """
    try:
        return json.dumps(_add_type(members), sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise Misconfigured("The project file nests tables or lists too deeply. Flatten them.") from None


def compute_digest(text: str) -> str:
    """The SHA-256 of a canonical form, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def render_lines(text: str) -> list[str]:
    """A canonical form to show: a line for each member, with all but ASCII escaped.

    A long list has a line for each element. The order of a policy's lists does not matter; elsewhere it does, so
    elements are numbered.
    """
    return sorted(_iter_lines(json.loads(text), ""))


def parse_canonical(text: str) -> dict[str, Any]:
    """The tables, lists and strings of a canonical form; other values stay as spelled there."""
    found: dict[str, Any] = _strip_types(json.loads(text))
    return found


def _strip_types(typed: list[Any]) -> Any:  # noqa: ANN401  # TOML's
    kind, held = typed
    match kind:
        case "table":
            return {name: _strip_types(each) for name, each in held.items()}
        case "list":
            return [_strip_types(each) for each in held]
    return held


def _add_type(found: object) -> list[Any]:
    if isinstance(found, dict):
        return ["table", {name: _add_type(held) for name, held in found.items()}]
    if isinstance(found, list):
        return ["list", [_add_type(each) for each in found]]
    kind = type(found)  # exact, because bool is an int and datetime a date
    if kind not in _SPELLINGS:
        raise Misconfigured(f"The project file has a value of type {kind.__name__}.")  # TOML has no more types
    return [kind.__name__, _SPELLINGS[kind](found)]


def _iter_lines(typed: list[Any], name: str) -> Iterator[str]:
    kind, held = typed
    if kind != "table":
        yield from _iter_members(typed, name)
        return
    if not held:
        yield f"[{name}]"
    for member, each in held.items():
        quoted = member if _BARE.fullmatch(member) else json.dumps(member)
        yield from _iter_lines(each, f"{name}.{quoted}" if name else quoted)


def _iter_members(typed: list[Any], name: str) -> Iterator[str]:
    whole = f"{name} = {_show_value(typed)}"
    if typed[0] != "list" or len(whole) <= _LONG:
        yield whole
        return
    for number, each in enumerate(typed[1]):
        yield f"{name}{' has' if name.startswith('policy.') else f'[{number}] ='} {_show_value(each)}"


def _show_value(typed: list[Any]) -> str:
    kind, held = typed
    match kind:
        case "str":
            return json.dumps(held)
        case "list":
            return f"[{', '.join(map(_show_value, held))}]"
        case "table":
            return f"{{{', '.join(f'{json.dumps(name)} = {_show_value(each)}' for name, each in held.items())}}}"
    return f"{held} ({kind})"


_ROOT = 0
_MOST_BYTES = 1024 * 1024
_NO_FOLDER = (
    "Trust cannot be stored: HOME is not set. Set it. In CI, set CONFIGSVC_URL and CONFIGSVC_KMS_KEYS in the job's own "
    "settings, and CONFIGSVC_TRUST=project if it runs only reviewed commits."
)


class TrustedContent(NamedTuple):
    """A canonical content, with the path and the time at which it was trusted, to show differences."""

    content: str
    path: str
    time: float


class TrustStore:
    """The trusted contents.

    Args:
        folder: of the trusted contents; None if the user has no folder for settings.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def holds(self, content: str) -> bool:
        """Whether a canonical content is trusted."""
        name = compute_digest(content)
        return self._folder is not None and self._read(self._folder / f"{name}.json") is not None

    def all(self) -> list[TrustedContent]:
        """All trusted contents."""
        if self._folder is None or not self._folder.is_dir():
            return []
        return [each for each in map(self._read, self._folder.glob("*.json")) if each]

    def keep(self, content: str, path: str) -> None:
        """Trusts a canonical content. Concurrent calls lose nothing.

        Raises:
            Misconfigured: the user has no folder for settings, or it cannot be written.
        """
        from configsvc_client.admin.private_file import write_private

        if self._folder is None:
            raise Misconfigured(_NO_FOLDER)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"{self._folder} cannot be created: {error.strerror}.") from None
        record = {"content": content, "path": path}
        write_private(self._folder / f"{compute_digest(content)}.json", json.dumps(record).encode())

    def _read(self, path: Path) -> TrustedContent | None:
        """A trusted content; None for anything that this user may not have put there."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_uid not in (os.getuid(), _ROOT) or about.st_mode & 0o022:
                return None
            return _parse_trusted(path.stem, file.read(_MOST_BYTES), about.st_mtime)


def _parse_trusted(name: str, raw: bytes, time: float) -> TrustedContent | None:
    try:
        record = json.loads(raw)
        content, path = record["content"], record["path"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not isinstance(content, str) or not isinstance(path, str) or compute_digest(content) != name:
        return None
    return TrustedContent(content, path, time)
