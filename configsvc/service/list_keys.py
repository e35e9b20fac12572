"""List the keys of a namespace, without values."""

from __future__ import annotations

from collections.abc import Iterator

from configsvc.model import names
from configsvc.model.names import Namespace
from configsvc.service import access, key_state, paging, records
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Head, KeyState, Record
from configsvc.service.steps import next_version


def list_keys(  # noqa: PLR0917  # prefix, limit, cursor as in every listing
    ports: Ports, caller: Caller, namespace: Namespace, prefix: str, limit: int, cursor: str | None
) -> dict[str, object]:
    """`{"namespace", "revision", "floor", "keys": [...], "cursor"}` in order of key, also those that are not served.

    The first version of a key that is not there is floor + 1.

    A page is read while others write: each key is as it was at one moment, the page as a whole need not be, and a key
    that is deleted in that very moment may be missing. Whoever needs one revision fetches the snapshot.

    Raises:
        NotFound: absent, or not the caller's to read.
        InvalidRequest: a bad prefix, limit or cursor.
    """
    begin = paging.parse_prefix(prefix, names.key)
    after = paging.after(cursor, begin, names.key)
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    # What is served first: a key that is deleted between the two readings is in both.
    states = [state for kind in "KU" for state in _read(ports, namespace, (kind, begin, after), paging.checked(limit))]
    shown, more = paging.page(key_state.current(states), limit, lambda state: state.key)
    listed = [_listed(head, state) for state in shown]
    counted = {"revision": head.revision, "floor": head.floor}
    return {"namespace": namespace, **counted, "keys": listed, "cursor": more}


def _read(ports: Ports, namespace: Namespace, where: tuple[str, str, str], limit: int) -> Iterator[Record]:
    """One more than a page takes, of keys that serve something or of the others."""
    kind, begin, after = where
    partition, last = records.of_namespace(namespace), f"{kind}#{after}" if after else ""
    return ports.repository.query(partition, f"{kind}#{begin}", after=last, limit=limit + 1, values=False)


def _listed(head: Head, state: KeyState) -> dict[str, object]:
    return {
        "key": state.key,
        "active": state.active,
        "latest": state.latest,
        "next_version": next_version(state, head),
        "form": state.entry.form if state.entry else state.latest_form,
        "content_type": state.entry.content_type if state.entry else None,
        "revision": state.revision,
        "rotate_by": state.rotate_by,
        "state": state.state,
    }
