"""What `configsvc diff` compares: what a namespace serves, what it served at a revision, or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from configsvc.model.content_types import TEXT
from configsvc.model.entry import ContentType
from configsvc.model.errors import CannotOpen, Misconfigured
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client.cli import _loaded, _origins, _terminal, formats
from configsvc_client.cli._inputs import MOST_OF_A_FILE, bounded
from configsvc_client.cli._shaping import AS_IN_THE_FILE, Shaping

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, Opened


class Item(NamedTuple):
    """A key without its value. `version` and `form` are None in a file; `identity` is the same for the same value.

    `content_type` is None for a text in a file of a format that has no types: it may stand for any JSON.
    """

    content_type: ContentType | None
    version: int | None = None
    form: str | None = None
    identity: tuple[str, str, int] | None = None


class Side(Protocol):
    """One of two."""

    name: str

    def items(self) -> Mapping[str, Item]:
        """Its keys."""

    def data(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        """Their values in the clear; None for one that this caller cannot open."""


class ServedSide:
    """The entries of a sealed snapshot; only what is asked for is opened."""

    def __init__(self, name: str, admin: Admin, snapshot: SealedSnapshot) -> None:
        self.name = name
        self._admin = admin
        self._snapshot = snapshot

    def items(self) -> Mapping[str, Item]:
        """See `Side`."""
        namespace = self._snapshot.namespace
        return {
            each.key: Item(each.content_type, each.version, each.form, (namespace, each.key, each.version))
            for each in self._snapshot.entries
        }

    def data(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        """See `Side`."""
        wanted = set(keys)
        entries = [each for each in self._snapshot.entries if each.key in wanted]
        try:
            return {key: _data(each) for key, each in self._admin.values.open_entries(self._snapshot, entries).items()}
        except Misconfigured as error:
            _terminal.say(f"configsvc: {self.name}: {error.detail}", *_origins.of(error.detail))
            return {each.key: None if each.sealed else each.value.encode() for each in entries}


class FileSide:
    """The rows of a file in any format that `import` reads, by the file's ending where none is named."""

    def __init__(self, path: Path, wanted: str | None = None, shaping: Shaping = AS_IN_THE_FILE) -> None:
        self.name = str(path)
        with path.open("rb") as file:
            content = bounded(self.name, file.read, MOST_OF_A_FILE, "Nothing was compared.")
        found = _loaded.loaded(self.name, content, wanted, shaping, f"{path} cannot be compared.")
        self._rows = {row.key: row for row in found.rows}
        self._typed = (wanted or formats.format_of(path.name)) in formats.TREE_FORMATS

    def items(self) -> Mapping[str, Item]:
        """See `Side`."""
        return {
            key: Item(row.content_type if self._typed or row.content_type != TEXT else None)
            for key, row in self._rows.items()
        }

    def data(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        """See `Side`."""
        return {key: self._rows[key].data for key in keys}


def _data(found: Opened | CannotOpen) -> bytes | None:
    return None if isinstance(found, CannotOpen) else found.data
