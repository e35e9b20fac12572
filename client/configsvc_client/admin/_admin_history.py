"""History: versions, the change log, and what differs."""

from __future__ import annotations

from collections.abc import Iterator

from configsvc.model import names
from configsvc_client.admin._history import Difference, LogEntry, LogFilter, Moved, VersionInfo
from configsvc_client.admin._parts import Facet


class Histories(Facet):
    """The history of namespaces."""

    def history(self, namespace: str, key: str) -> Iterator[VersionInfo]:
        """The versions of a key without values, newest first; those that upkeep pruned are not there.

        Raises:
            NotFound: nothing is kept under it: it never was, or was purged.
        """
        return self._parts.history.versions(names.namespace(namespace), names.key(key))

    def changes(self, namespace: str, wanted: LogFilter = LogFilter()) -> Iterator[LogEntry]:  # noqa: B008  # immutable
        """The change log, page by page, oldest first unless `wanted` says otherwise.

        Raises:
            Gone: what came right after `since` is no longer kept.
        """
        return self._parts.history.changes(names.namespace(namespace), wanted)

    def grant_changes(self, wanted: LogFilter = LogFilter()) -> Iterator[LogEntry]:  # noqa: B008  # immutable
        """The change log of the grants, as `changes`; by AWS credentials too."""
        return self._parts.history.grant_changes(wanted)

    def diff(self, namespace: str, start: int, end: int | None = None) -> Iterator[Moved]:
        """The keys that two revisions do not serve alike; no `end` is the revision now.

        Raises:
            NotFound: the namespace has not come to a revision.
            Gone: one is beyond the log.
        """
        return self._parts.history.diff(names.namespace(namespace), start, end)

    def diff_against(self, namespace: str, other: str) -> Iterator[Difference]:
        """The keys that two namespaces do not serve alike."""
        return self._parts.history.diff_against(names.namespace(namespace), names.namespace(other))
