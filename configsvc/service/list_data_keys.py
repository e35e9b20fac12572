"""List the data keys of a namespace: its keyring, wrapped."""

from __future__ import annotations

from configsvc.model import names
from configsvc.service import access, records
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Head, StoredDataKey


def list_data_keys(ports: Ports, caller: Caller, ns: str) -> dict[str, object]:
    """`{"namespace", "data_keys": [...]}`, newest first by revision, with what HEAD counts of each live one.

    Raises:
        NotFound: absent, or not the caller's to read.
    """
    namespace = names.namespace(ns)
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    every = ports.repository.query(records.of_namespace(namespace), "D#")
    stored = [each for each in every if isinstance(each, StoredDataKey)]
    newest = sorted(stored, key=lambda each: each.added, reverse=True)
    return {"namespace": namespace, "data_keys": [_listed(head, each) for each in newest]}


def _listed(head: Head, stored: StoredDataKey) -> dict[str, object]:
    count = head.kids.get(stored.data_key.kid)
    return {
        **stored.data_key._asdict(),
        "revision": stored.added,
        "state": stored.state,
        "seals": count.seals if count else None,
        "served": count.served if count else 0,
        "created_at": stored.created_at,
        "created_by": stored.created_by,
    }
