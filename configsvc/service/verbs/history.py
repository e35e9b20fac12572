"""Fetches the snapshot of an earlier revision, and compares two revisions or two namespaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal, NamedTuple

from configsvc.model import etag, limits, names
from configsvc.model.errors import Gone, InvalidRequest
from configsvc.model.names import Key, Namespace
from configsvc.model.same_value import same_value
from configsvc.model.snapshot import DataKey, Entry, SealedSnapshot, render
from configsvc.service.engine import access, log_tree, paging, records, time_travel
from configsvc.service.engine.access import find_record
from configsvc.service.engine.ports import Caller, Rendered, ServicePorts
from configsvc.service.engine.records import DataKeyRecord, Head, KeyState
from configsvc.service.engine.snapshot import (
    TRIES,
    build_contended_reading,
    find_rendered,
    read_head_again,
    read_key_states,
    render_reading,
)
from configsvc.service.engine.summaries import EMPTY, Past, Summary
from configsvc.service.engine.tally import find_kid
from configsvc.service.verbs.snapshots import SnapshotAnswer

TAG = 16
"""Characters of the body's SHA-256 that replace the tag in the ETag of an earlier snapshot."""


def fetch_revision(
    ports: ServicePorts, caller: Caller, namespace: Namespace, revision: int, if_none_match: str | None
) -> SnapshotAnswer:
    """Returns the snapshot that readers got at a revision; its `revision` is the served one of that time.

    Entries are exactly those of that time. Data keys are wrapped as they are now, so that they still open. If readers
    get
    the same now, the answer is the very one that they get. Otherwise its ETag is made from the body, and it costs one
    read
    of HEAD, a Query each of keys and log, and a read each of versions and data keys.

    Raises:
        NotFound: as for every read; or the namespace has not reached that revision, and `revision` is its own.
        Gone: the log does not go back that far, and `oldest` is the oldest revision there; or a value was destroyed.
        Contended: it changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    wanted = time_travel.check_revision(revision)
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    time_travel.require_reached(head, wanted)
    for _ in range(TRIES):
        if made := _render_revision(ports, head, wanted):
            body, current = made
            same = if_none_match is not None and etag.matches_if_none_match(if_none_match, current)
            return SnapshotAnswer(304, current, None) if same else SnapshotAnswer(200, current, body)
        head = read_head_again(ports, head)
    raise build_contended_reading()


def _render_revision(ports: ServicePorts, head: Head, revision: int) -> Rendered | None:
    if revision >= head.served and (known := find_rendered(ports, head)):
        return known
    reading = head, states = read_key_states(ports, head)
    if revision >= head.served:
        return render_reading(ports, reading)
    past = time_travel.read_past(ports, head, states, revision)
    if past is None:
        return None
    entries = _read_entries(ports, head.namespace, states, past)
    sealed = SealedSnapshot(head.namespace, past.served, _read_data_keys(ports, head.namespace, entries), entries)
    body = render(sealed)
    return Rendered(body, etag.of_snapshot(past.served, sha256(body.encode()).hexdigest()[:TAG]))


def _read_entries(ports: ServicePorts, namespace: Namespace, states: list[KeyState], past: Past) -> tuple[Entry, ...]:
    """Returns the entries in order of key: those still served come from the keys, the rest from versions."""
    known = {state.key: state.entry for state in states if state.entry}
    entries = {
        key: entry for key, number in past.active.items() if (entry := known.get(key)) and entry.version == number
    }
    missing = [(key, number) for key, number in past.active.items() if key not in entries]
    for version in time_travel.read_versions(ports, namespace, missing):
        key, number = version.entry.key, version.entry.version
        if version.destroyed:
            raise Gone(f"Version {number} of {key}, which was served then, was destroyed.", key=key, version=number)
        entries[key] = version.entry
    return tuple(entries[key] for key in past.active)


def _read_data_keys(ports: ServicePorts, namespace: Namespace, entries: tuple[Entry, ...]) -> tuple[DataKey, ...]:
    """Returns the data keys in use then, including retired ones."""
    kids = sorted({kid for entry in entries if (kid := find_kid(entry))})
    wanted = [records.data_key(namespace, kid) for kid in kids]
    found = ports.repository.get(wanted) if wanted else {}
    stored = [data_key for at in wanted if (data_key := find_record(found, at, DataKeyRecord))]
    if len(stored) < len(wanted):
        raise Gone(
            "A data key that was in use then is no longer kept.",
            oldest=time_travel.find_oldest_revision(ports, namespace),
        )
    return tuple(each.data_key for each in stored)


_KEYS = 25
"""Keys whose two versions are read at once, at most 12.8 MB."""


_SIDES = ("was", "now")


class _MovedKey(NamedTuple):
    key: Key
    was: int | None
    now: int | None


def diff_revisions(  # noqa: PLR0917  # two revisions, limit and cursor as in every listing
    ports: ServicePorts,
    caller: Caller,
    namespace: Namespace,
    from_revision: int,
    to_revision: int | None,
    limit: int,
    cursor: str | None,
) -> dict[str, object]:
    """Returns `{"namespace", "from", "to", "differences": [{"key", "was", "now"}], "cursor"}` in order of key.

    The changes in between are read through the log's summaries, and only the keys of the page are read; a page with
    large
    values may end early.

    `was` and `now` are `{"version", "form", "content_type"}`, or None where nothing was served. Without `to_revision`,
    the
    end is the current revision; to fetch the next page, send the one that was answered. `from` may be the later one.

    Raises:
        NotFound: as for every read; or the namespace has not reached a revision, and `revision` is its own.
        Gone: the log does not go back that far, and `oldest` is the oldest revision there.
        InvalidRequest: a bad revision, limit or cursor.
        Unprocessable: too many keys were written in between for one request to read.
        Contended: it changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    asked = [time_travel.check_revision(revision) for revision in (from_revision, to_revision) if revision is not None]
    after = paging.parse_cursor(cursor, "", names.parse_key)
    paging.check_limit(limit)
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    time_travel.require_reached(head, max(asked))
    end = to_revision or head.revision
    moved = [each for each in _find_moved(ports, head, from_revision, end) if each.key > after]
    shown, more = _build_page(ports, namespace, moved, limit)
    return {"namespace": namespace, "from": from_revision, "to": end, "differences": shown, "cursor": more}


def _find_moved(ports: ServicePorts, head: Head, start: int, end: int) -> list[_MovedKey]:
    for _ in range(TRIES):
        if (found := _summarise_between(ports, head, *sorted((start, end)))) is not None:
            changed = [_MovedKey(key, each.was, each.now) for key, each in sorted(found.keys.items()) if each.changed]
            ways = [each if start < end else _MovedKey(each.key, each.now, each.was) for each in changed]
            return [each for each in ways if each.was != each.now]
        head = read_head_again(ports, head)
    raise build_contended_reading()


def _summarise_between(ports: ServicePorts, head: Head, low: int, high: int) -> Summary | None:
    """Summarises the log between two revisions; from the served one on, readers get the same."""
    time_travel.read_log_records(ports, head.namespace, [each for each in {low, high} if each < head.served])
    partition, until = records.of_namespace(head.namespace), min(high, head.served)
    return log_tree.read_between(ports.repository, partition, low, until) if low < until else EMPTY


def _build_page(
    ports: ServicePorts, namespace: Namespace, moved: Sequence[_MovedKey], limit: int
) -> tuple[list[dict[str, object]], str | None]:
    shown, size = list[dict[str, object]](), 0
    for start in range(0, min(limit, len(moved)), _KEYS):
        if size > limits.PAGE_BYTES:
            break
        some = moved[start : min(start + _KEYS, limit)]
        sides = [(each.key, number) for each in some for number in (each.was, each.now) if number is not None]
        stored = time_travel.read_versions(ports, namespace, sides)
        entries = {(each.entry.key, each.entry.version): each.entry for each in stored}
        size += sum(len(each.value) for each in entries.values())
        shown += [_describe_moved(each, entries) for each in some]
    more = paging.make_cursor(moved[len(shown) - 1].key) if len(shown) < len(moved) else None
    return shown, more


def _describe_moved(moved: _MovedKey, entries: Mapping[tuple[Key, int], Entry]) -> dict[str, object]:
    sides = {
        name: number and describe_side(entries[moved.key, number])
        for name, number in zip(_SIDES, moved[1:], strict=True)
    }
    return {"key": moved.key, **sides}


def diff_namespaces(  # noqa: PLR0917  # two namespaces, limit and cursor as in every listing
    ports: ServicePorts, caller: Caller, here: Namespace, there: Namespace, limit: int, cursor: str | None
) -> dict[str, object]:
    """Returns the keys that differ between two namespaces, in order of key, page by page.

    Answers `{"namespace", "revision", "against", "against_revision", "differences": [...], "cursor"}`.

    A difference is `{"key", "here", "there", "values"}`: `here` and `there` are `{"version", "form", "content_type"}`
    or None; `values` is "same", "different", or "unknown" where one is sealed, and None where only one has the key.
    Both
    revisions are served ones; each namespace is read at one revision, but not both at one moment.

    Raises:
        NotFound: one is absent, or the caller may not read it; it is named.
        InvalidRequest: both are the same namespace, or a bad limit or cursor.
        Contended: one changed too fast to be read at one revision.
        Unavailable: the store failed.
    """
    if here == there:
        raise InvalidRequest("Name another namespace, or two revisions of this one.", field="against")
    after = paging.parse_cursor(cursor, "", names.parse_key)
    paging.check_limit(limit)
    held, found = access.read_with_rights(ports, caller, (records.head(here), records.head(there)), writes=False)
    heads = [access.require_readable(held, found, namespace) for namespace in (here, there)]
    (one, entries), (other, others) = (_read_served(ports, head) for head in heads)
    differences = (each for each in compare_entries(entries, others) if each.key > after)
    page, more = paging.cut_page(differences, limit, lambda each: each.key)
    ends = {"namespace": here, "revision": one.served, "against": there, "against_revision": other.served}
    return {**ends, "differences": [_describe_apart(each) for each in page], "cursor": more}


def _read_served(ports: ServicePorts, head: Head) -> tuple[Head, dict[Key, Entry]]:
    head, states = read_key_states(ports, head)
    return head, {state.key: state.entry for state in states if state.entry}


def _describe_apart(each: DifferingKey) -> dict[str, object]:
    return {
        "key": each.key,
        "here": describe_side(each.here),
        "there": describe_side(each.there),
        "values": each.values,
    }


ValueComparison = Literal["same", "different", "unknown"]


class DifferingKey(NamedTuple):
    """A key that two namespaces serve differently.

    `values` is None where only one has the key, and "unknown" where one is sealed: the service cannot read it, and
    sealing the same value twice gives two different texts.
    """

    key: Key
    here: Entry | None
    there: Entry | None
    values: ValueComparison | None


def compare_entries(here: Mapping[Key, Entry], there: Mapping[Key, Entry]) -> list[DifferingKey]:
    """Returns the keys, in order, that only one has, or that differ in form, content type or value.

    Versions do not count: each namespace has its own.
    """
    keys = sorted({*here, *there})
    both = (
        DifferingKey(key, here.get(key), there.get(key), _compare_values(here.get(key), there.get(key))) for key in keys
    )
    return [each for each in both if each.values != "same" or _get_kind(each.here) != _get_kind(each.there)]


def describe_side(entry: Entry | None) -> dict[str, object] | None:
    """Describes an entry for a diff."""
    return entry and {"version": entry.version, "form": entry.form, "content_type": entry.content_type}


def _compare_values(one: Entry | None, other: Entry | None) -> ValueComparison | None:
    if one is None or other is None:
        return None
    if one.content_type != other.content_type:
        return "different"
    if one.value == other.value:
        return "same"
    if one.sealed or other.sealed:
        return "unknown"
    return "same" if same_value(one.content_type, one.value.encode(), other.value.encode()) else "different"


def _get_kind(entry: Entry | None) -> tuple[str, str] | None:
    return entry and (entry.form, entry.content_type)
