"""Seal drafts, or store them in the clear where that is asked for, after checking their size."""

from __future__ import annotations

from collections.abc import Iterable

from configsvc.model import names, sizes
from configsvc.model.change_set import Put
from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.envelope import NONCE, TAG, EnvelopeParts, Header, join
from configsvc.model.errors import Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import (
    Charset,
    Entry,
    SealedSnapshot,
    compute_data_key_cost,
    compute_entry_cost,
    compute_total_cost,
)
from configsvc_client._pin import Pin
from configsvc_client._ports import Clocks
from configsvc_client._secret import Secret
from configsvc_client.admin.ports import Randomness, WriterKms
from configsvc_client.admin.sealing.drafts import Draft
from configsvc_client.admin.sealing.keyrings import KMS_SECONDS, Keyrings, Sealer, require_pin


def seal_draft(draft: Draft, version: int, sealer: Sealer, nonce: bytes) -> Put:
    """The draft in envelope form, bound to its key, namespace and version."""
    header = Header(sealer.namespace, draft.key, version, draft.content_type, sealer.cipher.kid)
    plaintext = Secret(draft.data)
    return make_put(draft, sealer.cipher.seal(header, plaintext, nonce))


def make_put(draft: Draft, value: str) -> Put:
    """The put of a draft whose stored value is known."""
    return Put(
        key=draft.key, form=draft.form or "envelope", content_type=draft.content_type, value=value,
        activate=draft.activate, declassify=draft.declassify, rotate_by=draft.rotate_by, if_match=draft.if_match,
        create_only=draft.create_only,
    )  # fmt: skip


_KID = names.Kid("A" * 43)


def check_size(namespace: Namespace, draft: Draft, version: int | None = None) -> None:
    """Refuse a value that its form does not take. Without a form it is sealed; without a version, for any.

    Raises:
        TooLarge: names the key, its size and what it may have at most.
    """
    size = len(draft.data)
    name = (namespace, draft.key, draft.content_type)
    most = sizes.compute_sealed_limit(*name, version) if version else sizes.compute_sealed_limit(*name)
    if draft.form == "plain":
        refused = sizes.refuse_large_plain(draft.key, size)
    elif draft.form == "kms":
        refused = sizes.refuse_large_kms(draft.key, size, most)
    else:
        refused = sizes.refuse_large_sealed(draft.key, size, most)
    if refused:
        raise refused


def make_sized_put(namespace: Namespace, draft: Draft, version: int) -> Put:
    """A put as large as the sealed one will be; in kms form no larger, for KMS adds some bytes of its own."""
    if draft.form == "plain":
        return make_put(draft, draft.data.decode())
    if draft.form == "kms":
        return make_put(draft, to_base64std(bytes(len(draft.data) + 1)))
    header = Header(namespace, draft.key, version, draft.content_type, _KID)
    return make_put(draft, join(EnvelopeParts(header.protected(), bytes(NONCE), bytes(len(draft.data)), bytes(TAG))))


def count_served_bytes(snapshot: SealedSnapshot, drafts: Iterable[Draft], charset: Charset) -> int:
    """Bytes that a namespace serves once these drafts are stored; perhaps some more, as versions have more digits."""
    entries = {entry.key: entry for entry in snapshot.entries}
    for draft in drafts:
        if draft.activate:
            put = make_sized_put(snapshot.namespace, draft, 1)
            entries[put.key] = Entry(put.key, 1, put.form, put.content_type, put.value)
    data_keys = map(compute_data_key_cost, snapshot.data_keys)
    size = sum(compute_entry_cost(each, charset) for each in entries.values())
    return compute_total_cost(snapshot.namespace, snapshot.revision, data_keys, len(entries), size)


class ValueSealer:
    """Seals drafts; plain ones pass as they are.

    Args:
        data_keys: gives the data key to seal under.
        kms: seals values in kms form.
        pin: the KMS keys that are trusted.
        clock: for deadlines.
        chance: draws the nonces.
    """

    def __init__(self, data_keys: Keyrings, kms: WriterKms, pin: Pin, clock: Clocks, chance: Randomness) -> None:
        self._data_keys = data_keys
        self._kms = kms
        self._pin = pin
        self._clock = clock
        self._chance = chance

    def seal(self, namespace: Namespace, draft: Draft, version: int) -> Put:
        """The put of a draft; `version` binds an envelope and means nothing to the other forms.

        Raises:
            Misconfigured: no data key, no pin or no credentials.
            CannotOpen: KMS refuses.
            TooLarge: the form does not take so much. KMS was not asked then.
        """
        check_size(namespace, draft, version)  # to the byte, so that what is stored can be sealed again
        if draft.form == "plain":
            return make_put(draft, draft.data.decode())
        if draft.form == "kms":
            return make_put(draft, self._by_kms(namespace, draft))
        return seal_draft(draft, version, self._data_keys.sealer(namespace), self._chance.nonce())

    def _by_kms(self, namespace: Namespace, draft: Draft) -> str:
        require_pin(self._pin)
        context = {"configsvc:namespace": namespace, "configsvc:key": draft.key}
        plaintext = Secret(
            to_base64std(draft.data)
        )  # in a line of its own: what shows a failed one shows what it names
        answer = self._kms.call(
            "Encrypt",
            {
                "KeyId": self._pin.only or self._pin.require_trusted(self._data_keys.newest(namespace).kms_key),
                "Plaintext": plaintext,
                "EncryptionContext": context,
            },
            self._clock.now().monotonic + KMS_SECONDS,
        )
        self._pin.require_trusted(str(answer.get("KeyId")))
        return _parse_blob(answer.get("CiphertextBlob"))


def _parse_blob(answered: object) -> str:
    try:
        from_base64std(answered if isinstance(answered, str) else "-")
    except ValueError:
        raise Unavailable("KMS answered Encrypt without a ciphertext.", reason="answer") from None
    return str(answered)
