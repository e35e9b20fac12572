"""Reads a snapshot at one revision with reads that are not isolated from writes.

HEAD is read first. A Query may see a key as a later write left it or, while a transaction is being applied, as an
earlier revision left it: changed, gone, or still there. So each `K#` has a stamp, made of its key and its revision,
and HEAD holds their sum. The right sum proves that every key was read exactly as HEAD's revision left it.

Unserved keys have no `K#`, so the cost depends on what is served, however many keys were ever deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from configsvc.model import etag
from configsvc.model.errors import Contended, Unavailable
from configsvc.model.names import Key, Namespace
from configsvc.model.retry import Backoff
from configsvc.model.snapshot import DataKey, SealedSnapshot, render
from configsvc.service.engine import access, records
from configsvc.service.engine.access import find_live_head, find_record
from configsvc.service.engine.ports import Rendered, ServicePorts
from configsvc.service.engine.records import DataKeyRecord, Head, KeyState, LogRecord
from configsvc.service.engine.tally import add_stamps

TRIES = 4
"""Full reads of all keys that one request may cost; keys that changed are read singly, as often as time allows."""

_CAUGHT_UP = 200
"""Log records that a read catches up with; beyond these all keys are read again."""

_BACKOFF = Backoff(first=0.04)


class Reading(NamedTuple):
    """All served keys in order, exactly as HEAD's revision left them."""

    head: Head
    states: list[KeyState]


def render_snapshot(ports: ServicePorts, head: Head) -> Rendered:
    """Returns the text of the snapshot, from memory if this served revision was rendered here before.

    Raises:
        NotFound: it was deleted in the meantime.
        Contended: it kept changing while it was read.
        Unavailable: its records are inconsistent.
    """
    for _ in range(TRIES):
        if made := find_rendered(ports, head) or render_reading(ports, read_key_states(ports, head)):
            return made
        head = read_head_again(ports, head)
    raise build_contended_reading()


def find_rendered(ports: ServicePorts, head: Head) -> Rendered | None:
    """Returns the text of that served revision if it is in memory."""
    return ports.snapshots.get((head.namespace, head.served, head.tag))


def render_reading(ports: ServicePorts, reading: Reading) -> Rendered | None:
    """Renders the keys that were read; returns None if a data key was changed in the meantime."""
    head, states = reading
    data_keys = _read_data_keys(ports, head)
    if data_keys is None:
        return None
    entries = tuple(state.entry for state in states if state.entry)
    body = render(SealedSnapshot(head.namespace, head.served, data_keys, entries))
    made = Rendered(body, etag.of_snapshot(head.served, head.tag))
    ports.snapshots.put((head.namespace, head.served, head.tag), made)
    return made


def read_key_states(ports: ServicePorts, head: Head, *, values: bool = True) -> Reading:
    """Reads all served keys at one revision: HEAD's, or a later one if writes came between.

    The log has every change made in the meantime. So after one read of all keys, only the keys that the log names from
    HEAD's revision on are read again, together with HEAD, until the sum is right. HEAD's own record is among them: all
    earlier ones were applied when HEAD was read, but it alone may not have been. A gap in the log, such as a lift
    leaves, shows in the sum, and then all keys are read again.

    Raises:
        NotFound: it was deleted in the meantime.
        Contended: it kept changing while it was read.
        Unavailable: its records are inconsistent.
    """
    for tried in range(TRIES):
        if tried and not ports.pause(ports.chance.uniform(_BACKOFF.longest(tried))):
            raise build_contended_reading()
        head, found = _catch_up(ports, head, _read_all(ports, head.namespace, values=values))
        if is_consistent(head, list(found.values())):
            return Reading(head, [state for _, state in sorted(found.items())])
    raise build_contended_reading() if read_head_again(ports, head) != head else _build_inconsistent(head)


def _catch_up(ports: ServicePorts, head: Head, found: Mapping[Key, KeyState]) -> tuple[Head, Mapping[Key, KeyState]]:
    """Returns HEAD and all keys with later changes applied; inconsistent if the log does not have those changes."""
    since = head.revision
    while not is_consistent(head, list(found.values())):
        if not ports.pause(0.0):
            raise build_contended_reading()
        moved, before = _read_moved(ports, head.namespace, since), head.revision
        head, changed = _read_changed(ports, head.namespace, moved.keys)
        found = {key: state for key, state in found.items() if key not in moved.keys} | changed
        if moved.many or head.revision == before == since:
            break
        since = min(moved.last, head.revision)
    return head, found


class _MovedKeys(NamedTuple):
    keys: frozenset[Key]
    last: int
    many: bool


def _read_all(ports: ServicePorts, namespace: Namespace, *, values: bool) -> dict[Key, KeyState]:
    query = ports.repository.query(records.of_namespace(namespace), "K#", values=values)
    return {state.key: state for state in query if isinstance(state, KeyState)}


def _read_moved(ports: ServicePorts, namespace: Namespace, since: int) -> _MovedKeys:
    """Finds the keys that the log names from a revision on."""
    partition = records.of_namespace(namespace)
    query = ports.repository.query(partition, "R#", after=records.log(partition, since - 1).sk, limit=_CAUGHT_UP)
    log = [each for each in query if isinstance(each, LogRecord)]
    keys = frozenset(change.key for each in log for change in each.changes)
    return _MovedKeys(keys, log[-1].revision if log else since, len(log) == _CAUGHT_UP)


def _read_changed(ports: ServicePorts, namespace: Namespace, keys: frozenset[Key]) -> tuple[Head, dict[Key, KeyState]]:
    """Reads HEAD and those keys, as close to one moment as a batch can."""
    found = ports.repository.get([records.head(namespace), *(records.key(namespace, key) for key in sorted(keys))])
    head = find_live_head(found, namespace)
    if head is None:
        raise access.build_absent_refusal(namespace)
    return head, {state.key: state for state in found.values() if isinstance(state, KeyState)}


def _build_inconsistent(head: Head) -> Unavailable:
    return Unavailable(
        f"The records of {head.namespace} are inconsistent at revision {head.revision}. If this persists, the table "
        f"was changed or restored: an administrator must run configsvc namespace lift {head.namespace} --revision N.",
        retry_after=1,
    )


def is_consistent(head: Head, states: Sequence[KeyState]) -> bool:
    """Whether all keys were read as HEAD's revision left them."""
    return all(state.revision <= head.revision for state in states) and head.stamps == add_stamps(0, (), states)


def _read_data_keys(ports: ServicePorts, head: Head) -> tuple[DataKey, ...] | None:
    wanted = {records.data_key(head.namespace, kid): count for kid, count in sorted(head.kids.items()) if count.served}
    if not wanted:
        return ()
    found = ports.repository.get(tuple(wanted))
    stored = ((find_record(found, at, DataKeyRecord), count.revision) for at, count in wanted.items())
    there = tuple(each.data_key for each, revision in stored if each and each.revision == revision)
    return there if len(there) == len(wanted) else None


def read_head_again(ports: ServicePorts, head: Head) -> Head:
    """Reads HEAD again.

    Raises:
        NotFound: it was deleted in the meantime.
    """
    at = records.head(head.namespace)
    current = find_live_head(ports.repository.get([at]), head.namespace)
    if current is None:
        raise access.build_absent_refusal(head.namespace)
    return current


def build_contended_reading() -> Contended:
    """Returns the refusal of a read that met a write each time."""
    return Contended("The namespace changes too fast to be read at one revision. Try again.", retry_after=1)
