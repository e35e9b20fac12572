"""Get the entry that a key serves."""

from __future__ import annotations

from configsvc.model import names
from configsvc.model.errors import NotFound
from configsvc.model.etag import of_revision
from configsvc.service import access, records
from configsvc.service.found import one
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import KeyState
from configsvc.service.steps import next_version


def get_key(ports: Ports, caller: Caller, ns: str, key: str) -> tuple[dict[str, object], str]:
    """The active entry with `latest`, `next_version` and `revision`, and the key's ETag; one read.

    Raises:
        NotFound: the namespace as always; or nothing is served under the key, and then `next_version` says which
            version a writer seals for.
    """
    namespace, name = names.namespace(ns), names.key(key)
    at = records.key(namespace, name)
    held, found = access.look(ports, caller, (records.head(namespace), at), writes=False)
    head = access.readable(held, found, namespace)
    state = one(found, at, KeyState)
    follows = next_version(state, head)
    if state is None or state.entry is None:
        raise NotFound(f"Nothing is served under {name}.", key=name, next_version=follows)
    numbers = {"latest": state.latest, "next_version": follows, "revision": state.revision}
    return {"namespace": namespace, **state.entry._asdict(), **numbers}, of_revision(state.revision)
