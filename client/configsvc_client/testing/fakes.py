"""The clock and KMS in memory, and errors that are raised on demand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.errors import CannotOpen, ConfigsvcError
from configsvc_client._aws.kms import Decrypted
from configsvc_client._pin import is_same_key
from configsvc_client._ports import ClockReading
from configsvc_client._secret import Secret


class FakeClock:
    """Both clocks in seconds: `at` since the epoch, `up` since some start. `pauses` are the waits that were asked for.

    Waiting takes no time, and the clock goes on by as much.
    """

    def __init__(self, at: float = 1_700_000_000.0, up: float = 1_000.0) -> None:
        self.at = at
        self.up = up
        self.pauses: list[float] = []

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self.at

    def monotonic(self) -> float:
        """Seconds since some start."""
        return self.up

    def now(self) -> ClockReading:
        """Both clocks."""
        return ClockReading(self.at, self.up)

    def pause(self, seconds: float) -> None:
        """Takes note of the wait, and goes on."""
        self.pauses.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Goes on."""
        self.at += seconds
        self.up += seconds


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
        return json.dumps([kms_key, dict(context), to_base64std(plaintext)]).encode()

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
        if key_id is not None and not is_same_key(key_id, kms_key):
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


class Failing:
    """Raises an error for so many calls, or until it is told to stop."""

    def __init__(self) -> None:
        self._error: ConfigsvcError | None = None
        self._left: int | None = 0

    def start(self, error: ConfigsvcError, times: int | None) -> None:
        """From now on; `times` None is until `stop`."""
        self._error, self._left = error, times

    def stop(self) -> None:
        """No longer."""
        self._error = None

    def check(self) -> None:
        """One call.

        Raises:
            ConfigsvcError: the one that was asked for.
        """
        if self._error is None or self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        raise type(self._error)(self._error.detail, **self._error.members)
