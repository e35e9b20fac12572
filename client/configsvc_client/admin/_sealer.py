"""Makes the put of a draft, in any of the three forms."""

from __future__ import annotations

from configsvc.model.change_set import Put
from configsvc.model.encoding import base64std, from_base64std
from configsvc.model.errors import Unavailable
from configsvc.model.names import Namespace
from configsvc_client._pin import Pin
from configsvc_client._ports import Clocks
from configsvc_client._secret import Secret
from configsvc_client.admin import _sealing
from configsvc_client.admin._draft import Draft
from configsvc_client.admin._fits import check_size
from configsvc_client.admin._keyrings import KMS_SECONDS, Keyrings, require_pin
from configsvc_client.admin._ports import Chance, Kms


class ValueSealer:
    """Seals drafts; plain ones pass as they are.

    Args:
        data_keys: gives the data key to seal under.
        kms: seals values in kms form.
        pin: the KMS keys that are trusted.
        clock: for deadlines.
        chance: draws the nonces.
    """

    def __init__(self, data_keys: Keyrings, kms: Kms, pin: Pin, clock: Clocks, chance: Chance) -> None:
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
            return _sealing.stored(draft, draft.data.decode())
        if draft.form == "kms":
            return _sealing.stored(draft, self._by_kms(namespace, draft))
        return _sealing.sealed(draft, version, self._data_keys.sealer(namespace), self._chance.nonce())

    def _by_kms(self, namespace: Namespace, draft: Draft) -> str:
        require_pin(self._pin)
        context = {"configsvc:namespace": namespace, "configsvc:key": draft.key}
        plaintext = Secret(base64std(draft.data))  # in a line of its own: what shows a failed one shows what it names
        answer = self._kms.call(
            "Encrypt",
            {
                "KeyId": self._pin.only or self._pin.checked(self._data_keys.newest(namespace).kms_key),
                "Plaintext": plaintext,
                "EncryptionContext": context,
            },
            self._clock.now().monotonic + KMS_SECONDS,
        )
        self._pin.checked(str(answer.get("KeyId")))
        return _blob(answer.get("CiphertextBlob"))


def _blob(answered: object) -> str:
    try:
        from_base64std(answered if isinstance(answered, str) else "-")
    except ValueError:
        raise Unavailable("KMS answered Encrypt without a ciphertext.", reason="answer") from None
    return str(answered)
