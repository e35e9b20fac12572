"""List the data keys of a namespace: its keyring, wrapped."""

from __future__ import annotations

from configsvc.model.names import Namespace
from configsvc.service import access, paging, records
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Head, StoredDataKey


def list_data_keys(ports: Ports, caller: Caller, namespace: Namespace) -> dict[str, object]:
    """`{"namespace", "data_keys": [...]}`, newest first by revision, with what HEAD counts of each live one.

    Live ones are few. Of those that were retired, the oldest are left out where the answer would pass 3 MiB.

    Raises:
        NotFound: absent, or not the caller's to read.
    """
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    every = ports.repository.query(records.of_namespace(namespace), "D#")
    stored = [each for each in every if isinstance(each, StoredDataKey)]
    by_state = sorted(stored, key=lambda each: (each.state == "live", each.added), reverse=True)
    shown = paging.fitting(by_state, lambda each: paging.size(_listed(head, each), ports.charset))
    newest = sorted(shown, key=lambda each: each.added, reverse=True)
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
