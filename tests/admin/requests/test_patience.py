from __future__ import annotations

from collections.abc import Mapping

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError, Unavailable
from configsvc_client._aws.kms import Decrypted
from configsvc_client._aws.sigv4 import Credentials
from configsvc_client._secret import Secret
from configsvc_client.admin.wire.retry import RetryingKms
from tests.support.admin.fakes import FakeChance, found_credentials, slow_credentials
from tests.support.client.fakes import KMS_KEY, FakeClock


class FailingKms:
    """Fails so often with that error, then answers."""

    def __init__(self, error: ConfigsvcError, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0
        self.deadlines: list[float] = []

    def _next(self) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        del context, key_id
        self.deadlines.append(deadline)
        self._next()
        return Decrypted(Secret(ciphertext), KMS_KEY)

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        del members
        self.deadlines.append(deadline)
        self._next()
        return {"operation": operation}


def test_a_kms_that_throttles_is_asked_again_after_a_pause() -> None:
    kms, clock = FailingKms(Unavailable("ThrottlingException"), 3), FakeClock()
    patient = RetryingKms(kms, found_credentials, clock, FakeChance())
    assert patient.decrypt(b"blob", {}, None, 0.0).plaintext.reveal() == b"blob"
    assert patient.call("Encrypt", {}, 0.0) == {"operation": "Encrypt"}
    assert (kms.calls, len(clock.pauses)) == (5, 3)


def test_a_kms_that_refuses_is_asked_once() -> None:
    kms = FailingKms(CannotOpen("AccessDeniedException"), 3)
    with pytest.raises(CannotOpen):
        RetryingKms(kms, found_credentials, FakeClock(), FakeChance()).decrypt(b"blob", {}, None, 0.0)
    assert kms.calls == 1


def test_kms_has_its_whole_time_however_long_credentials_take() -> None:
    kms, clock = FailingKms(Unavailable("never"), 0), FakeClock(up=1_000.0)
    patient = RetryingKms(kms, slow_credentials(clock, 40, 0), clock, FakeChance())
    patient.decrypt(b"blob", {}, None, 1_015.0)
    patient.call("Encrypt", {}, 1_055.0)
    assert kms.deadlines == [1_055.0, 1_055.0]


def test_unavailable_credentials_are_retried_before_kms_is_called() -> None:
    kms, clock = FailingKms(Unavailable("never"), 0), FakeClock()
    failing = iter([Unavailable("STS throttles")])

    def find(deadline: float) -> Credentials:
        for error in failing:
            raise error
        return found_credentials(deadline)

    assert RetryingKms(kms, find, clock, FakeChance()).call("Encrypt", {}, 0.0) == {"operation": "Encrypt"}
    assert (kms.calls, len(clock.pauses)) == (1, 1)
