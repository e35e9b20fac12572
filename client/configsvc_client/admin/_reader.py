"""Reads, and opening what was read."""

from __future__ import annotations

import os.path
from collections import UserDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from configsvc.model.entry import ContentType, Entry, Form
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._hidden import Hidden
from configsvc_client.admin._api import Answer, Api
from configsvc_client.admin._members import Members
from configsvc_client.admin._pages import items, pages

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


def next_version(known: Known, key: Key) -> int:
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

    def __init__(self, api: Api) -> None:
        self._api = api

    def keys(self, namespace: Namespace, prefix: str = "") -> Iterator[KeyInfo]:
        """The keys of a namespace in their order, page by page."""
        path, expect = f"/namespaces/{namespace}/keys", {"namespace": namespace}
        return items(self._api, path, "keys", _key_info, {"prefix": prefix}, expect=expect)

    def known(self, namespace: Namespace, keys: Sequence[Key]) -> Known:
        """Those of the keys that were ever written, without values."""
        found = Known()
        if not keys:
            return found
        wanted, last = set(keys), max(keys)
        prefix = os.path.commonprefix(list(keys))  # noqa: RUF071  # by characters is what is wanted: keys are no paths
        query = {"prefix": prefix, "limit": 1 if len(wanted) == 1 else None}
        path, expect = f"/namespaces/{namespace}/keys", {"namespace": namespace}
        for page in pages(self._api, path, "keys", _key_info, query, number="floor", expect=expect):
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

        def read(answer: Answer) -> Entry:
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

        def read(answer: Answer) -> SealedSnapshot:
            answer.members.expect("namespace", namespace)
            return answer.members.snapshot()

        return self._api.read(f"/namespaces/{namespace}/snapshot", read, {"revision": revision})


def _key_info(members: Members) -> KeyInfo:
    return KeyInfo(
        members.key(), members.number_or_none("active", 1), members.number("latest", 1),
        members.number("next_version", 1), members.form(), members.content_type_or_none(),
        members.number("revision"), members.text_or_none("rotate_by"),
        members.one_of("state", _STATES),
    )  # fmt: skip
