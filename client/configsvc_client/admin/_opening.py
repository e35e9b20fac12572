"""Open what was read, by the rules that every reader keeps: pinned KMS keys, expected headers, checked kids."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from configsvc.model.entry import Entry
from configsvc.model.envelope import Header
from configsvc.model.errors import CannotOpen
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.snapshot import DataKey
from configsvc_client._cipher import Cipher, kid_in
from configsvc_client._keyring import Keyring
from configsvc_client._opening import OpeningRules
from configsvc_client._pin import Pin
from configsvc_client._ports import Clocks
from configsvc_client._secret import Secret
from configsvc_client._spelling import KeyPatterns
from configsvc_client.admin._keyrings import KMS_SECONDS, require_pin
from configsvc_client.admin._reader import Opened


class Opener:
    """Opens entries of all three forms.

    Args:
        keyring: unwraps data keys and opens values in kms form, under the pin.
        pin: the KMS keys that are trusted.
        listed: the data keys of a namespace, as the service lists them.
        clock: for deadlines.
        sealed_keys: those of CONFIGSVC_SEALED_KEYS, which must have been sealed.
    """

    def __init__(
        self, keyring: Keyring, pin: Pin, listed: Callable[[Namespace], Iterable[DataKey]], clock: Clocks,
        sealed_keys: KeyPatterns | None = None,
    ) -> None:  # fmt: skip
        self._keyring = keyring
        self._pin = pin
        self._listed = listed
        self._clock = clock
        self._rules = OpeningRules(keyring, sealed_keys=sealed_keys)

    def open(self, namespace: Namespace, entry: Entry, data_keys: Iterable[DataKey] | None = None) -> Opened:
        """The entry in the clear.

        Args:
            namespace: where it was read.
            entry: as it was read.
            data_keys: the keyring that came with it; asked of the service where left out.

        Raises:
            CannotOpen: altered, moved, under a KMS key that is not pinned, or KMS refuses; or plain, where
                CONFIGSVC_SEALED_KEYS wants it sealed.
            Misconfigured: it is sealed and no KMS key is pinned.
        """
        return self._pass(namespace, data_keys).opened(entry)

    def open_all(
        self, namespace: Namespace, entries: Iterable[Entry], data_keys: Iterable[DataKey]
    ) -> dict[Key, Opened | CannotOpen]:
        """Each entry in the clear, or why it does not open; a data key that does not unwrap is asked for once.

        Raises:
            Misconfigured: one is sealed and no KMS key is pinned.
        """
        opening = self._pass(namespace, data_keys)
        found: dict[Key, Opened | CannotOpen] = {}
        for entry in entries:
            try:
                found[entry.key] = opening.opened(entry)
            except CannotOpen as error:
                found[entry.key] = error
        return found

    def _pass(self, namespace: Namespace, data_keys: Iterable[DataKey] | None) -> _Pass:
        deadline = self._clock.now().monotonic + KMS_SECONDS

        def held() -> Iterable[DataKey]:
            return self._listed(namespace) if data_keys is None else data_keys

        return _Pass(namespace, self._rules, self._pin, deadline, held)


class _Pass:
    """One pass over entries of a namespace: each data key is asked for once, also when it does not unwrap."""

    def __init__(
        self,
        namespace: Namespace,
        rules: OpeningRules,
        pin: Pin,
        deadline: float,
        held: Callable[[], Iterable[DataKey]],
    ) -> None:
        self._namespace = namespace
        self._rules = rules
        self._keyring = rules.keyring
        self._pin = pin
        self._deadline = deadline
        self._held = held
        self._ciphers: dict[Kid, Cipher | CannotOpen] = {}

    def opened(self, entry: Entry) -> Opened:
        self._rules.check_sealed(entry)
        return Opened(entry.key, entry.version, entry.form, entry.content_type, self._data(entry).reveal())

    def _data(self, entry: Entry) -> Secret:
        if entry.form == "plain":
            return Secret(entry.value.encode(errors="surrogatepass"))  # half a pair, which no service of ours stores
        require_pin(self._pin)
        if entry.form == "kms":
            return self._keyring.value(self._namespace, entry.key, entry.value, self._deadline)
        kid = kid_in(entry.value)
        expected = Header(self._namespace, entry.key, entry.version, entry.content_type, kid)
        return self._cipher(kid).open(expected, entry.value)

    def _cipher(self, kid: Kid) -> Cipher:
        if kid not in self._ciphers:
            self._ciphers[kid] = self._unwrapped(kid)
        found = self._ciphers[kid]
        if isinstance(found, CannotOpen):
            raise CannotOpen(found.detail, **found.members)
        return found

    def _unwrapped(self, kid: Kid) -> Cipher | CannotOpen:
        for each in self._held():
            if each.kid == kid:
                try:
                    return self._keyring.cipher(self._namespace, each, self._deadline)
                except CannotOpen as error:
                    return error
        return CannotOpen(f"The keyring of {self._namespace} has no data key {kid}.", kid=kid)
