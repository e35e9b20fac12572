"""List the versions of a key: its history, without values."""

from __future__ import annotations

from configsvc.model.errors import NotFound
from configsvc.model.names import Key, Namespace
from configsvc.service import access, key_state, paging, records
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import KeyState, Version
from configsvc.service.steps import next_version


def list_versions(  # noqa: PLR0917  # limit and cursor as in every listing
    ports: Ports, caller: Caller, namespace: Namespace, key: Key, limit: int, cursor: str | None
) -> dict[str, object]:
    """`{"namespace", "key", "latest", "next_version", "revision", "versions": [...], "cursor"}`, newest first.

    One read and one Query, and a read more if nothing is served under the key. What upkeep has pruned is not listed;
    what was destroyed is.

    Raises:
        NotFound: the namespace as always; or nothing is kept under the key: it never was, or was purged.
        InvalidRequest: a bad limit or cursor.
    """
    last = paging.after(cursor, "", paging.number)
    most = paging.checked(limit) + 1
    wanted = (records.head(namespace), *key_state.addresses(namespace, key))
    held, found = access.look(ports, caller, wanted, writes=False)
    access.readable(held, found, namespace)
    found = key_state.together(ports, found, wanted, namespace, key)
    head = access.readable(held, found, namespace)
    state = key_state.known(found, namespace, key).state
    follows = next_version(state, head)
    if state is None:
        raise NotFound(f"Nothing is kept under {key}.", key=key, next_version=follows)
    after = records.version(namespace, key, int(last)).sk if last else ""
    every = ports.repository.query(
        records.of_namespace(namespace), f"V#{key}#", after=after, limit=most, values=False, reverse=True
    )
    versions = (each for each in every if isinstance(each, Version))
    shown, more = paging.page(versions, limit, lambda each: str(each.entry.version))
    numbers = {"latest": state.latest, "next_version": follows, "revision": state.revision}
    listed = [_listed(state, each) for each in shown]
    return {"namespace": namespace, "key": key, **numbers, "versions": listed, "cursor": more}


def _listed(state: KeyState, version: Version) -> dict[str, object]:
    """`revision` is the one that wrote it, or that destroyed it."""
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
