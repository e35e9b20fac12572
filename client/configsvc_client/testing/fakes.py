"""A clock and KMS in memory, and errors that are raised on demand."""

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
    """Both clocks in seconds: `at` since the epoch, `up` since an arbitrary start. `pauses` lists the waits.

    Waiting takes no time and advances the clock.
    """

    def __init__(self, at: float = 1_700_000_000.0, up: float = 1_000.0) -> None:
        self.at = at
        self.up = up
        self.pauses: list[float] = []

    def wall(self) -> float:
        """Returns seconds since the epoch."""
        return self.at

    def monotonic(self) -> float:
        """Returns seconds since an arbitrary start."""
        return self.up

    def now(self) -> ClockReading:
        """Returns both clocks."""
        return ClockReading(self.at, self.up)

    def pause(self, seconds: float) -> None:
        """Records the wait and advances the clock."""
        self.pauses.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Advances both clocks."""
        self.at += seconds
        self.up += seconds


class KmsCall(NamedTuple):
    """One call of Decrypt: the encryption context, and the requested KMS key."""

    context: Mapping[str, str]
    key_id: str | None


class FakeKms:
    """Decrypts what it encrypted, with the same context only. `calls` lists the calls of Decrypt.

    The ciphertext hides nothing: use it in tests only.
    """

    def __init__(self) -> None:
        self.calls: list[KmsCall] = []
        self._failing = Failing()

    def encrypt(self, kms_key: str, context: Mapping[str, str], plaintext: bytes) -> bytes:
        """Returns the CiphertextBlob, like kms:Encrypt."""
        return json.dumps([kms_key, dict(context), to_base64std(plaintext)]).encode()

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """Decrypts, like kms:Decrypt.

        Raises:
            CannotOpen: another context or key, or not encrypted here.
            ConfigsvcError: the error that `fail` was given.
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
        """Answers with an error this many times, or until `recover`."""
        self._failing.start(error, times)

    def recover(self) -> None:
        """Answers normally again."""
        self._failing.stop()


class Failing:
    """Raises an error for a number of calls, or until it is stopped."""

    def __init__(self) -> None:
        self._error: ConfigsvcError | None = None
        self._left: int | None = 0

    def start(self, error: ConfigsvcError, times: int | None) -> None:
        """Starts failing, `times` times; None means until `stop`."""
        self._error, self._left = error, times

    def stop(self) -> None:
        """Stops failing."""
        self._error = None

    def check(self) -> None:
        """Counts one call, and raises the error if it is due.

        Raises:
            ConfigsvcError: the error that `start` was given.
        """
        if self._error is None or self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        raise type(self._error)(self._error.detail, **self._error.members)
