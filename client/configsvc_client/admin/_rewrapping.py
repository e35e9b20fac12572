"""Wrap a data key anew, or under another KMS key. Its plaintext does not leave KMS but to be checked."""

from __future__ import annotations

from configsvc.model.encoding import base64std, from_base64std
from configsvc.model.errors import Misconfigured, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._keyring import Keyring
from configsvc_client._pin import Pin, in_region, region_of
from configsvc_client._ports import Clocks
from configsvc_client.admin._keyrings import KMS_SECONDS, context_of, require_pin
from configsvc_client.admin._ports import Kms


class Rewrapper:
    """Asks kms:ReEncrypt, and opens what it answers before anyone else has to.

    Args:
        kms: knows both KMS keys, which have to be in one region.
        pin: the KMS keys that are trusted, the new one among them.
        clock: for deadlines.
    """

    def __init__(self, kms: Kms, pin: Pin, clock: Clocks) -> None:
        self._kms = kms
        self._pin = pin
        self._clock = clock

    def rewrapped(self, namespace: Namespace, data_key: DataKey, kms_key: str) -> DataKey:
        """The same data key under that KMS key. It was unwrapped once and is what its kid commits to.

        Raises:
            CannotOpen: one of the KMS keys is not pinned, KMS refuses, or what it answered is another key.
            Misconfigured: no KMS key is pinned, or the KMS keys are of two regions.
        """
        require_pin(self._pin)
        context, wraps = context_of(namespace), self._pin.checked(kms_key)
        wrapped = in_region(self._pin.checked(data_key.kms_key), region_of(wraps))
        if region_of(wrapped) != region_of(wraps):
            raise Misconfigured(
                f"KMS re-encrypts within one region only, and {wraps} is in another region than {wrapped}. Create a "
                f"new data key instead: configsvc data-key rotate -n {namespace} --fresh --kms-key {wraps}"
            )
        answer = self._kms.call(
            "ReEncrypt",
            {
                "CiphertextBlob": data_key.wrapped,
                "SourceKeyId": wrapped,
                "SourceEncryptionContext": context,
                "DestinationKeyId": wraps,
                "DestinationEncryptionContext": context,
            },
            self._deadline(),
        )
        made = data_key._replace(kms_key=str(answer.get("KeyId")), wrapped=_blob(answer.get("CiphertextBlob")))
        # A keyring of its own: the namespace's holds this data key already and would not ask KMS.
        Keyring(self._kms, self._pin, self._clock, 0).cipher(namespace, made, self._deadline())
        return made

    def _deadline(self) -> float:
        return self._clock.now().monotonic + KMS_SECONDS


def _blob(answered: object) -> str:
    try:
        blob = from_base64std(answered if isinstance(answered, str) else "")
    except ValueError:
        blob = b""
    if not blob:
        raise Unavailable("KMS answered ReEncrypt without a ciphertext.", reason="answer")
    return base64std(blob)
