"""Get an entry of a key: the one it serves, or one version."""

from __future__ import annotations

from configsvc.model.errors import Gone, InvalidRequest, NotFound
from configsvc.model.etag import of_revision
from configsvc.model.names import Key, Namespace
from configsvc.service import access, key_state, records
from configsvc.service.found import Found, one
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import KeyState, Version
from configsvc.service.steps import next_version

Got = tuple[dict[str, object], str]


def get_key(ports: Ports, caller: Caller, namespace: Namespace, key: Key, version: int | None = None) -> Got:
    """The active entry with `latest`, `next_version` and `revision`, and the key's ETag; one read if it is served.

    With a version it is that one, also when it was only staged or is no longer served; then `active` is the version
    that is served or None, and `written_at` and `written_by` tell where this one comes from. `revision` and the ETag
    are the key's all the same.

    Raises:
        NotFound: the namespace as always; or nothing is served under the key or there is no such version, and then
            `next_version` says which version a writer seals for.
        Gone: the value of that version was destroyed.
        InvalidRequest: no version has that number.
    """
    if version is not None and version < 1:
        raise InvalidRequest("A version is 1 or more.", field="version")
    chosen = [] if version is None else [records.version(namespace, key, version)]
    wanted = [records.head(namespace), *key_state.addresses(namespace, key), *chosen]
    held, found = access.look(ports, caller, wanted, writes=False)
    access.readable(held, found, namespace)
    found = key_state.together(ports, found, wanted, namespace, key)
    head = access.readable(held, found, namespace)
    state = key_state.known(found, namespace, key).state
    follows = next_version(state, head)
    if state is None:
        raise NotFound(f"Nothing is kept under {key}.", key=key, next_version=follows)
    entry = _served(state, follows) if version is None else _chosen(found, state, version, follows)
    numbers = {"latest": state.latest, "next_version": follows, "revision": state.revision}
    return {"namespace": namespace, **entry, **numbers}, of_revision(state.revision)


def _served(state: KeyState, follows: int) -> dict[str, object]:
    if state.entry is None:
        raise NotFound(f"Nothing is served under {state.key}.", key=state.key, next_version=follows)
    return state.entry._asdict()


def _chosen(found: Found, state: KeyState, number: int, follows: int) -> dict[str, object]:
    """The version; one that came after the key was read in the same batch is not there yet."""
    stored = one(found, records.version(state.namespace, state.key, number), Version)
    if stored is None or number > state.latest:
        raise NotFound(f"{state.key} has no version {number}.", key=state.key, version=number, next_version=follows)
    if stored.destroyed:
        raise Gone("The value of that version was destroyed.", key=state.key, version=number)
    written = {"active": state.active, "written_at": stored.written_at, "written_by": stored.written_by}
    return {**stored.entry._asdict(), **written}
