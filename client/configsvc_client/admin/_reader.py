"""Reads, and opening what was read."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.entry import ContentType, Entry, Form, is_content_type, is_form
from configsvc.model.errors import Unavailable
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import MalformedSnapshot, SealedSnapshot, parse
from configsvc_client.admin._api import Api
from configsvc_client.admin._pages import items


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


Known = Mapping[Key, KeyInfo]
"""Keys as they were read; those that are not in it were never written."""


def next_version(known: Known, key: Key) -> int:
    """The next version of a key; 1 where it was never written, which a conflict corrects after a restore."""
    return known[key].next_version if key in known else 1


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

    def keys(self, namespace: Namespace, prefix: str = "", *, limit: int | None = None) -> Iterator[KeyInfo]:
        """The keys of a namespace in their order, page by page; `limit` is the size of a page."""
        query = {"prefix": prefix, "limit": limit}
        for each in items(self._api, f"/namespaces/{namespace}/keys", "keys", query):
            yield KeyInfo(
                names.key(each["key"]), each["active"], each["latest"], each["next_version"], each["form"],
                each["content_type"], each["revision"], each.get("rotate_by"),
            )  # fmt: skip

    def known(self, namespace: Namespace, keys: Sequence[Key]) -> Known:
        """Those of the keys that were ever written, without values."""
        found: dict[Key, KeyInfo] = {}
        if not keys:
            return found
        wanted, last = set(keys), max(keys)
        prefix = os.path.commonprefix(list(keys))  # noqa: RUF071  # by characters is what is wanted: keys are no paths
        for each in self.keys(namespace, prefix, limit=1 if len(wanted) == 1 else None):
            if each.key in wanted:
                found[each.key] = each
            if each.key >= last:
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
