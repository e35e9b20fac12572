"""List versions, the change log, and differences; never values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from configsvc.model import names
from configsvc.model.names import Key
from configsvc_client.admin.wire.api import AdminApi, list_items, list_pages
from configsvc_client.admin.wire.members import AnswerMembers

GRANT_VERBS = ("set_grants", "delete_grants")
"""The details of these records list the grants of a principal from then on."""

_OPS = ("put", "activate", "delete", "purge")
_VALUES = ("same", "different", "unknown")
_TEXTS = ("message", "at", "principal", "arn", "api_key", "source_ip", "user_agent", "correlation_id")


class VersionInfo(NamedTuple):
    """A version of a key; `revision` is the one that wrote or destroyed it. Times are RFC 3339 in UTC."""

    version: int
    form: str
    content_type: str
    active: bool
    destroyed: bool
    revision: int
    written_at: str
    written_by: str


class KeyChange(NamedTuple):
    """The effect of a write on one key: its new or chosen version, and the served one before and after."""

    key: Key
    op: str
    version: int | None
    was: int | None
    now: int | None


class LogEntry(NamedTuple):
    """A record of the change log: what, who, when, why and from where.

    `subject` names the object if it is not a key (a kid, a principal), `details` describes its change.
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
    """Selects records: above a revision, of a key, by a principal, from one time on, before another.

    Times are RFC 3339 in UTC, such as `2027-01-15T08:00:00Z`, or a date. Records come oldest first, unless `order` is
    "newest": use that to read only the last few.
    """

    since: int | None = None
    key: str | None = None
    principal: str | None = None
    after_time: str | None = None
    before_time: str | None = None
    order: Literal["oldest", "newest"] | None = None


class Served(NamedTuple):
    """The served version of a key in a difference."""

    version: int
    form: str
    content_type: str


class Moved(NamedTuple):
    """A key that differs between two revisions; None if one of them does not serve it."""

    key: Key
    was: Served | None
    now: Served | None


class Difference(NamedTuple):
    """A key that differs between two namespaces; None if one of them does not serve it.

    `values` is "same", "different", or "unknown" if one is sealed; None if only one has the key.
    """

    key: Key
    here: Served | None
    there: Served | None
    values: str | None


class History:
    """The history of namespaces, which needs only the API key; that of the grants must be signed."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api

    def list_versions(self, namespace: str, key: str) -> Iterator[VersionInfo]:
        """List the versions of a key without values, newest first, except those that upkeep pruned.

        Raises:
            NotFound: it has no versions, because it never existed or was purged.
        """
        name, checked = names.parse_namespace(namespace), names.parse_key(key)
        path, expect = f"/namespaces/{name}/keys/{checked}/versions", {"namespace": name, "key": checked}
        return list_items(self._api, path, "versions", _read_version, {}, expect=expect)

    def list_changes(self, namespace: str, wanted: LogFilter = LogFilter()) -> Iterator[LogEntry]:  # noqa: B008  # immutable
        """List records of the change log, page by page, oldest first unless `wanted` asks otherwise.

        Raises:
            Gone: the records right after `since` are no longer kept.
        """
        name = names.parse_namespace(namespace)
        path, expect = f"/namespaces/{name}/changes", {"namespace": name}
        return list_items(self._api, path, "changes", _read_entry, wanted._asdict(), expect=expect)

    def list_grant_changes(self, wanted: LogFilter = LogFilter()) -> Iterator[LogEntry]:  # noqa: B008  # immutable
        """List records of the change log of the grants, like `list_changes`; signed with AWS credentials."""
        return list_items(self._api, "/grants/changes", "changes", _read_entry, wanted._asdict(), signed=True)

    def diff(self, namespace: str, start: int, end: int | None = None) -> Iterator[Moved]:
        """List the keys that differ between two revisions, in order; without `end`, up to now.

        Raises:
            NotFound: the namespace has not reached a revision.
            Gone: the log does not go back to a revision.
        """
        name = names.parse_namespace(namespace)
        path, expect = f"/namespaces/{name}/diff", {"namespace": name, "from": start}
        query: dict[str, object] = {"from": start, "to": end}
        for page in list_pages(self._api, path, "differences", _read_moved, query, number="to", expect=expect):
            query["to"] = expect["to"] = page.number  # the revision that the first page compared with
            yield from page.items

    def diff_namespaces(self, namespace: str, other: str) -> Iterator[Difference]:
        """List the keys that differ between two namespaces, in order."""
        name, against = names.parse_namespace(namespace), names.parse_namespace(other)
        path, expect = f"/namespaces/{name}/diff", {"namespace": name, "against": against}
        return list_items(self._api, path, "differences", _read_difference, {"against": against}, expect=expect)


def _read_version(members: AnswerMembers) -> VersionInfo:
    return VersionInfo(
        members.number("version", 1), members.form(), members.content_type(), members.flag("active"),
        members.flag("destroyed"), members.number("revision"), members.text("written_at"), members.text("written_by"),
    )  # fmt: skip


def _read_entry(members: AnswerMembers) -> LogEntry:
    verb, details = members.text("verb"), members.free("details")
    if verb in GRANT_VERBS and "now" in details and details["now"] is not None:
        members.inner("details").grants("now")  # only to check its shape
    return LogEntry(
        members.number("revision"), members.number("served_revision"), verb, members.text("subject"), details,
        members.each("keys", _read_change), *(members.text(name) for name in _TEXTS),
    )  # fmt: skip


def _read_change(members: AnswerMembers) -> KeyChange:
    numbers = (members.number_or_none(name) for name in ("version", "was", "now"))
    return KeyChange(members.key(), members.one_of("op", _OPS), *numbers)


def _read_moved(members: AnswerMembers) -> Moved:
    return Moved(members.key(), *(_read_served(members.inner_or_none(name)) for name in ("was", "now")))


def _read_difference(members: AnswerMembers) -> Difference:
    values = None if members.text_or_none("values") is None else members.one_of("values", _VALUES)
    here, there = (_read_served(members.inner_or_none(name)) for name in ("here", "there"))
    return Difference(members.key(), here, there, values)


def _read_served(members: AnswerMembers | None) -> Served | None:
    if members is None:
        return None
    return Served(members.number("version", 1), members.form(), members.content_type())
