"""`Admin`: the write side of configsvc, for the command line and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

from configsvc.model import names
from configsvc.model.entry import Entry, Form
from configsvc.model.errors import CannotOpen
from configsvc.model.grants import Grant
from configsvc.model.names import Key, Kid
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client.admin._access import Access, Granted
from configsvc_client.admin._data_keys import DataKeys
from configsvc_client.admin._draft import Draft, Json, draft
from configsvc_client.admin._namespaces import Namespaces
from configsvc_client.admin._opening import Opener
from configsvc_client.admin._reader import KeyInfo, NamespaceInfo, Opened, Reader
from configsvc_client.admin._sealing import StoredDataKey
from configsvc_client.admin._wire import Changed, Stored
from configsvc_client.admin._writer import Change, Part, Writer


class Parts(NamedTuple):
    """What an Admin is made of; `from_environ` makes them."""

    namespaces: Namespaces
    data_keys: DataKeys
    reader: Reader
    opener: Opener
    writer: Writer
    access: Access


class Admin:
    """Everything that people and scripts do with configsvc. Reads need an API key, writes AWS credentials too.

    Every method raises the errors of `configsvc.model.errors` as the service answered them, and Unavailable when it
    did not. Writes are sent again where that is safe, and done once.
    """

    def __init__(self, parts: Parts, close: Callable[[], None] = lambda: None) -> None:
        self._parts = parts
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connections; the next use opens others."""
        self._close()

    def whoami(self, *, signed: bool = True) -> Mapping[str, object]:
        """The caller's principals and grants, as the service sees them; the IAM one only when signed."""
        return self._parts.access.whoami(signed=signed)

    def create_namespace(
        self, namespace: str, *, description: str | None = None, forms: Sequence[Form] | None = None
    ) -> bool:
        """Create a namespace, or change its settings; whether it is new."""
        return self._parts.namespaces.create(names.namespace(namespace), description, forms)

    def namespace(self, namespace: str) -> Mapping[str, object]:
        """The settings and counts of a namespace."""
        return self._parts.namespaces.get(names.namespace(namespace))

    def namespaces(self, prefix: str = "") -> Iterator[NamespaceInfo]:
        """The namespaces that the API key may read, page by page."""
        return self._parts.reader.namespaces(prefix)

    def keys(self, namespace: str, prefix: str = "") -> Iterator[KeyInfo]:
        """The keys of a namespace in their order and without values, page by page."""
        return self._parts.reader.keys(names.namespace(namespace), prefix)

    def entry(self, namespace: str, key: str) -> Entry:
        """The entry that is served under a key, sealed as it is."""
        return self._parts.reader.entry(names.namespace(namespace), names.key(key))

    def get(self, namespace: str, key: str) -> Opened:
        """The value that is served under a key, in the clear.

        Raises:
            NotFound: nothing is served there.
            CannotOpen: it does not open, or KMS refuses.
            Misconfigured: it is sealed, and no KMS key is pinned or no AWS credentials are found.
        """
        return self.opened(namespace, self.entry(namespace, key))

    def opened(self, namespace: str, entry: Entry) -> Opened:
        """An entry in the clear.

        Raises:
            CannotOpen, Misconfigured: as `get`.
        """
        return self._parts.opener.open(names.namespace(namespace), entry)

    def snapshot(self, namespace: str) -> SealedSnapshot:
        """All entries that are served, sealed as they are, at one revision."""
        return self._parts.reader.snapshot(names.namespace(namespace))

    def values(self, namespace: str) -> dict[str, Opened]:
        """Everything that is served, in the clear: one request, and one KMS call for all envelopes.

        Raises:
            CannotOpen, Misconfigured: as `get`.
        """
        found: dict[str, Opened] = {}
        snapshot = self.snapshot(namespace)
        for key, opened in self.open_all(snapshot, snapshot.entries).items():
            if isinstance(opened, CannotOpen):
                raise CannotOpen(f"{key} does not open. {opened.detail}", **{**opened.members, "key": key})
            found[key] = opened
        return found

    def open_all(self, snapshot: SealedSnapshot, entries: Iterable[Entry]) -> dict[Key, Opened | CannotOpen]:
        """Some entries of a snapshot in the clear, each by itself: those that do not open are told with why.

        Raises:
            Misconfigured: one is sealed, and no KMS key is pinned or no AWS credentials are found.
        """
        return self._parts.opener.open_all(snapshot.namespace, entries, snapshot.data_keys)

    def put(
        self,
        namespace: str,
        key: str,
        value: Json | bytes,
        *,
        form: Form = "envelope",
        content_type: str | None = None,
        message: str = "",
        if_match: int | None = None,
    ) -> Stored:
        """Seal a Python value (`str` text, `bytes` bytes, else JSON) and store it as the next version of a key.

        Raises:
            VersionClaimed, PreconditionFailed: others wrote the key; with `if_match` at once, else after many tries.
        """
        made = draft(key, value, form=form, content_type=content_type)
        return self.put_draft(namespace, made._replace(if_match=if_match), message)

    def put_draft(self, namespace: str, draft: Draft, message: str = "") -> Stored:
        """As `put`, with all that a draft can say."""
        return self._parts.writer.put(names.namespace(namespace), draft, message)

    def change(
        self, namespace: str, changes: Sequence[Change], message: str = "", *, if_match: int | None = None
    ) -> Changed:
        """Drafts, `Activate`s and `Delete`s in one change set: all or nothing, at most 40 of them, 1 MiB stored."""
        return self._parts.writer.change(names.namespace(namespace), changes, message, if_match)

    def store(self, namespace: str, drafts: Sequence[Draft], message: str = "") -> Iterator[Part]:
        """Any number of drafts in as few change sets as the limits allow; each is told as it is done or refused."""
        return self._parts.writer.store(names.namespace(namespace), drafts, message)

    def add_data_key(self, namespace: str, kms_key: str) -> Kid:
        """Make a data key under a KMS key (its ARN) and add it; new values are sealed under it from now on."""
        return self._parts.data_keys.add(names.namespace(namespace), kms_key)

    def data_keys(self, namespace: str) -> list[StoredDataKey]:
        """The keyring of a namespace, wrapped, newest first."""
        return self._parts.data_keys.list(names.namespace(namespace))

    def get_grants(self, principal: str) -> tuple[Grant, ...]:
        """The grants of a principal."""
        return self._parts.access.get(principal)

    def list_grants(self) -> Iterator[Granted]:
        """All principals and their grants, page by page."""
        return self._parts.access.list()

    def set_grants(self, principal: str, grants: Sequence[Grant]) -> None:
        """Replace the grants of a principal."""
        self._parts.access.set(principal, grants)

    def delete_grants(self, principal: str) -> None:
        """Take every grant of a principal away."""
        self._parts.access.delete(principal)
