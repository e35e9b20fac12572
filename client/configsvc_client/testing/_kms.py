"""KMS in memory. It keeps the rules that readers rely on: the whole encryption context, and which key it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model.encoding import base64std, from_base64std
from configsvc.model.errors import CannotOpen, ConfigsvcError
from configsvc_client._kms import Decrypted
from configsvc_client._pin import same_key
from configsvc_client._secret import Secret
from configsvc_client.testing._failing import Failing


class KmsCall(NamedTuple):
    """One call of Decrypt: the encryption context, and the key that it was to be under."""

    context: Mapping[str, str]
    key_id: str | None


class FakeKms:
    """Opens what it encrypted, under the same context and no other. `calls` are the Decrypts that were asked for.

    It hides nothing: what it encrypts is for tests alone.
    """

    def __init__(self) -> None:
        self.calls: list[KmsCall] = []
        self._failing = Failing()

    def encrypt(self, kms_key: str, context: Mapping[str, str], plaintext: bytes) -> bytes:
        """What kms:Encrypt would answer as CiphertextBlob."""
        return json.dumps([kms_key, dict(context), base64std(plaintext)]).encode()

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """As kms:Decrypt.

        Raises:
            CannotOpen: another context or key, or nothing that it encrypted.
            ConfigsvcError: as `fail` asks for.
        """
        del deadline
        self.calls.append(KmsCall(dict(context), key_id))
        self._failing.check()
        try:
            kms_key, made_with, plaintext = json.loads(ciphertext)
        except ValueError:
            raise CannotOpen("KMS refused Decrypt with InvalidCiphertextException.") from None
        if key_id is not None and not same_key(key_id, kms_key):
            raise CannotOpen("KMS refused Decrypt with IncorrectKeyException.")
        if made_with != dict(context):
            raise CannotOpen("KMS refused Decrypt with InvalidCiphertextException.")
        return Decrypted(Secret(from_base64std(plaintext)), kms_key)

    def fail(self, error: ConfigsvcError, times: int | None = None) -> None:
        """Answer with an error so many times, or until `recover`."""
        self._failing.start(error, times)

    def recover(self) -> None:
        """Answer again."""
        self._failing.stop()
