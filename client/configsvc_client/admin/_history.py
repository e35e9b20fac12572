"""What was: versions, the change log, and what differs. Never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from configsvc.model import names
from configsvc.model.names import Key, Namespace
from configsvc_client.admin._api import Api
from configsvc_client.admin._pages import Item, items


class VersionInfo(NamedTuple):
    """A version of a key; `revision` is the one that wrote it, or that destroyed it. Times are RFC 3339 in UTC."""

    version: int
    form: str
    content_type: str
    active: bool
    destroyed: bool
    revision: int
    written_at: str
    written_by: str


class KeyChange(NamedTuple):
    """What a write did to one key: the version it gave out or chose, and which one was and is served."""

    key: Key
    op: str
    version: int | None
    was: int | None
    now: int | None


class LogEntry(NamedTuple):
    """A record of the change log: what, who, when, why and from where.

    `subject` names what is no key (a kid, a principal), `details` says what became of it.
    """

    revision: int
    served_revision: int
    verb: str
    subject: str
    details: Mapping[str, object]
    keys: tuple[KeyChange, ...]
    message: str
    at: str
    principal: str
    arn: str
    api_key: str
    source_ip: str
    user_agent: str
    correlation_id: str


class LogFilter(NamedTuple):
    """Which records: above a revision, of a key, by a principal, from one time on, before another.

    Times are RFC 3339 in UTC, such as `2027-01-15T08:00:00Z`, or a date.
    """

    since: int | None = None
    key: str | None = None
    principal: str | None = None
    after_time: str | None = None
    before_time: str | None = None


class Served(NamedTuple):
    """What is served under a key, as a difference shows it."""

    version: int
    form: str
    content_type: str


class Moved(NamedTuple):
    """A key that two revisions do not serve alike; None where one serves nothing."""

    key: Key
    was: Served | None
    now: Served | None


class Difference(NamedTuple):
    """A key that two namespaces do not serve alike; None where one serves nothing.

    `values` says "same", "different", or "unknown" where one is sealed; None where only one has the key.
    """

    key: Key
    here: Served | None
    there: Served | None
    values: str | None


class History:
    """The history of namespaces, with the API key alone; that of the grants is signed."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def versions(self, namespace: Namespace, key: Key) -> Iterator[VersionInfo]:
        """The versions of a key, newest first; those that upkeep pruned are not there.

        Raises:
            NotFound: nothing was ever put under it.
        """
        for each in items(self._api, f"/namespaces/{namespace}/keys/{key}/versions", "versions", {}):
            yield VersionInfo(**{name: each[name] for name in VersionInfo._fields})

    def changes(self, namespace: Namespace, wanted: LogFilter) -> Iterator[LogEntry]:
        """Records of the change log, oldest first.

        Raises:
            Gone: what came right after `since` is no longer kept.
        """
        for each in items(self._api, f"/namespaces/{namespace}/changes", "changes", wanted._asdict()):
            yield _entry(each)

    def grant_changes(self, wanted: LogFilter) -> Iterator[LogEntry]:
        """Records of the change log of the grants, oldest first."""
        for each in items(self._api, "/grants/changes", "changes", wanted._asdict(), signed=True):
            yield _entry(each)

    def diff(self, namespace: Namespace, start: int, end: int | None) -> Iterator[Moved]:
        """The keys that two revisions do not serve alike, in their order; no `end` is the revision now.

        Raises:
            NotFound: the namespace has not come to a revision.
            Gone: one is beyond the log.
        """
        query: dict[str, object] = {"from": start, "to": end}
        while True:
            body: Mapping[str, Any] = self._api.read(f"/namespaces/{namespace}/diff", query).body
            for each in body["differences"]:
                yield Moved(names.key(each["key"]), _served(each["was"]), _served(each["now"]))
            if not body.get("cursor"):
                return
            query |= {"to": body["to"], "cursor": body["cursor"]}  # the revision that the first page compared with

    def diff_against(self, namespace: Namespace, other: Namespace) -> Iterator[Difference]:
        """The keys that two namespaces do not serve alike, in their order."""
        for each in items(self._api, f"/namespaces/{namespace}/diff", "differences", {"against": other}):
            yield Difference(names.key(each["key"]), _served(each["here"]), _served(each["there"]), each["values"])


def _entry(each: Item) -> LogEntry:
    members = {name: each[name] for name in LogEntry._fields}
    return LogEntry(**{**members, "keys": tuple(_change(change) for change in each["keys"])})


def _change(each: Item) -> KeyChange:
    return KeyChange(names.key(each["key"]), each["op"], each["version"], each["was"], each["now"])


def _served(each: Item | None) -> Served | None:
    return Served(each["version"], each["form"], each["content_type"]) if each else None
