"""Which version a rollback goes to, and when one was served: decisions on the change log."""

from __future__ import annotations

from collections.abc import Container, Iterable

from configsvc.model.names import Key
from configsvc_client.admin._history import LogEntry


def version_before(log: Iterable[LogEntry], key: Key, active: int, kept: Container[int]) -> int | None:
    """Of the versions below the active one, the one that was served last; None where the log tells of none.

    A version that was only staged is never chosen, and rolling back twice goes further back.

    Args:
        log: records that name the key, newest first; read no further than needed.
        key: the key.
        active: the version that is served.
        kept: versions whose value is still there.
    """
    changes = (change for record in log for change in record.keys if change.key == key)
    served = (each for change in changes for each in (change.now, change.was))
    return next((each for each in served if each and each < active and each in kept), None)


def last_served(log: Iterable[LogEntry], key: Key, version: int) -> int | None:
    """The last revision that served a version of a key before another took its place; None where none did.

    Args:
        log: records that name the key, newest first; read no further than needed.
        key: the key.
        version: the version.
    """
    ended = (
        record.revision
        for record in log
        for change in record.keys
        if change.key == key and change.was == version and change.now != version
    )
    last = next(ended, None)
    return last and last - 1
