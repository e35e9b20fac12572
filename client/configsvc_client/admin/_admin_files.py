"""The fallback file of readers."""

from __future__ import annotations

import os
from pathlib import Path

from configsvc.model import names
from configsvc_client.admin._parts import Facet
from configsvc_client.admin._snapshot_file import SnapshotFile


class Files(Facet):
    """Fallback files, for `CONFIGSVC_FALLBACK`."""

    def save_snapshot(self, path: str | os.PathLike[str], *namespaces: str) -> SnapshotFile:
        """Write what some namespaces serve now into a fallback file: sealed as it is, mode 0600, by one rename.

        Raises:
            InvalidRequest: no namespace, or one twice.
            Misconfigured: the file cannot be written.
        """
        return self._parts.files.save(Path(path), [names.namespace(each) for each in namespaces])

    def verify_snapshot(self, path: str | os.PathLike[str]) -> SnapshotFile:
        """Open every value in a fallback file as a reader would, and show none.

        Raises:
            BadFallback: it is damaged, or was saved from another URL.
            CannotOpen: some values do not open; names each, with why.
            Misconfigured: something is sealed, and no KMS key is pinned or no AWS credentials are found.
        """
        return self._parts.files.verify(Path(path))
