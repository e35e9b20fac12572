"""Read keys, entries and snapshots, and open them by the rules that every reader keeps."""

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
    """A key without its value: `active` is the version that is served, None when nothing is.

    `state` says why nothing is: a version is only staged, or the key was deleted. `rotate_by` is a day, 2027-01-31.
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
    """Keys as they were read; those that are not in it were never written, and their versions begin above `floor`."""

    floor = 0


def find_next_version(known: Known, key: Key) -> int:
    """The next version of a key."""
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
    """The read side of the API, with the API key alone."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api

    def keys(self, namespace: Namespace, prefix: str = "") -> Iterator[KeyInfo]:
        """The keys of a namespace in their order, page by page."""
        path, expect = f"/namespaces/{namespace}/keys", {"namespace": namespace}
        return list_items(self._api, path, "keys", _read_key_info, {"prefix": prefix}, expect=expect)

    def known(self, namespace: Namespace, keys: Sequence[Key]) -> Known:
        """Those of the keys that were ever written, without values."""
        found = Known()
        if not keys:
            return found
        wanted, last = set(keys), max(keys)
        prefix = os.path.commonprefix(list(keys))  # noqa: RUF071  # by characters is what is wanted: keys are no paths
        query = {"prefix": prefix, "limit": 1 if len(wanted) == 1 else None}
        path, expect = f"/namespaces/{namespace}/keys", {"namespace": namespace}
        for page in list_pages(self._api, path, "keys", _read_key_info, query, number="floor", expect=expect):
            found.floor = page.number
            found |= {each.key: each for each in page.items if each.key in wanted}
            if page.items and page.items[-1].key >= last:
                break
        return found

    def entry(self, namespace: Namespace, key: Key, version: int | None = None) -> Entry:
        """The entry that is served under a key, or that of a version, sealed as it is.

        Raises:
            NotFound: nothing is served there, or there is no such version.
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
        """All entries that are or were served, sealed as they are, at one revision.

        Raises:
            Gone: the revision is beyond the log.
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
            return self._keyring.open_value(self._namespace, entry.key, entry.value, self._deadline)
        kid = read_kid(entry.value)
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
                    return self._keyring.open_data_key(self._namespace, each, self._deadline)
                except CannotOpen as error:
                    return error
        return CannotOpen(f"The keyring of {self._namespace} has no data key {kid}.", kid=kid)
