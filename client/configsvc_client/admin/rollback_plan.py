"""Plan the rollback of a namespace: what to activate and delete so that it serves again what it served before."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.change_set import Activate, Delete, count_stored_bytes
from configsvc.model.errors import CannotOpen
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import Entry, SealedSnapshot
from configsvc_client._opening.cipher import read_kid
from configsvc_client.admin.history import LogEntry
from configsvc_client.admin.reading import Known, Opened
from configsvc_client.admin.sealing.drafts import Draft

_MORE_DIGITS = 16
"""How many bytes an envelope may grow by when it is sealed for a version with more digits."""


class RollbackStep(NamedTuple):
    """One key: the version served now and the one served then; None if the key is or was not served. `size` in bytes.

    `removed` is the size of the served value if the key is deleted.
    `reseal` is the earlier value to seal again, if its data key is retired and the version cannot be activated.
    `plain` is true if the earlier version is plain, `declassifies` if it replaces a sealed one.
    """

    key: Key
    now: int | None
    then: int | None
    size: int
    reseal: Draft | None = None
    plain: bool = False
    declassifies: bool = False
    removed: int = 0

    @property
    def change(self) -> Activate | Delete | Draft:
        """The operation of this step."""
        if self.then is None:
            return Delete(self.key)
        return self.reseal or Activate(self.key, self.then)


class RollbackPlan(NamedTuple):
    """The steps of a rollback, and the only revision of the namespace at which they are valid."""

    namespace: Namespace
    revision: int
    steps: tuple[RollbackStep, ...]


def find_steps(now: SealedSnapshot, then: SealedSnapshot) -> tuple[RollbackStep, ...]:
    """Finds the keys whose versions differ, in order. A version never changes, so nothing is opened.

    A plain value that is the same in both versions needs no step either.
    """
    here, there = _index_by_key(now), _index_by_key(then)
    found = (_make_step(key, here.get(key), there.get(key)) for key in sorted(here.keys() | there.keys()))
    moved = (each for each in found if each.now != each.then)
    return tuple(each for each in moved if not _is_same_plain(here.get(each.key), there.get(each.key)))


def split_steps(steps: Iterable[RollbackStep]) -> list[tuple[RollbackStep, ...]]:
    """Splits steps into change sets: at most 40 operations, 1 MiB of activated values, and one transaction each."""
    groups: list[list[RollbackStep]] = []
    for step in steps:
        if not groups or not _fits([*groups[-1], step]):
            groups.append([])
        groups[-1].append(step)
    return [tuple(group) for group in groups]


def _fits(steps: Sequence[RollbackStep]) -> bool:
    """Whether the steps fit into one change set. An activated value is in two items of its transaction."""
    size, removed = sum(each.size for each in steps), sum(each.removed for each in steps)
    few = len(steps) <= limits.OPERATIONS
    return few and size <= limits.CHANGE_SET_BYTES and 2 * size + removed <= limits.TRANSACTION_VALUES


def select_sealed_under(entries: Iterable[Entry], kids: Container[Kid]) -> tuple[Entry, ...]:
    """Selects the envelopes that are sealed under one of these data keys."""
    return tuple(each for each in entries if each.form == "envelope" and read_kid(each.value) in kids)


def seal_again(
    steps: Iterable[RollbackStep],
    now: Mapping[Key, Opened | CannotOpen],
    then: Mapping[Key, Opened | CannotOpen],
    known: Known,
) -> tuple[RollbackStep, ...]:
    """Adds the values of `then` to the steps, to be sealed again. Drops a step if the key serves the same value `now`.

    Raises:
        CannotOpen: some of those values do not open; names every such key.
    """
    shut: list[str] = sorted(key for key, each in then.items() if isinstance(each, CannotOpen))
    if shut:
        raise CannotOpen(
            f"The data key of the earlier value is retired, and the value does not open, so it cannot be sealed again: "
            f"{', '.join(shut)}. Put {'it' if len(shut) == 1 else 'each'} by hand, then repeat.", keys=shut,
        )  # fmt: skip
    found: list[RollbackStep] = []
    for step in steps:
        value = then.get(step.key)
        if not isinstance(value, Opened):
            found.append(step)
        elif not _is_same_opened(now.get(step.key), value):
            info = known.get(step.key)
            draft = Draft(
                value.key, value.data, value.content_type, "envelope", rotate_by=info.rotate_by if info else None
            )
            found.append(step._replace(reseal=draft, size=step.size + _MORE_DIGITS))
    return tuple(found)


def _is_same_opened(now: Opened | CannotOpen | None, then: Opened) -> bool:
    if not isinstance(now, Opened) or (now.form, now.content_type) != (then.form, then.content_type):
        return False
    return same_value(then.content_type, now.data, then.data)


def _is_same_plain(now: Entry | None, then: Entry | None) -> bool:
    if now is None or then is None or not now.form == then.form == "plain" or now.content_type != then.content_type:
        return False
    return same_value(then.content_type, _encode_plain(now), _encode_plain(then))


def _encode_plain(entry: Entry) -> bytes:
    return entry.value.encode(errors="surrogatepass")  # half of a surrogate pair, which the service never stores


def _make_step(key: Key, now: Entry | None, then: Entry | None) -> RollbackStep:
    size, removed = (count_stored_bytes(then.value), 0) if then else (0, count_stored_bytes(now.value) if now else 0)
    plain = then is not None and then.form == "plain"
    versions = now.version if now else None, then.version if then else None
    return RollbackStep(
        key,
        *versions,
        size,
        plain=plain,
        declassifies=plain and now is not None and now.form != "plain",
        removed=removed,
    )


def _index_by_key(snapshot: SealedSnapshot) -> dict[Key, Entry]:
    return {entry.key: entry for entry in snapshot.entries}


def find_version_before(log: Iterable[LogEntry], key: Key, active: int, kept: Container[int]) -> int | None:
    """Finds the version served last among those below the active one; None if the log has none.

    A version that was only staged is never chosen. Rolling back twice goes further back.

    Args:
        log: records that name the key, newest first; read no further than needed.
        key: the key.
        active: the version that is served.
        kept: versions whose value still exists.
    """
    changes = (change for record in log for change in record.keys if change.key == key)
    served = (each for change in changes for each in (change.now, change.was))
    return next((each for each in served if each and each < active and each in kept), None)


def find_last_served(log: Iterable[LogEntry], key: Key, version: int) -> int | None:
    """Finds the last revision that served a version of a key before another replaced it; None if none did.

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
