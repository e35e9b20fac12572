"""Fakes of the client's ports. The fake KMS takes the key from the blob, as AWS does, unless the call names one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.errors import CannotOpen, ConfigsvcError
from configsvc.model.names import Namespace
from configsvc_client._aws.kms import Decrypted
from configsvc_client._pin import is_same_key
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._secret import Secret
from configsvc_client.testing import FakeClock as FakeClock  # noqa: PLC0414  # re-exported for the tests

KMS_KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = "arn:aws:kms:eu-central-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"
FOREIGN_KEY = "arn:aws:kms:eu-central-1:666666666666:key/66666666-66ab-66cd-66ef-666666666666"


def wrap(kms_key: str, context: Mapping[str, str], plaintext: bytes) -> bytes:
    """Makes a blob as `kms:Encrypt` returns it. Only KMS could make a real one; the fake needs no secret."""
    return json.dumps([kms_key, dict(context), to_base64std(plaintext)]).encode()


class FakeKms:
    """Knows every key. Every call raises `down`; one call raises each of `fail`, where None is a call that works.

    Without `obeys` it ignores the key that a call names.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], str | None]] = []
        self.deadlines: list[float] = []
        self.down: Exception | None = None
        self.fail: list[Exception | None] = []
        self.obeys = True

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        self.deadlines.append(deadline)
        self.calls.append((dict(context), key_id))
        fault = self.fail.pop(0) if self.fail else self.down
        if fault:
            raise fault
        try:
            kms_key, sealed_for, plaintext = json.loads(ciphertext)
        except ValueError:
            raise CannotOpen("InvalidCiphertextException") from None
        if self.obeys and key_id is not None and not is_same_key(key_id, kms_key):
            raise CannotOpen("IncorrectKeyException")
        if sealed_for != dict(context):
            raise CannotOpen("InvalidCiphertextException")
        return Decrypted(Secret(from_base64std(plaintext)), kms_key)


class FakeGateway:
    """Serves the snapshots and errors in `served`; raises those in `fail` first, one per call."""

    def __init__(self) -> None:
        self.served: dict[Namespace, FetchedSnapshot | ConfigsvcError] = {}
        self.asked: list[dict[Namespace, str | None]] = []
        self.deadlines: list[float] = []
        self.fail: list[Exception] = []
        self.during: Callable[[], None] = lambda: None

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        while_waiting: Callable[[], None] | None = None,
    ) -> dict[Namespace, FetchedSnapshot | ConfigsvcError]:
        self.deadlines.append(deadline)
        self.asked.append(dict(known))
        if while_waiting:
            while_waiting()
        self.during()
        if self.fail:
            raise self.fail.pop(0)
        served = {namespace: self.served[namespace] for namespace in known}
        return {
            namespace: each
            for namespace, each in served.items()
            if isinstance(each, ConfigsvcError) or each.etag != known[namespace]
        }
