"""A snapshot at one revision, out of reads that are not isolated from writes.

HEAD is read first. A key that a later write touched has a revision above HEAD's. A key that was read as an earlier
revision left it, which a Query may do while a transaction is being applied, makes the sum of the keys' revisions too
small, for HEAD holds that sum and no revision ever goes down. So no revision above HEAD's and the right sum prove that
every key was read exactly as HEAD's revision left it.
"""

from __future__ import annotations

from collections.abc import Sequence

from configsvc.model import etag
from configsvc.model.errors import Unavailable
from configsvc.model.snapshot import DataKey, SealedSnapshot, render
from configsvc.service import access, records
from configsvc.service.found import live_head, one
from configsvc.service.ports import Ports, Rendered
from configsvc.service.records import Head, KeyState, StoredDataKey

TRIES = 4


def rendered(ports: Ports, head: Head) -> Rendered:
    """The snapshot's text, from memory when this served revision was rendered here before.

    Raises:
        NotFound: it was deleted meanwhile.
        Unavailable: it changed each time while it was read.
    """
    for _ in range(TRIES):
        kept = (head.namespace, head.served, head.tag)
        if known := ports.snapshots.get(kept):
            return known
        if sealed := assembled(ports, head):
            made = Rendered(render(sealed), etag.of_snapshot(head.served, head.tag))
            ports.snapshots.put(kept, made)
            return made
        head = _again(ports, head)
    raise Unavailable("The namespace changes too fast to be read at one revision. Try again.", retry_after=1)


def assembled(ports: Ports, head: Head) -> SealedSnapshot | None:
    """All active entries and the data keys they need, as HEAD says; None when a write came between."""
    partition = records.of_namespace(head.namespace)
    states = [state for state in ports.repository.query(partition, "K#") if isinstance(state, KeyState)]
    if not consistent(head, states):
        return None
    data_keys = _data_keys(ports, head)
    if data_keys is None:
        return None
    entries = tuple(state.entry for state in states if state.entry)
    return SealedSnapshot(head.namespace, head.served, data_keys, entries)


def consistent(head: Head, states: Sequence[KeyState]) -> bool:
    """Whether all keys were read as HEAD's revision left them."""
    return all(state.revision <= head.revision for state in states) and head.stamps == sum(
        state.revision for state in states
    )


def _data_keys(ports: Ports, head: Head) -> tuple[DataKey, ...] | None:
    wanted = [records.data_key(head.namespace, kid) for kid, count in sorted(head.kids.items()) if count.served]
    if not wanted:
        return ()
    found = ports.repository.get(wanted)
    stored = [one(found, at, StoredDataKey) for at in wanted]
    there = tuple(each.data_key for each in stored if each and each.revision <= head.revision)
    return there if len(there) == len(wanted) else None


def _again(ports: Ports, head: Head) -> Head:
    at = records.head(head.namespace)
    current = live_head(ports.repository.get([at]), head.namespace)
    if current is None:
        raise access.absent(head.namespace)
    return current
