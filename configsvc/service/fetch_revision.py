"""Fetch the snapshot of an earlier revision: time travel."""

from __future__ import annotations

from hashlib import sha256

from configsvc.model import etag
from configsvc.model.entry import Entry
from configsvc.model.errors import Gone
from configsvc.model.names import Namespace
from configsvc.model.snapshot import DataKey, SealedSnapshot, render
from configsvc.service import access, records, time_travel
from configsvc.service.fetch import Fetched
from configsvc.service.found import one
from configsvc.service.history import Past
from configsvc.service.ports import Caller, Ports, Rendered
from configsvc.service.records import Head, KeyState, StoredDataKey
from configsvc.service.snapshot import TRIES, again, kept, key_states, rendered_of, too_fast
from configsvc.service.tally import kid_of

TAG = 16
"""Characters of the body's SHA-256 that stand where the ETag of what is served has its tag."""


def fetch_revision(
    ports: Ports, caller: Caller, namespace: Namespace, revision: int, if_none_match: str | None
) -> Fetched:
    """The snapshot that readers got at a revision; its `revision` is the served one that this revision had.

    Entries are exactly those of then. Data keys are wrapped as they are now, so that they still open. While readers
    get the same now, the answer is the very one that they get; else its ETag is made of what it says, and it costs one
    read of HEAD, a Query each of keys and log, and a read each of versions and data keys.

    Raises:
        NotFound: the namespace as always; or it has not come to that revision, and then `revision` is its own.
        Gone: beyond the log, and `oldest` is the oldest revision there; or a value of then was destroyed.
        Contended: it changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    wanted = time_travel.check(revision)
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    time_travel.reached(head, wanted)
    for _ in range(TRIES):
        if made := _rendered(ports, head, wanted):
            body, current = made
            same = if_none_match is not None and etag.matches(if_none_match, current)
            return Fetched(304, current, None) if same else Fetched(200, current, body)
        head = again(ports, head)
    raise too_fast()


def _rendered(ports: Ports, head: Head, revision: int) -> Rendered | None:
    if revision >= head.served and (known := kept(ports, head)):
        return known
    reading = head, states = key_states(ports, head)
    if revision >= head.served:
        return rendered_of(ports, reading)
    past = time_travel.active_at(ports, head, states, revision)
    if past is None:
        return None
    entries = _entries(ports, head.namespace, states, past)
    sealed = SealedSnapshot(head.namespace, past.served, _data_keys(ports, head.namespace, entries), entries)
    body = render(sealed)
    return Rendered(body, etag.of_snapshot(past.served, sha256(body.encode()).hexdigest()[:TAG]))


def _entries(ports: Ports, namespace: Namespace, states: list[KeyState], past: Past) -> tuple[Entry, ...]:
    """In order of key: what is still served is read with the keys, the rest are versions."""
    known = {state.key: state.entry for state in states if state.entry}
    entries = {
        key: entry for key, number in past.active.items() if (entry := known.get(key)) and entry.version == number
    }
    missing = [(key, number) for key, number in past.active.items() if key not in entries]
    for version in time_travel.versions(ports, namespace, missing):
        key, number = version.entry.key, version.entry.version
        if version.destroyed:
            raise Gone(f"Version {number} of {key}, served then, was destroyed.", key=key, version=number)
        entries[key] = version.entry
    return tuple(entries[key] for key in past.active)


def _data_keys(ports: Ports, namespace: Namespace, entries: tuple[Entry, ...]) -> tuple[DataKey, ...]:
    """Those in use then, retired ones too."""
    kids = sorted({kid for entry in entries if (kid := kid_of(entry))})
    wanted = [records.data_key(namespace, kid) for kid in kids]
    found = ports.repository.get(wanted) if wanted else {}
    stored = [data_key for at in wanted if (data_key := one(found, at, StoredDataKey))]
    if len(stored) < len(wanted):
        raise Gone("A data key that was in use then is no longer kept.", oldest=time_travel.oldest(ports, namespace))
    return tuple(each.data_key for each in stored)
