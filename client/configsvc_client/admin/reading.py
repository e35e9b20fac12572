"""Read keys, entries and snapshots, and open them by the rules of every reader."""

from __future__ import annotations

import os.path
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from configsvc.model.envelope import Header
from configsvc.model.errors import CannotOpen
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.snapshot import ContentType, DataKey, Entry, Form, SealedSnapshot
from configsvc_client._opening.cipher import Cipher, read_kid
from configsvc_client._opening.keyring import Keyring
from configsvc_client._opening.opening import OpeningRules
from configsvc_client._pin import Pin
from configsvc_client._ports import Clocks
from configsvc_client._secret import Hidden, Secret
from configsvc_client._setting_parsers import KeyPatterns
from configsvc_client.admin.sealing.keyrings import KMS_SECONDS, require_pin
from configsvc_client.admin.wire.api import AdminApi, ApiAnswer, list_items, list_pages
from configsvc_client.admin.wire.members import AnswerMembers

_STATES = ("served", "staged", "deleted")


class KeyInfo(NamedTuple):
    """A key without its value: `active` is the served version, or None.

    `state` tells why none is served: a version is only staged, or the key was deleted. `rotate_by` is a day.
    """

    key: Key
    active: int | None
    latest: int
    next_version: int
    form: str
    content_type: ContentType | None
    revision: int
    rotate_by: str | None
    state: str


class Known(UserDict[Key, KeyInfo]):
    """Keys as they were read. Missing ones were never written; their versions start above `floor`."""

    floor = 0


def find_next_version(known: Known, key: Key) -> int:
    """Returns the next version of a key."""
    return known[key].next_version if key in known else known.floor + 1


class Opened(Hidden):
    """An entry with its value in the clear; `repr` never shows it."""

    key: Key
    version: int
    form: Form
    content_type: ContentType
    data: bytes

    def __repr__(self) -> str:
        return f"Opened(key={self.key!r}, version={self.version}, form={self.form!r}, data=***)"


class Reader:
    """Reads from the API; needs only the API key."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api

    def keys(self, namespace: Namespace, prefix: str = "") -> Iterator[KeyInfo]:
        """Lists the keys of a namespace in order, page by page."""
        path, expect = f"/namespaces/{namespace}/keys", {"namespace": namespace}
        return list_items(self._api, path, "keys", _read_key_info, {"prefix": prefix}, expect=expect)

    def known(self, namespace: Namespace, keys: Sequence[Key]) -> Known:
        """Looks up those keys that were ever written, without values."""
        found = Known()
        if not keys:
            return found
        wanted, last = set(keys), max(keys)
        prefix = os.path.commonprefix(list(keys))  # noqa: RUF071  # compares characters on purpose: keys are not paths
        query = {"prefix": prefix, "limit": 1 if len(wanted) == 1 else None}
        path, expect = f"/namespaces/{namespace}/keys", {"namespace": namespace}
        for page in list_pages(self._api, path, "keys", _read_key_info, query, number="floor", expect=expect):
            found.floor = page.number
            found |= {each.key: each for each in page.items if each.key in wanted}
            if page.items and page.items[-1].key >= last:
                break
        return found

    def entry(self, namespace: Namespace, key: Key, version: int | None = None) -> Entry:
        """Reads the served entry of a key, or that of a version, without opening it.

        Raises:
            NotFound: the key is not served, or there is no such version.
            Gone: the value of that version was destroyed.
        """

        def read(answer: ApiAnswer) -> Entry:
            members = answer.members
            members.expect("namespace", namespace)
            members.expect("key", key)
            if version is not None:
                members.expect("version", version)
            return Entry(
                key, members.number("version", 1), members.form(), members.content_type(), members.text("value")
            )

        return self._api.read(f"/namespaces/{namespace}/keys/{key}", read, {"version": version})

    def snapshot(self, namespace: Namespace, revision: int | None = None) -> SealedSnapshot:
        """Reads all entries that are or were served at one revision, without opening them.

        Raises:
            Gone: the log does not go back to the revision.
        """

        def read(answer: ApiAnswer) -> SealedSnapshot:
            answer.members.expect("namespace", namespace)
            return answer.members.snapshot()

        return self._api.read(f"/namespaces/{namespace}/snapshot", read, {"revision": revision})


def _read_key_info(members: AnswerMembers) -> KeyInfo:
    return KeyInfo(
        members.key(), members.number_or_none("active", 1), members.number("latest", 1),
        members.number("next_version", 1), members.form(), members.content_type_or_none(),
        members.number("revision"), members.text_or_none("rotate_by"),
        members.one_of("state", _STATES),
    )  # fmt: skip


class Opener:
    """Opens entries of all three forms.

    Args:
        keyring: unwraps data keys and opens values in kms form with trusted KMS keys.
        pin: the trusted KMS keys.
        listed: lists the data keys of a namespace, as the service has them.
        clock: sets deadlines.
        sealed_keys: the keys of CONFIGSVC_SEALED_KEYS, which must be sealed.
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
        """Opens an entry.

        Args:
            namespace: the namespace it was read from.
            entry: the entry as it was read.
            data_keys: the keyring that came with it; fetched from the service if left out.

        Raises:
            CannotOpen: altered, moved, under a KMS key that is not pinned, or KMS refuses; or plain although
                CONFIGSVC_SEALED_KEYS requires it sealed.
            Misconfigured: it is sealed but no KMS key is pinned.
        """
        return self._start_pass(namespace, data_keys).open(entry)

    def open_all(
        self, namespace: Namespace, entries: Iterable[Entry], data_keys: Iterable[DataKey]
    ) -> dict[Key, Opened | CannotOpen]:
        """Opens each entry, or returns why it does not open. A data key that does not unwrap is tried only once.

        Raises:
            Misconfigured: one is sealed but no KMS key is pinned.
        """
        opening = self._start_pass(namespace, data_keys)
        found: dict[Key, Opened | CannotOpen] = {}
        for entry in entries:
            try:
                found[entry.key] = opening.open(entry)
            except CannotOpen as error:
                found[entry.key] = error
        return found

    def _start_pass(self, namespace: Namespace, data_keys: Iterable[DataKey] | None) -> _Pass:
        deadline = self._clock.now().monotonic + KMS_SECONDS

        def held() -> Iterable[DataKey]:
            return self._listed(namespace) if data_keys is None else data_keys

        return _Pass(namespace, self._rules, self._pin, deadline, held)


class _Pass:
    """One pass over entries of a namespace: asks for each data key once, even if it does not unwrap."""

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

    def open(self, entry: Entry) -> Opened:
        self._rules.check_sealed(entry)
        return Opened(entry.key, entry.version, entry.form, entry.content_type, self._find_plaintext(entry).reveal())

    def _find_plaintext(self, entry: Entry) -> Secret:
        if entry.form == "plain":
            return Secret(
                entry.value.encode(errors="surrogatepass")
            )  # half of a surrogate pair, which the service never stores
        require_pin(self._pin)
        if entry.form == "kms":
            return self._keyring.open_value(self._namespace, entry.key, entry.value, self._deadline)
        kid = read_kid(entry.value)
        expected = Header(self._namespace, entry.key, entry.version, entry.content_type, kid)
        return self._get_cipher(kid).open(expected, entry.value)

    def _get_cipher(self, kid: Kid) -> Cipher:
        if kid not in self._ciphers:
            self._ciphers[kid] = self._unwrap(kid)
        found = self._ciphers[kid]
        if isinstance(found, CannotOpen):
            raise CannotOpen(found.detail, **found.members)
        return found

    def _unwrap(self, kid: Kid) -> Cipher | CannotOpen:
        for each in self._held():
            if each.kid == kid:
                try:
                    return self._keyring.open_data_key(self._namespace, each, self._deadline)
                except CannotOpen as error:
                    return error
        return CannotOpen(f"The keyring of {self._namespace} has no data key {kid}.", kid=kid)
