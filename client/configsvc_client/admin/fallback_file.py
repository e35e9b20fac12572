"""Save a fallback file of what the service serves now, still sealed, and verify that all of it opens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.errors import CannotOpen, InvalidRequest
from configsvc.model.names import Namespace
from configsvc.model.snapshot import Entry, SealedSnapshot
from configsvc_client._opening import fallback_file
from configsvc_client._opening.value import read_value
from configsvc_client._ports import Clocks
from configsvc_client._secret import Secret
from configsvc_client._transport.url import Url
from configsvc_client.admin import private_file
from configsvc_client.admin.reading import Opened, Opener, Reader


class SnapshotFile(NamedTuple):
    """The content of a fallback file: its URL, when it was saved (seconds since the epoch), revisions, entry count."""

    url: str
    saved_at: float
    revisions: Mapping[Namespace, int]
    entries: int


class FallbackFile:
    """The fallback file of readers, for `CONFIGSVC_FALLBACK`.

    Args:
        reader: reads the snapshots.
        opener: opens them with trusted KMS keys.
        url: the URL of the service, which the file names.
        clock: sets the time of saving.
    """

    def __init__(self, reader: Reader, opener: Opener, url: Url, clock: Clocks) -> None:
        self._reader = reader
        self._opener = opener
        self._url = url
        self._clock = clock

    def save(self, path: str | os.PathLike[str], *namespaces: str) -> SnapshotFile:
        """Write what some namespaces serve now into a fallback file: still sealed, mode 0600, by one rename.

        Raises:
            InvalidRequest: no namespace, or one twice.
            Misconfigured: the file cannot be written.
        """
        wanted = [names.parse_namespace(each) for each in namespaces]
        if not wanted or len(set(wanted)) != len(wanted):
            raise InvalidRequest("Name one or more namespaces, each only once.", field="namespace")
        saved_at = self._clock.wall()
        found = tuple(self._reader.snapshot(each) for each in wanted)
        fallback = fallback_file.Fallback(fallback_file.format_base(self._url), float(int(saved_at)), found)
        private_file.write_private(Path(path), fallback_file.encode(fallback))
        return _describe(fallback)

    def verify(self, path: str | os.PathLike[str]) -> SnapshotFile:
        """Check that a reader could open every value in a fallback file. Shows no value.

        Raises:
            BadFallback: it is damaged, or was saved from another URL.
            CannotOpen: some values do not open; member `problems` has each, with why.
            Misconfigured: a value is sealed, but no KMS key is pinned or no AWS credentials are found.
        """
        fallback = fallback_file.decode(fallback_file.read(os.fspath(path)))
        held = fallback_file.select_snapshots(fallback, self._url, fallback.revisions)
        broken = [line for snapshot in held.values() for line in self._find_broken(snapshot)]
        if broken:
            raise CannotOpen(f"{len(broken)} values in {os.fspath(path)} do not open.", problems=broken)
        return _describe(fallback)

    def _find_broken(self, snapshot: SealedSnapshot) -> list[str]:
        opened = self._opener.open_all(snapshot.namespace, snapshot.entries, snapshot.data_keys)
        reasons = ((entry.key, _find_fault(entry, opened[entry.key])) for entry in snapshot.entries)
        return [f"{snapshot.namespace} {key}: {reason}" for key, reason in reasons if reason]


def _find_fault(entry: Entry, opened: Opened | CannotOpen) -> str | None:
    if isinstance(opened, CannotOpen):
        return opened.detail
    try:
        read_value(entry.key, entry.content_type, Secret(entry.value if entry.form == "plain" else opened.data))
    except CannotOpen as error:
        return error.detail
    return None


def _describe(fallback: fallback_file.Fallback) -> SnapshotFile:
    entries = sum(len(each.entries) for each in fallback.snapshots)
    return SnapshotFile(fallback.url, fallback.saved_at, fallback.revisions, entries)
