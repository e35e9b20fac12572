"""One namespace in memory: seals entries as a writer does, and serves them as sealed snapshots."""

from __future__ import annotations

import json
import os

from configsvc.model import names
from configsvc.model.content_types import BYTES, JSON, KINDS, TEXT
from configsvc.model.encoding import to_base64std
from configsvc.model.envelope import NONCE, Header
from configsvc.model.errors import NotFound, Unprocessable
from configsvc.model.etag import of_snapshot
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import ContentType, DataKey, Entry, Form, SealedSnapshot
from configsvc_client._opening.cipher import DATA_KEY_BYTES, Cipher
from configsvc_client._ports import FetchedSnapshot
from configsvc_client.testing.fakes import FakeKms


class Store:
    """The entries of a namespace under a separate data key.

    Args:
        namespace: its name.
        kms: wraps the data key.
        kms_key: the ARN of the KMS key that wraps it.
    """

    def __init__(self, namespace: Namespace, kms: FakeKms, kms_key: str) -> None:
        self.revision = 1
        self._kms = kms
        self._kms_key = kms_key
        self._versions: dict[Key, int] = {}
        self._put: dict[Key, tuple[ContentType, bytes, Form]] = {}
        self._entries: dict[Key, Entry] = {}
        self._damaged: set[Key] = set()
        self._tag = 0
        self.name(namespace)

    @property
    def keys(self) -> frozenset[Key]:
        """The keys that are served."""
        return frozenset(self._entries)

    def name(self, namespace: Namespace) -> None:
        """Seals everything for a namespace, with a new data key."""
        self.namespace = namespace
        plaintext = os.urandom(DATA_KEY_BYTES)
        self._cipher = Cipher(plaintext)
        wrapped = self._kms.encrypt(self._kms_key, {"configsvc:namespace": namespace}, plaintext)
        self._data_key = DataKey(self._cipher.kid, self._kms_key, to_base64std(wrapped))
        self._entries = {key: self._make_entry(key, self._versions[key], *self._put[key]) for key in self._entries}
        for key in self._damaged & self._entries.keys():
            self._alter(key)

    def take_in(self, other: Store) -> None:
        """Serves the entries of another store too, except keys that are already served here."""
        for key in other.keys - self.keys:
            self._versions[key], self._put[key] = other._versions[key], other._put[key]
            self._entries[key] = self._make_entry(key, self._versions[key], *self._put[key])
            self.move(self.revision + 1)
            if key in other._damaged:
                self.damage(key)

    def put(self, key: Key, value: object, form: Form) -> None:
        """Serves a value as the next version of a key, at the next revision.

        Raises:
            Unprocessable: it is not text, bytes or JSON, or bytes in plain form.
        """
        version = self._versions.get(key, 0) + 1
        stored = *_encode_value(key, value), form
        self._entries[key] = self._make_entry(key, version, *stored)
        self._versions[key], self._put[key] = version, stored
        self._damaged.discard(key)
        self.move(self.revision + 1)

    def delete(self, key: Key) -> None:
        """Deletes a key, at the next revision.

        Raises:
            NotFound: nothing is served under it.
        """
        if key not in self._entries:
            raise NotFound(f"Nothing is served under {key}.", key=key)
        del self._entries[key]
        self.move(self.revision + 1)

    def damage(self, key: Key) -> None:
        """Alters the stored value of a key so that it does not open, at the next revision.

        Raises:
            NotFound: nothing sealed is served under it.
        """
        entry = self._entries.get(key)
        if entry is None or not entry.sealed:
            raise NotFound(f"Nothing sealed is served under {key}.", key=key)
        self._damaged.add(key)
        self._alter(key)
        self.move(self.revision + 1)

    def move(self, revision: int) -> None:
        """Serves the same entries at another revision, which may be lower."""
        self.revision = revision
        self._tag += 1

    def fetch(self) -> FetchedSnapshot:
        """Returns the sealed snapshot with its ETag, as readers get it."""
        used = any(entry.form == "envelope" for entry in self._entries.values())
        entries = tuple(self._entries[key] for key in sorted(self._entries))
        sealed = SealedSnapshot(self.namespace, self.revision, (self._data_key,) if used else (), entries)
        return FetchedSnapshot(of_snapshot(self.revision, f"{self._tag:016x}"), sealed)

    def _alter(self, key: Key) -> None:
        entry = self._entries[key]
        middle = len(entry.value) // 2
        other = "A" if entry.value[middle] != "A" else "B"
        self._entries[key] = entry._replace(value=entry.value[:middle] + other + entry.value[middle + 1 :])

    def _make_entry(self, key: Key, version: int, content_type: ContentType, data: bytes, form: Form) -> Entry:
        if form == "plain" and not KINDS[content_type].is_text:
            raise Unprocessable("Bytes have no plain form.", key=key)
        header = Header(self.namespace, key, version, content_type, self._cipher.kid)
        return Entry(key, version, form, content_type, self._seal(header, data, form))

    def _seal(self, header: Header, data: bytes, form: Form) -> str:
        if form == "envelope":
            return self._cipher.seal(header, data, os.urandom(NONCE))
        if form == "kms":
            context = {"configsvc:namespace": self.namespace, "configsvc:key": header.key}
            return to_base64std(self._kms.encrypt(self._kms_key, context, data))
        return data.decode()


def _encode_value(key: Key, value: object) -> tuple[ContentType, bytes]:
    if isinstance(value, bytes):
        return BYTES, value
    if isinstance(value, str):
        return TEXT, value.encode()
    try:
        return JSON, json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        raise Unprocessable(f"{names.parse_key(key)} is neither text, bytes nor JSON.", key=key) from None
