from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from configsvc.model import names
from configsvc.model.encoding import to_base64std
from configsvc.model.errors import CannotOpen, Conflict, Misconfigured, NotFound, Unavailable
from configsvc.model.snapshot import DataKey
from configsvc_client._opening.cipher import derive_kid
from configsvc_client._pin import Pin
from configsvc_client.admin.data_keys import Rewrapper
from tests.support.admin.fakes import NoCall
from tests.support.admin.kms_server import FOREIGN_KEY, KMS_KEY, OTHER_KEY
from tests.support.admin.loopback import Loopback
from tests.support.client import fakes

NS = names.parse_namespace("payments.prod")
CONTEXT = {"configsvc:namespace": "payments.prod"}


class Answering(NoCall):
    """Answers ReEncrypt with what it was given."""

    def __init__(self, *answer: tuple[str, object]) -> None:
        super().__init__()
        self.answer = dict(answer)
        self.asked: list[tuple[str, dict[str, object]]] = []

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        del deadline
        self.asked.append((operation, dict(members)))
        return self.answer


def _wrapped(plaintext: bytes, kms_key: str) -> str:
    return to_base64std(fakes.wrap(kms_key, CONTEXT, plaintext))


def _rewrapped(kms: Answering, plaintext: bytes, pin: Pin) -> DataKey:
    held = DataKey(derive_kid(plaintext), fakes.KMS_KEY, _wrapped(plaintext, fakes.KMS_KEY))
    return Rewrapper(kms, pin, fakes.FakeClock()).rewrap(NS, held, fakes.OTHER_KEY)


def test_a_rewrapped_data_key_is_opened_before_it_is_stored() -> None:
    plaintext = os.urandom(32)
    kms = Answering(("KeyId", fakes.OTHER_KEY), ("CiphertextBlob", _wrapped(plaintext, fakes.OTHER_KEY)))
    made = _rewrapped(kms, plaintext, Pin((fakes.KMS_KEY, fakes.OTHER_KEY)))
    assert made == DataKey(derive_kid(plaintext), fakes.OTHER_KEY, _wrapped(plaintext, fakes.OTHER_KEY))
    ((operation, members),) = kms.asked
    assert operation == "ReEncrypt"
    assert members["SourceEncryptionContext"] == members["DestinationEncryptionContext"] == CONTEXT
    assert (members["SourceKeyId"], members["DestinationKeyId"]) == (fakes.KMS_KEY, fakes.OTHER_KEY)
    assert kms.calls == [(CONTEXT, fakes.OTHER_KEY)]


def test_another_data_key_in_the_answer_is_refused() -> None:
    kms = Answering(("KeyId", fakes.OTHER_KEY), ("CiphertextBlob", _wrapped(os.urandom(32), fakes.OTHER_KEY)))
    with pytest.raises(CannotOpen, match="commits to"):
        _rewrapped(kms, os.urandom(32), Pin((fakes.KMS_KEY, fakes.OTHER_KEY)))


@pytest.mark.parametrize("answer", [{}, {"CiphertextBlob": "not base64!"}])
def test_an_answer_without_a_ciphertext_is_none(answer: dict[str, object]) -> None:
    with pytest.raises(Unavailable):
        _rewrapped(Answering(*answer.items()), os.urandom(32), Pin(("*",)))


@pytest.mark.parametrize("pinned", [(fakes.KMS_KEY,), (fakes.OTHER_KEY,)])
def test_both_kms_keys_have_to_be_pinned(pinned: tuple[str, ...]) -> None:
    kms = Answering()
    with pytest.raises(CannotOpen, match="CONFIGSVC_KMS_KEYS"):
        _rewrapped(kms, os.urandom(32), Pin(pinned))
    assert kms.asked == []


def test_without_a_pin_nothing_is_asked() -> None:
    with pytest.raises(Misconfigured):
        _rewrapped(Answering(), os.urandom(32), Pin(()))


def test_what_was_sealed_before_opens_under_the_other_kms_key_alone(service: Loopback, namespace: str) -> None:
    both = service.from_environ({**service.environ("owner"), "CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{OTHER_KEY}"})
    both.values.put(namespace, "one", "1")
    (found,) = both.data_keys.list(namespace)
    both.data_keys.rewrap(namespace, found.data_key.kid, OTHER_KEY)
    (now,) = both.data_keys.list(namespace)
    assert (now.data_key.kid, now.data_key.kms_key) == (found.data_key.kid, OTHER_KEY)
    reader = service.from_environ({**service.environ("reader"), "CONFIGSVC_KMS_KEYS": OTHER_KEY})
    assert reader.values.get(namespace, "one").data == b"1"
    with pytest.raises(CannotOpen, match="CONFIGSVC_KMS_KEYS"):
        service.admin("reader").values.get(namespace, "one")


def test_what_is_not_there_or_retired_is_not_rewrapped(service: Loopback, namespace: str) -> None:
    owner = service.admin("owner")
    (found,) = owner.data_keys.list(namespace)
    with pytest.raises(NotFound):
        owner.data_keys.rewrap(namespace, derive_kid(os.urandom(32)), KMS_KEY)
    owner.data_keys.retire(namespace, found.data_key.kid)
    with pytest.raises(Conflict, match="retired"):
        owner.data_keys.rewrap(namespace, found.data_key.kid, KMS_KEY)


def test_a_kms_key_that_nobody_trusts_is_not_wrapped_under(service: Loopback, namespace: str) -> None:
    owner = service.admin("owner")
    with pytest.raises(CannotOpen, match=FOREIGN_KEY):
        owner.data_keys.rewrap(namespace, owner.data_keys.list(namespace)[0].data_key.kid, FOREIGN_KEY)
    assert service.kms.count("ReEncrypt") == 0
