"""Reads, and opening what was read."""

from __future__ import annotations

import os.path
from collections import UserDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.entry import ContentType, Entry, Form, is_content_type, is_form
from configsvc.model.errors import Unavailable
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import MalformedSnapshot, SealedSnapshot, parse
from configsvc_client.admin._api import Api
from configsvc_client.admin._pages import Item, items, pages


class KeyInfo(NamedTuple):
    """A key without its value: `active` is the version that is served, None when nothing is."""

    key: Key
    active: int | None
    latest: int
    next_version: int
    form: str
    content_type: str
    revision: int
    rotate_by: str | None


class Known(UserDict[Key, KeyInfo]):
    """Keys as they were read; those that are not in it were never written, and their versions begin above `floor`."""

    floor = 0


def next_version(known: Known, key: Key) -> int:
    """The next version of a key."""
    return known[key].next_version if key in known else known.floor + 1


class NamespaceInfo(NamedTuple):
    """A namespace as it is listed."""

    namespace: Namespace
    description: str


class Opened(NamedTuple):
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

    def __init__(self, api: Api) -> None:
        self._api = api

    def namespaces(self, prefix: str = "") -> Iterator[NamespaceInfo]:
        """The namespaces that the API key may read, page by page."""
        for each in items(self._api, "/namespaces", "namespaces", {"prefix": prefix}):
            yield NamespaceInfo(names.namespace(each["namespace"]), str(each.get("description") or ""))

    def keys(self, namespace: Namespace, prefix: str = "") -> Iterator[KeyInfo]:
        """The keys of a namespace in their order, page by page."""
        return map(_key_info, items(self._api, f"/namespaces/{namespace}/keys", "keys", {"prefix": prefix}))

    def known(self, namespace: Namespace, keys: Sequence[Key]) -> Known:
        """Those of the keys that were ever written, without values."""
        found = Known()
        if not keys:
            return found
        wanted, last = set(keys), max(keys)
        prefix = os.path.commonprefix(list(keys))  # noqa: RUF071  # by characters is what is wanted: keys are no paths
        query = {"prefix": prefix, "limit": 1 if len(wanted) == 1 else None}
        for page in pages(self._api, f"/namespaces/{namespace}/keys", query):
            found.floor = page["floor"]
            listed = [_key_info(each) for each in page["keys"]]
            found |= {each.key: each for each in listed if each.key in wanted}
            if listed and listed[-1].key >= last:
                break
        return found

    def entry(self, namespace: Namespace, key: Key, version: int | None = None) -> Entry:
        """The entry that is served under a key, or that of a version, sealed as it is.

        Raises:
            NotFound: nothing is served there, or there is no such version.
            Gone: the value of that version was destroyed.
        """
        body = self._api.read(f"/namespaces/{namespace}/keys/{key}", {"version": version}).body
        form, content_type = body.get("form"), body.get("content_type")
        if not is_form(form) or not is_content_type(content_type):
            raise Unavailable("The service answered with an entry of an unknown kind. Update configsvc.")
        return Entry(key, int(str(body["version"])), form, content_type, str(body["value"]))

    def snapshot(self, namespace: Namespace, revision: int | None = None) -> SealedSnapshot:
        """All entries that are or were served, sealed as they are, at one revision.

        Raises:
            Gone: the revision is beyond the log.
        """
        try:
            return parse(self._api.read(f"/namespaces/{namespace}/snapshot", {"revision": revision}).body)
        except MalformedSnapshot as error:
            raise Unavailable(f"The service answered with what is {error}. Update configsvc.") from None


def _key_info(item: Item) -> KeyInfo:
    return KeyInfo(
        names.key(item["key"]), item["active"], item["latest"], item["next_version"], item["form"],
        item["content_type"], item["revision"], item.get("rotate_by"),
    )  # fmt: skip
