"""The keyring: a cache of data keys and `kms` values that KMS decrypted under trusted KMS keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from configsvc.model.encoding import from_base64std
from configsvc.model.errors import CannotOpen
from configsvc.model.names import Key, Namespace
from configsvc.model.record import Record
from configsvc.model.snapshot import DataKey, SealedSnapshot
from configsvc_client._freshness import age
from configsvc_client._pin import Pin, is_same_key
from configsvc_client._ports import ClockReading, Clocks
from configsvc_client._secret import Secret

if TYPE_CHECKING:
    from configsvc_client._aws.kms import Kms
    from configsvc_client._opening.cipher import Cipher

OpenedKey = TypeVar("OpenedKey")


class _CacheItem(Record, Generic[OpenedKey]):
    item: OpenedKey
    since: ClockReading

    def __repr__(self) -> str:
        return "_Kept(***)"


class Keyring:
    """Asks KMS once for each data key and each `kms` value, and again after `data_key_seconds`.

    Everything in it was opened for one namespace (and key) and is returned only for that one.
    """

    def __init__(self, kms: Kms, pin: Pin, clock: Clocks, data_key_seconds: float) -> None:
        self._kms = kms
        self._pin = pin
        self._clock = clock
        self._data_key_seconds = data_key_seconds
        self._ciphers: dict[tuple[str, ...], _CacheItem[Cipher]] = {}
        self._values: dict[tuple[str, ...], _CacheItem[Secret]] = {}

    def __repr__(self) -> str:
        return f"Keyring({len(self._ciphers)} data keys)"

    def count_calls(self, sealed: SealedSnapshot) -> int:
        """Counts the KMS count_calls that opening a snapshot would take with the present cache."""
        namespace = sealed.namespace
        return sum((namespace, each.kid) not in self._ciphers for each in sealed.data_keys) + sum(
            each.form == "kms" and (namespace, each.key, each.value) not in self._values for each in sealed.entries
        )

    def open_data_key(self, namespace: Namespace, data_key: DataKey, deadline: float) -> Cipher:
        """Unwraps a data key, or returns it from the cache.

        Raises:
            CannotOpen: not under a pinned key, refused by KMS, or not the data key that its kid commits to.
            Unavailable: KMS did not answer.
        """

        def unwrap() -> Cipher:
            return self._unwrap(namespace, data_key, deadline)

        return self._look_up(self._ciphers, (namespace, data_key.kid), unwrap)

    def open_value(self, namespace: Namespace, key: Key, stored: str, deadline: float) -> Secret:
        """Decrypts a value in `kms` form, or returns it from the cache.

        Raises:
            CannotOpen: not under a pinned key, or refused by KMS: another key, namespace or principal.
            Unavailable: KMS did not answer.
        """

        def decrypt() -> Secret:
            return self._decrypt(namespace, key, stored, deadline)

        return self._look_up(self._values, (namespace, key, stored), decrypt)

    def _look_up(
        self,
        held: dict[tuple[str, ...], _CacheItem[OpenedKey]],
        name: tuple[str, ...],
        make: Callable[[], OpenedKey],
    ) -> OpenedKey:
        now = self._clock.now()
        found = held.get(name)
        if found is not None and age(found.since, now) < self._data_key_seconds:
            return found.item
        made = make()
        # Copied in one step, and popped: a thread whose refresh was abandoned may run this at the same time.
        for old, kept in tuple(held.items()):
            if age(kept.since, now) >= self._data_key_seconds:
                held.pop(old, None)
        held[name] = _CacheItem(made, now)
        return made

    def _unwrap(self, namespace: Namespace, data_key: DataKey, deadline: float) -> Cipher:
        from configsvc_client._opening.cipher import DATA_KEY_BYTES, Cipher

        asked = self._pin.require_trusted(data_key.kms_key)
        context = {"configsvc:namespace": namespace}
        opened = self._kms.decrypt(_decode_blob(data_key.wrapped), context, asked, deadline)
        if not is_same_key(self._pin.require_trusted(opened.key_arn), asked):
            raise CannotOpen(f"KMS opened the data key with {opened.key_arn}, not {asked}.", kms_key=opened.key_arn)
        if len(opened.plaintext.reveal()) != DATA_KEY_BYTES:
            raise CannotOpen(f"The data key {data_key.kid} is not {DATA_KEY_BYTES} bytes long.", kid=data_key.kid)
        cipher = Cipher(opened.plaintext)
        if not cipher.is_named(data_key.kid):
            raise CannotOpen(f"The data key is not the one that {data_key.kid} commits to.", kid=data_key.kid)
        return cipher

    def _decrypt(self, namespace: Namespace, key: Key, stored: str, deadline: float) -> Secret:
        if not self._pin.arns:
            raise CannotOpen(f"{key} is sealed, and CONFIGSVC_KMS_KEYS is not set. Set it to the key's ARN.", key=key)
        context = {"configsvc:namespace": namespace, "configsvc:key": key}
        opened = self._kms.decrypt(_decode_blob(stored), context, self._pin.only, deadline)
        self._pin.require_trusted(opened.key_arn)
        return opened.plaintext


def _decode_blob(stored: str) -> bytes:
    try:
        return from_base64std(stored)
    except ValueError as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        raise CannotOpen("The value for KMS to decrypt is not canonical base64.") from None
