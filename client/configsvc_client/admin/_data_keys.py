"""The keyring of a namespace as its writers use it: list, add, and unwrap the newest to seal under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from configsvc.model import names
from configsvc.model.encoding import base64std, from_base64std
from configsvc.model.errors import CannotOpen, Misconfigured, Unavailable
from configsvc.model.names import Kid, Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._cipher import DATA_KEY, kid_of
from configsvc_client._keyring import Keyring
from configsvc_client._pin import Pin
from configsvc_client._ports import Clock
from configsvc_client.admin._api import Api
from configsvc_client.admin._ports import Kms
from configsvc_client.admin._sealing import Sealer, StoredDataKey, newest_live

KMS_SECONDS = 15.0


class DataKeys:
    """The data keys of namespaces.

    Args:
        api: lists and stores them, wrapped.
        kms: makes them.
        keyring: unwraps them, under the pin, and keeps them for a while.
        pin: the KMS keys that are trusted.
        clock: for deadlines.
    """

    def __init__(self, api: Api, kms: Kms, keyring: Keyring, pin: Pin, clock: Clock) -> None:
        self._api = api
        self._kms = kms
        self._keyring = keyring
        self._pin = pin
        self._clock = clock
        self._newest: dict[Namespace, DataKey] = {}

    def list(self, namespace: Namespace) -> list[StoredDataKey]:
        """All data keys, newest first."""
        found: Any = self._api.read(f"/namespaces/{namespace}/data-keys").body.get("data_keys", [])
        return [_read(each) for each in found]

    def add(self, namespace: Namespace, kms_key: str) -> Kid:
        """Make a data key under a KMS key and store it wrapped. The plaintext is dropped here.

        Args:
            namespace: what it will seal for, also its encryption context.
            kms_key: the KMS key's ARN.

        Raises:
            CannotOpen: KMS refuses.
            ConfigsvcError: as the service answered.
        """
        answer = self._kms.call(
            "GenerateDataKey",
            {"KeyId": kms_key, "KeySpec": "AES_256", "EncryptionContext": context_of(namespace)},
            self._clock.now().monotonic + KMS_SECONDS,
        )
        kid, arn, wrapped = _generated(answer)
        self._api.write("POST", f"/namespaces/{namespace}/data-keys", {"kid": kid, "kms_key": arn, "wrapped": wrapped})
        self._newest.pop(namespace, None)
        return kid

    def list_anew(self, namespace: Namespace) -> Sequence[StoredDataKey]:
        """As `list`; the newest of them is the one to seal under from now on."""
        self._newest.pop(namespace, None)
        return self.list(namespace)

    def replace(self, namespace: Namespace, data_key: DataKey) -> None:
        """Store another wrapping of a data key."""
        body = {"kms_key": data_key.kms_key, "wrapped": data_key.wrapped}
        self._api.write("PUT", f"/namespaces/{namespace}/data-keys/{data_key.kid}", body)
        self._newest.pop(namespace, None)

    def retire(self, namespace: Namespace, kid: Kid) -> None:
        """Seal nothing more under a data key.

        Raises:
            Conflict: entries that are served need it.
        """
        self._api.write("POST", f"/namespaces/{namespace}/data-keys/{kid}/retire", None)
        self._newest.pop(namespace, None)

    def newest(self, namespace: Namespace) -> DataKey:
        """The newest live data key, listed once.

        Raises:
            Misconfigured: there is none.
        """
        if namespace not in self._newest:
            self._newest[namespace] = newest_live(namespace, self.list(namespace))
        return self._newest[namespace]

    def sealer(self, namespace: Namespace) -> Sealer:
        """The newest live data key, unwrapped.

        Raises:
            Misconfigured: there is none, or no KMS key is pinned.
            CannotOpen: it does not unwrap, or is under a KMS key that is not pinned.
        """
        require_pin(self._pin)
        deadline = self._clock.now().monotonic + KMS_SECONDS
        return Sealer(namespace, self._keyring.cipher(namespace, self.newest(namespace), deadline))


def require_pin(pin: Pin) -> None:
    """Sealing and opening need to know whom to trust.

    Raises:
        Misconfigured: no KMS key is pinned.
    """
    if not pin.arns:
        raise Misconfigured(
            "CONFIGSVC_KMS_KEYS is not set, so any KMS key could be passed off as yours. Set it to the key's ARN; "
            "`configsvc env` prints the one in use."
        )


def context_of(namespace: Namespace) -> dict[str, str]:
    """The encryption context of a namespace's data keys."""
    return {"configsvc:namespace": namespace}


def _generated(answer: Mapping[str, object]) -> tuple[Kid, str, str]:
    """The kid, KMS key and wrapped form of a new data key.

    Raises:
        Unavailable: KMS answered something else.
    """
    try:
        plaintext = from_base64std(str(answer["Plaintext"]))
        wrapped = base64std(from_base64std(str(answer["CiphertextBlob"])))
        return kid_of(plaintext), str(answer["KeyId"]), wrapped
    except (KeyError, ValueError):
        pass  # raised below: as its context, this one could show the data key
    raise Unavailable(f"KMS answered GenerateDataKey without a key of {DATA_KEY} bytes.")


def _read(found: Mapping[str, Any]) -> StoredDataKey:
    try:
        data_key = DataKey(names.kid(str(found["kid"])), str(found["kms_key"]), str(found["wrapped"]))
        return StoredDataKey(data_key, str(found["state"]), int(found["seals"] or 0), int(found["served"] or 0))
    except (KeyError, ValueError, TypeError):
        raise CannotOpen("The service listed a data key that is none.") from None
