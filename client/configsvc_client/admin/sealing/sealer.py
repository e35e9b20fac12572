"""Check the size of drafts and seal them, or keep them in the clear if that is asked for."""

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
    """Seals a draft in envelope form, bound to its key, namespace and version."""
    header = Header(sealer.namespace, draft.key, version, draft.content_type, sealer.cipher.kid)
    plaintext = Secret(draft.data)
    return make_put(draft, sealer.cipher.seal(header, plaintext, nonce))


def make_put(draft: Draft, value: str) -> Put:
    """Makes the put of a draft from its stored value."""
    return Put(
        key=draft.key, form=draft.form or "envelope", content_type=draft.content_type, value=value,
        activate=draft.activate, declassify=draft.declassify, rotate_by=draft.rotate_by, if_match=draft.if_match,
        create_only=draft.create_only,
    )  # fmt: skip


_KID = names.Kid("A" * 43)


def check_size(namespace: Namespace, draft: Draft, version: int | None = None) -> None:
    """Refuses a value that is too large for its form. Without a form it counts as sealed; without a version, at any.

    Raises:
        TooLarge: names the key, its size and the limit.
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
    """Makes a put as large as the sealed one will be; in kms form a little smaller, because KMS adds some bytes."""
    if draft.form == "plain":
        return make_put(draft, draft.data.decode())
    if draft.form == "kms":
        return make_put(draft, to_base64std(bytes(len(draft.data) + 1)))
    header = Header(namespace, draft.key, version, draft.content_type, _KID)
    return make_put(draft, join(EnvelopeParts(header.protected(), bytes(NONCE), bytes(len(draft.data)), bytes(TAG))))


def count_served_bytes(snapshot: SealedSnapshot, drafts: Iterable[Draft], charset: Charset) -> int:
    """Counts the bytes that a namespace serves with these drafts; it may be a few more, if versions get more digits."""
    entries = {entry.key: entry for entry in snapshot.entries}
    for draft in drafts:
        if draft.activate:
            put = make_sized_put(snapshot.namespace, draft, 1)
            entries[put.key] = Entry(put.key, 1, put.form, put.content_type, put.value)
    data_keys = map(compute_data_key_cost, snapshot.data_keys)
    size = sum(compute_entry_cost(each, charset) for each in entries.values())
    return compute_total_cost(snapshot.namespace, snapshot.revision, data_keys, len(entries), size)


class ValueSealer:
    """Seals drafts; plain ones stay as they are.

    Args:
        data_keys: returns the data key to seal under.
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
        """Seals a draft and returns the put. `version` binds an envelope; other forms ignore it.

        Raises:
            Misconfigured: no data key, no pin or no credentials.
            CannotOpen: KMS refuses.
            TooLarge: the value is too large for its form. KMS was not asked.
        """
        check_size(namespace, draft, version)  # exact to the byte, so that a stored value can be sealed again
        if draft.form == "plain":
            return make_put(draft, draft.data.decode())
        if draft.form == "kms":
            return make_put(draft, self._seal_with_kms(namespace, draft))
        return seal_draft(draft, version, self._data_keys.sealer(namespace), self._chance.nonce())

    def _seal_with_kms(self, namespace: Namespace, draft: Draft) -> str:
        require_pin(self._pin)
        context = {"configsvc:namespace": namespace, "configsvc:key": draft.key}
        plaintext = Secret(
            to_base64std(draft.data)
        )  # on a separate line: tools that show a failing line show what it names
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
