"""Which values a command is to have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from configsvc.model.errors import CannotOpen, NotFound
from configsvc.model.wildcard import matches
from configsvc_client import _alike

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, Opened

Admitted = Callable[["Namespace", Sequence[str]], Iterable[str]]
"""Which of these keys of a namespace may be had."""


def wanted(keys: Iterable[str], only: Sequence[str], prefix: str) -> set[str]:
    """The keys that start with the prefix, and that a pattern of `only` names where there are any.

    Raises:
        NotFound: a pattern names none, so a value would be missing silently.
    """
    having = [key for key in keys if key.startswith(prefix)]
    for pattern in only:
        if not any(matches(key, pattern) for key in having):
            near = _alike.question(_alike.nearest(pattern.removesuffix("*"), having)) or "`configsvc list` shows them."
            raise NotFound(f"{pattern} names no key that is served. {near}")
    return {key for key in having if not only or any(matches(key, pattern) for pattern in only)}


def opened(
    admin: Admin,
    snapshots: Sequence[SealedSnapshot],
    only: Sequence[str],
    prefix: str,
    admitted: Admitted = lambda _, keys: keys,
) -> dict[str, Opened]:
    """The wanted values in the clear; the first namespace that holds a key wins. Nothing else is opened.

    Args:
        admin: opens them.
        snapshots: of the namespaces, in their order.
        only: patterns of keys.
        prefix: of the keys.
        admitted: which keys of a namespace may be had.

    Raises:
        NotFound: as `wanted`.
        CannotOpen: one does not open. Names the key and the namespace.
        Misconfigured: one is sealed, and no KMS key is pinned or no AWS credentials are found.
    """
    chosen = wanted(dict.fromkeys(entry.key for each in snapshots for entry in each.entries), only, prefix)
    found: dict[str, Opened] = {}
    for snapshot in snapshots:
        own = [entry for entry in snapshot.entries if entry.key in chosen]
        chosen -= {entry.key for entry in own}
        may = set(admitted(snapshot.namespace, [entry.key for entry in own]))
        entries = [entry for entry in own if entry.key in may]
        for key, each in admin.values.open_entries(snapshot, entries).items():
            if isinstance(each, CannotOpen):
                raise unopened(snapshot.namespace, key, each)
            found[key] = each
    return found


def unopened(namespace: str, key: str, error: CannotOpen) -> CannotOpen:
    """The error that says which value does not open: in the first of several namespaces, another may serve it well."""
    return CannotOpen(f"{key} in {namespace} does not open. {error.detail}", **{**error.members, "key": key})
