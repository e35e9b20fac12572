"""Which values a command is to have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from configsvc.model.errors import CannotOpen, NotFound

if TYPE_CHECKING:
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, Opened


def wanted(keys: Iterable[str], only: Sequence[str], prefix: str) -> set[str]:
    """The keys that start with the prefix, and that a pattern of `only` names where there are any.

    Raises:
        NotFound: a pattern names none, so a value would be missing silently.
    """
    having = [key for key in keys if key.startswith(prefix)]
    for pattern in only:
        if not any(fnmatchcase(key, pattern) for key in having):
            raise NotFound(f"No key that is served is named by --only {pattern}. `configsvc list` shows them.")
    return {key for key in having if not only or any(fnmatchcase(key, pattern) for pattern in only)}


def opened(admin: Admin, snapshots: Sequence[SealedSnapshot], only: Sequence[str], prefix: str) -> dict[str, Opened]:
    """The wanted values in the clear; the first namespace that holds a key wins. Nothing else is opened.

    Raises:
        NotFound: as `wanted`.
        CannotOpen: one does not open. Names the key.
        Misconfigured: one is sealed, and no KMS key is pinned or no AWS credentials are found.
    """
    chosen = wanted(dict.fromkeys(entry.key for each in snapshots for entry in each.entries), only, prefix)
    found: dict[str, Opened] = {}
    for snapshot in snapshots:
        entries = [entry for entry in snapshot.entries if entry.key in chosen and entry.key not in found]
        for key, each in admin.open_all(snapshot, entries).items():
            if isinstance(each, CannotOpen):
                raise CannotOpen(f"{key} does not open. {each.detail}", **{**each.members, "key": key})
            found[key] = each
    return found
