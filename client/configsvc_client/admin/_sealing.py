"""From a draft to the put that is sent: sealed under a data key, or stored in the clear where that is asked for."""

from __future__ import annotations

from configsvc.model.change_set import Put
from configsvc.model.envelope import Header
from configsvc_client._secret import Secret
from configsvc_client.admin._draft import Draft
from configsvc_client.admin._keyrings import Sealer


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
