"""Caches of a warm process: grants by time, rendered snapshots by size. Both can be shared by threads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock

from cachetools import LRUCache, TTLCache

from configsvc.adapters.system import Elapsed
from configsvc.model.grants import Grant
from configsvc.service.engine.ports import Rendered

GRANTS_SECONDS = 10.0
GRANTS_PRINCIPALS = 1024
SNAPSHOTS_BYTES = 64 * 1024 * 1024


class RecentGrants:
    """Grants read at most `seconds` ago. A revoked grant may still work that long in a warm process.

    Args:
        seconds: how long they are kept.
        timer: elapsed seconds, including the time that the process was frozen; called by one thread at a time.
    """

    def __init__(self, seconds: float = GRANTS_SECONDS, timer: Callable[[], float] | None = None) -> None:
        self._kept: TTLCache[str, tuple[Grant, ...]] = TTLCache(GRANTS_PRINCIPALS, seconds, timer or Elapsed())
        self._lock = Lock()

    def get(self, principal: str) -> tuple[Grant, ...] | None:
        """The grants, or None if they have to be read."""
        with self._lock:
            try:
                return self._kept[principal]  # three times as fast as get() of a TTLCache
            except KeyError:
                return None

    def put(self, principal: str, grants: tuple[Grant, ...]) -> None:
        """Caches the grants."""
        with self._lock:
            self._kept[principal] = grants

    def forget(self, principal: str) -> None:
        """Drops the grants, because they changed."""
        with self._lock:
            self._kept.pop(principal, None)


class FixedGrants:
    """The grants of one principal that has none in the table, for as long as the process lives.

    Args:
        principal: whose grants they are.
        grants: its grants.
    """

    def __init__(self, principal: str, grants: tuple[Grant, ...]) -> None:
        self._principal, self._grants = principal, grants

    def get(self, principal: str) -> tuple[Grant, ...] | None:
        """The grants of the one principal; those of any other have to be read."""
        return self._grants if principal == self._principal else None

    def put(self, principal: str, grants: tuple[Grant, ...]) -> None:
        """Keeps nothing."""

    def forget(self, principal: str) -> None:
        """Forgets nothing."""


class RenderedSnapshots:
    """An LRU cache of rendered snapshots, limited to `most` bytes of memory."""

    def __init__(self, most: int = SNAPSHOTS_BYTES) -> None:
        self._kept: LRUCache[tuple[str, int, str], Rendered] = LRUCache(most, _count_bytes)
        self._lock = Lock()

    def get(self, key: tuple[str, int, str]) -> Rendered | None:
        """The rendered snapshot, if it is cached."""
        with self._lock:
            return self._kept.get(key)

    def put(self, key: tuple[str, int, str], rendered: Rendered) -> None:
        """Caches a snapshot, unless it alone exceeds the limit."""
        with self._lock:
            if _count_bytes(rendered) <= self._kept.maxsize:
                self._kept[key] = rendered


def _count_bytes(rendered: Rendered) -> int:
    return sys.getsizeof(rendered.body)
