"""From a draft to the put that is sent: sealed under a data key, or stored in the clear where that is asked for."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.change_set import Put
from configsvc.model.envelope import Header
from configsvc.model.errors import Misconfigured
from configsvc.model.names import Kid, Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._cipher import Cipher
from configsvc_client._secret import Secret
from configsvc_client.admin._draft import Draft


class StoredDataKey(NamedTuple):
    """A data key as the service lists it. `revision` is the one that added it: the highest is the newest."""

    data_key: DataKey
    state: str
    seals: int
    served: int
    revision: int

    @property
    def kid(self) -> Kid:
        """Its identifier."""
        return self.data_key.kid

    @property
    def seals_on(self) -> bool:
        """Whether it is live and has seals left."""
        return self.state == "live" and self.seals < limits.SEALS_PER_DATA_KEY


class Sealer(NamedTuple):
    """A namespace and the data key to seal its values under."""

    namespace: Namespace
    cipher: Cipher


def newest_first(data_keys: Iterable[StoredDataKey]) -> list[StoredDataKey]:
    """Data keys in the order in which they were added, by revision."""
    return sorted(data_keys, key=lambda each: each.revision, reverse=True)


def newest_live(namespace: str, data_keys: Iterable[StoredDataKey], never: Container[str] = ()) -> DataKey:
    """The data key to seal under: the newest that is live. One that is used up is not made up for by an older one.

    Args:
        namespace: for the error.
        data_keys: as the service lists them, in any order.
        never: kids that nothing is sealed under, whatever the service says of them.

    Raises:
        Misconfigured: there is none, or it has no seals left.
    """
    live = [each for each in newest_first(data_keys) if each.state == "live"]
    newest = next((each for each in live if each.kid not in never), None)
    if newest is None:
        raise Misconfigured(_none_of(namespace, live), namespace=namespace, kids=[str(each.kid) for each in live])
    if not newest.seals_on:
        raise Misconfigured(
            f"The newest data key of {namespace} has sealed as many values as it may. "
            f"Make a new one: configsvc data-key rotate -n {namespace}",
            namespace=namespace,
        )
    return newest.data_key


def _none_of(namespace: str, live: Sequence[StoredDataKey]) -> str:
    if not live:
        return (
            f"{namespace} has no data key to seal under. Add one: configsvc data-key add -n {namespace} --kms-key ARN"
        )
    return (
        f"The service offers only data keys of {namespace} that were retired or replaced: "
        f"{', '.join(each.kid for each in live)}. Someone may have changed its table. Nothing was sealed. Read "
        f"`configsvc log -n {namespace}`, then make a new data key: configsvc data-key rotate -n {namespace} --fresh"
    )


def sealed(draft: Draft, version: int, sealer: Sealer, nonce: bytes) -> Put:
    """The draft in envelope form, bound to its key, namespace and version."""
    header = Header(sealer.namespace, draft.key, version, draft.content_type, sealer.cipher.kid)
    plaintext = Secret(draft.data)
    return stored(draft, sealer.cipher.seal(header, plaintext, nonce))


def stored(draft: Draft, value: str) -> Put:
    """The put of a draft whose stored value is known."""
    return Put(
        key=draft.key, form=draft.form or "envelope", content_type=draft.content_type, value=value,
        activate=draft.activate, declassify=draft.declassify, rotate_by=draft.rotate_by, if_match=draft.if_match,
        create_only=draft.create_only,
    )  # fmt: skip
