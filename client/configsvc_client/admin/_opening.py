"""Open what was read, by the rules that every reader keeps: pinned KMS keys, expected headers, checked kids."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from configsvc.model.entry import Entry
from configsvc.model.envelope import Header
from configsvc.model.errors import CannotOpen
from configsvc.model.names import Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._cipher import Cipher, kid_in
from configsvc_client._keyring import Keyring
from configsvc_client._pin import Pin
from configsvc_client._ports import Clock
from configsvc_client.admin._data_keys import KMS_SECONDS, require_pin
from configsvc_client.admin._reader import Opened


class Opener:
    """Opens entries of all three forms.

    Args:
        keyring: unwraps data keys and opens values in kms form, under the pin.
        pin: the KMS keys that are trusted.
        listed: the data keys of a namespace, as the service lists them.
        clock: for deadlines.
    """

    def __init__(
        self, keyring: Keyring, pin: Pin, listed: Callable[[Namespace], Iterable[DataKey]], clock: Clock
    ) -> None:
        self._keyring = keyring
        self._pin = pin
        self._listed = listed
        self._clock = clock

    def open(self, namespace: Namespace, entry: Entry, data_keys: Iterable[DataKey] | None = None) -> Opened:
        """The entry in the clear.

        Args:
            namespace: where it was read.
            entry: as it was read.
            data_keys: the keyring that came with it; asked of the service where left out.

        Raises:
            CannotOpen: altered, moved, under a KMS key that is not pinned, or KMS refuses.
            Misconfigured: it is sealed and no KMS key is pinned.
        """
        return Opened(entry.key, entry.version, entry.form, entry.content_type, self._data(namespace, entry, data_keys))

    def _data(self, namespace: Namespace, entry: Entry, data_keys: Iterable[DataKey] | None) -> bytes:
        if entry.form == "plain":
            return entry.value.encode()
        require_pin(self._pin)
        if entry.form == "kms":
            return self._keyring.value(namespace, entry.key, entry.value, self._deadline())
        cipher = self._cipher(namespace, entry, data_keys)
        expected = Header(namespace, entry.key, entry.version, entry.content_type, cipher.kid)
        return cipher.open(expected, entry.value)

    def _cipher(self, namespace: Namespace, entry: Entry, data_keys: Iterable[DataKey] | None) -> Cipher:
        kid = kid_in(entry.value)
        for each in self._listed(namespace) if data_keys is None else data_keys:
            if each.kid == kid:
                return self._keyring.cipher(namespace, each, self._deadline())
        raise CannotOpen(f"The data key of {entry.key} is not in the keyring of {namespace}.", key=entry.key)

    def _deadline(self) -> float:
        return self._clock.now().monotonic + KMS_SECONDS
