"""Gets an entry of a key; lists the keys of a namespace and the versions of a key."""

from __future__ import annotations

from collections.abc import Iterator

from configsvc.model import names
from configsvc.model.errors import Gone, InvalidRequest, NotFound
from configsvc.model.etag import of_revision
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import access, key_state, paging, records
from configsvc.service.engine.access import FoundRecords, find_record
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.engine.records import Head, KeyState, Record, StoredVersion
from configsvc.service.engine.steps import compute_next_version

KeyAnswer = tuple[dict[str, object], str]


def get_key(
    ports: ServicePorts, caller: Caller, namespace: Namespace, key: Key, version: int | None = None
) -> KeyAnswer:
    """Returns the active entry with `latest`, `next_version` and `revision`, and the key's ETag.

    It takes one read if the key is served. With a version, it returns that one, even if it was only staged or is no
    longer
    served; `active` is then the served version or None, and `written_at` and `written_by` describe its origin.
    `revision`
    and the ETag are still those of the key.

    Raises:
        NotFound: as for every read; or nothing is served under the key, or it has no such version, and then
            `next_version` is the version that a writer seals for.
        Gone: the value of that version was destroyed.
        InvalidRequest: no version can have that number.
    """
    if version is not None and version < 1:
        raise InvalidRequest("A version must be 1 or more.", field="version")
    chosen = [] if version is None else [records.version(namespace, key, version)]
    wanted = [records.head(namespace), *key_state.list_key_addresses(namespace, key), *chosen]
    held, found = access.read_with_rights(ports, caller, wanted, writes=False)
    access.require_readable(held, found, namespace)
    found = key_state.read_together(ports, found, wanted, namespace, key)
    head = access.require_readable(held, found, namespace)
    state = key_state.find_key(found, namespace, key).state
    follows = compute_next_version(state, head)
    if state is None:
        raise NotFound(f"There is no key {key}.", key=key, next_version=follows)
    entry = _describe_served(state, follows) if version is None else _describe_version(found, state, version, follows)
    numbers = {"latest": state.latest, "next_version": follows, "revision": state.revision}
    return {"namespace": namespace, **entry, **numbers}, of_revision(state.revision)


def _describe_served(state: KeyState, follows: int) -> dict[str, object]:
    if state.entry is None:
        raise NotFound(f"Nothing is served under {state.key}.", key=state.key, next_version=follows)
    return state.entry._asdict()


def _describe_version(found: FoundRecords, state: KeyState, number: int, follows: int) -> dict[str, object]:
    """Describes the version; one that was written after the key was read in the same batch does not exist yet."""
    stored = find_record(found, records.version(state.namespace, state.key, number), StoredVersion)
    if stored is None or number > state.latest:
        raise NotFound(f"{state.key} has no version {number}.", key=state.key, version=number, next_version=follows)
    if stored.destroyed:
        raise Gone("The value of that version was destroyed.", key=state.key, version=number)
    written = {"active": state.active, "written_at": stored.written_at, "written_by": stored.written_by}
    return {**stored.entry._asdict(), **written}


def list_keys(  # noqa: PLR0917  # prefix, limit, cursor as in every listing
    ports: ServicePorts, caller: Caller, namespace: Namespace, prefix: str, limit: int, cursor: str | None
) -> dict[str, object]:
    """Returns `{"namespace", "revision", "floor", "keys": [...], "cursor"}` in order of key, with unserved keys.

    The first version of a new key is floor + 1.

    A page is read during writes: each key is as of one moment, but not the page as a whole, and a key that is deleted
    at
    that very moment may be missing. To get one revision, fetch the snapshot.

    Raises:
        NotFound: it is absent, or the caller may not read it.
        InvalidRequest: a bad prefix, limit or cursor.
    """
    begin = paging.parse_prefix(prefix, names.parse_key)
    after = paging.parse_cursor(cursor, begin, names.parse_key)
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    # Served keys come first: a key that is deleted between the two queries is then in both.
    states = [
        state
        for kind in "KU"
        for state in _read_keys(ports, namespace, (kind, begin, after), paging.check_limit(limit))
    ]
    shown, more = paging.cut_page(key_state.collect_states(states), limit, lambda state: state.key)
    listed = [_describe_key(head, state) for state in shown]
    counted = {"revision": head.revision, "floor": head.floor}
    return {"namespace": namespace, **counted, "keys": listed, "cursor": more}


def _read_keys(ports: ServicePorts, namespace: Namespace, where: tuple[str, str, str], limit: int) -> Iterator[Record]:
    """Reads one more than a page takes, of served keys or of the others."""
    kind, begin, after = where
    partition, last = records.of_namespace(namespace), f"{kind}#{after}" if after else ""
    return ports.repository.query(partition, f"{kind}#{begin}", after=last, limit=limit + 1, values=False)


def _describe_key(head: Head, state: KeyState) -> dict[str, object]:
    return {
        "key": state.key,
        "active": state.active,
        "latest": state.latest,
        "next_version": compute_next_version(state, head),
        "form": state.entry.form if state.entry else state.latest_form,
        "content_type": state.entry.content_type if state.entry else None,
        "revision": state.revision,
        "rotate_by": state.rotate_by,
        "state": state.state,
    }


def list_versions(  # noqa: PLR0917  # limit and cursor as in every listing
    ports: ServicePorts, caller: Caller, namespace: Namespace, key: Key, limit: int, cursor: str | None
) -> dict[str, object]:
    """Returns `{"namespace", "key", "latest", "next_version", "revision", "versions": [...], "cursor"}`, newest first.

    It takes one read and one Query, and another read if the key is not served. Pruned versions are not listed;
    destroyed
    ones are.

    Raises:
        NotFound: as for every read; or there is no such key: it was never written, or was purged.
        InvalidRequest: a bad limit or cursor.
    """
    last = paging.parse_cursor(cursor, "", paging.parse_number)
    most = paging.check_limit(limit) + 1
    wanted = (records.head(namespace), *key_state.list_key_addresses(namespace, key))
    held, found = access.read_with_rights(ports, caller, wanted, writes=False)
    access.require_readable(held, found, namespace)
    found = key_state.read_together(ports, found, wanted, namespace, key)
    head = access.require_readable(held, found, namespace)
    state = key_state.find_key(found, namespace, key).state
    follows = compute_next_version(state, head)
    if state is None:
        raise NotFound(f"There is no key {key}.", key=key, next_version=follows)
    after = records.version(namespace, key, int(last)).sk if last else ""
    every = ports.repository.query(
        records.of_namespace(namespace), f"V#{key}#", after=after, limit=most, values=False, reverse=True
    )
    versions = (each for each in every if isinstance(each, StoredVersion))
    shown, more = paging.cut_page(versions, limit, lambda each: str(each.entry.version))
    numbers = {"latest": state.latest, "next_version": follows, "revision": state.revision}
    listed = [_describe_listed_version(state, each) for each in shown]
    return {"namespace": namespace, "key": key, **numbers, "versions": listed, "cursor": more}


def _describe_listed_version(state: KeyState, version: StoredVersion) -> dict[str, object]:
    """Describes a version; `revision` is the one that wrote or destroyed it."""
    return {
        "version": version.entry.version,
        "form": version.entry.form,
        "content_type": version.entry.content_type,
        "written_at": version.written_at,
        "written_by": version.written_by,
        "revision": version.revision,
        "active": version.entry.version == state.active,
        "destroyed": version.destroyed,
    }
