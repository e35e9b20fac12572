"""From a draft to the put that is sent: sealed under a data key, or stored in the clear where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.change_set import Put
from configsvc.model.envelope import Header
from configsvc.model.errors import Misconfigured
from configsvc.model.names import Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._cipher import Cipher
from configsvc_client.admin._draft import Draft


class StoredDataKey(NamedTuple):
    """A data key as the service lists it."""

    data_key: DataKey
    state: str
    seals: int
    served: int


class Sealer(NamedTuple):
    """A namespace and the data key to seal its values under."""

    namespace: Namespace
    cipher: Cipher


def newest_live(namespace: str, data_keys: Iterable[StoredDataKey]) -> DataKey:
    """The data key to seal under: the first that is live and has seals left, of a list that is newest first.

    Raises:
        Misconfigured: there is none.
    """
    for each in data_keys:
        if each.state == "live" and each.seals < limits.SEALS_PER_DATA_KEY:
            return each.data_key
    raise Misconfigured(
        f"{namespace} has no data key to seal under. Add one: configsvc data-key add -n {namespace} --kms-key ARN",
        namespace=namespace,
    )


def sealed(draft: Draft, version: int, sealer: Sealer, nonce: bytes) -> Put:
    """The draft in envelope form, bound to its key, namespace and version."""
    header = Header(sealer.namespace, draft.key, version, draft.content_type, sealer.cipher.kid)
    return stored(draft, sealer.cipher.seal(header, draft.data, nonce))


def stored(draft: Draft, value: str) -> Put:
    """The put of a draft whose stored value is known."""
    return Put(
        key=draft.key, form=draft.form, content_type=draft.content_type, value=value, activate=draft.activate,
        declassify=draft.declassify, rotate_by=draft.rotate_by, if_match=draft.if_match, create_only=draft.create_only,
    )  # fmt: skip
