"""A snapshot at one revision, out of reads that are not isolated from writes.

HEAD is read first. A Query may see a key as a later write left it, or, while a transaction is being applied, as an
earlier revision left it: changed, gone, or still there. So each `K#` has a stamp, made of its key and its revision, and
HEAD holds the sum of them. The right sum says that every key was read exactly as HEAD's revision left it.

Keys that serve nothing have no `K#`, so a snapshot costs what it serves, however many keys were ever deleted.
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
from configsvc.service.tally import stamped

TRIES = 4


def rendered(ports: Ports, head: Head) -> Rendered:
    """The snapshot's text, from memory when this served revision was rendered here before.

    Raises:
        NotFound: it was deleted meanwhile.
        Unavailable: it changed each time while it was read.
    """
    for _ in range(TRIES):
        if made := rendered_at(ports, head):
            return made
        head = again(ports, head)
    raise too_fast()


def rendered_at(ports: Ports, head: Head) -> Rendered | None:
    """The text of exactly that served revision; None when it was not kept and a write came between."""
    kept = (head.namespace, head.served, head.tag)
    if known := ports.snapshots.get(kept):
        return known
    sealed = assembled(ports, head)
    if sealed is None:
        return None
    made = Rendered(render(sealed), etag.of_snapshot(head.served, head.tag))
    ports.snapshots.put(kept, made)
    return made


def assembled(ports: Ports, head: Head) -> SealedSnapshot | None:
    """All active entries and the data keys they need, as HEAD says; None when a write came between."""
    states = key_states(ports, head)
    if states is None:
        return None
    data_keys = _data_keys(ports, head)
    if data_keys is None:
        return None
    entries = tuple(state.entry for state in states if state.entry)
    return SealedSnapshot(head.namespace, head.served, data_keys, entries)


def key_states(ports: Ports, head: Head, *, values: bool = True) -> list[KeyState] | None:
    """All keys that serve something, as HEAD's revision left them; None when a write came between."""
    found = ports.repository.query(records.of_namespace(head.namespace), "K#", values=values)
    states = [state for state in found if isinstance(state, KeyState)]
    return states if consistent(head, states) else None


def consistent(head: Head, states: Sequence[KeyState]) -> bool:
    """Whether all keys were read as HEAD's revision left them."""
    return all(state.revision <= head.revision for state in states) and head.stamps == stamped(0, (), states)


def _data_keys(ports: Ports, head: Head) -> tuple[DataKey, ...] | None:
    wanted = {records.data_key(head.namespace, kid): count for kid, count in sorted(head.kids.items()) if count.served}
    if not wanted:
        return ()
    found = ports.repository.get(tuple(wanted))
    stored = ((one(found, at, StoredDataKey), count.revision) for at, count in wanted.items())
    there = tuple(each.data_key for each, revision in stored if each and each.revision == revision)
    return there if len(there) == len(wanted) else None


def again(ports: Ports, head: Head) -> Head:
    """HEAD as it is now.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    at = records.head(head.namespace)
    current = live_head(ports.repository.get([at]), head.namespace)
    if current is None:
        raise access.absent(head.namespace)
    return current


def too_fast() -> Unavailable:
    """Each time it was read, a write came between."""
    return Unavailable("The namespace changes too fast to be read at one revision. Try again.", retry_after=1)
