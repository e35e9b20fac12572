"""Reads the change log of a namespace or of the grants, page by page and with filters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from configsvc.model import grants, limits, names
from configsvc.model.errors import Gone, InvalidRequest
from configsvc.model.names import Namespace
from configsvc.service.engine import access, paging, records, summaries, time_travel
from configsvc.service.engine.access import find_record
from configsvc.service.engine.log_tree import LogWalk
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.engine.records import GrantsHead, LogRecord
from configsvc.service.engine.summaries import Summary, is_next

_TIME = re.compile(
    r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))"
    r"(?:T((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]{1,3}))?Z)?"
)


class LogWanted(NamedTuple):
    """A filter of records: above a revision, of a key, by a principal, from one time on and before another.

    Times are RFC 3339 in UTC, such as `2027-01-15T08:00:00Z`, or a date. None does not filter. `newest` comes first.
    """

    since: int | None = None
    key: str | None = None
    principal: str | None = None
    after_time: str | None = None
    before_time: str | None = None
    newest: bool = False


class LogPage(NamedTuple):
    """Records, and the cursor of the next page if there may be one."""

    shown: list[LogRecord]
    cursor: str | None


def check_filter(wanted: LogWanted) -> LogWanted:
    """Validates the filter, and converts its times to the format of the log.

    Raises:
        InvalidName: the key or principal is not a valid name.
        InvalidRequest: the revision or a time is not valid.
    """
    if wanted.since is not None and not 0 <= wanted.since < time_travel.REVISIONS:
        raise InvalidRequest("since must be a revision, or 0 to start at the first.", field="since")
    return LogWanted(
        wanted.since,
        None if wanted.key is None else names.parse_key(wanted.key),
        None if wanted.principal is None else grants.parse_author(wanted.principal),
        _parse_time("after_time", wanted.after_time),
        _parse_time("before_time", wanted.before_time),
        wanted.newest,
    )


def parse_order(order: str | None) -> bool:
    """Whether an order begins with the newest record; None means `oldest`.

    Raises:
        InvalidRequest: another word.
    """
    if order not in (None, "oldest", "newest"):
        raise InvalidRequest("order must be oldest or newest.", field="order")
    return order == "newest"


def _parse_time(field: str, text: str | None) -> str | None:
    """Converts a time to the format of the log: with milliseconds and Z, so that times compare as text."""
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    if not found:
        raise InvalidRequest("A time must be RFC 3339 in UTC, such as 2027-01-15T08:00:00Z, or a date.", field=field)
    day, time, fraction = found.groups()
    return f"{day}T{time or '00:00:00'}.{(fraction or '').ljust(3, '0')}Z"


def _read_page(  # noqa: PLR0917  # wanted, limit and cursor as in every listing, over one log up to one revision
    ports: ServicePorts, partition: str, until: int, wanted: LogWanted, limit: int, cursor: str | None
) -> LogPage:
    """Returns up to `limit` matching records, or 3 MiB of them, found in 2 MiB of log and summaries.

    So a page may have few records, or none, and still a cursor: the last revision that was examined.

    Raises:
        InvalidRequest: a bad limit or cursor.
        Gone: records right above `since` or the cursor are no longer in the log; `oldest` is the oldest one there.
    """
    paging.check_limit(limit)
    place = int(paging.parse_cursor(cursor, "", paging.parse_number) or 0)
    floor = wanted.since or 0 if wanted.newest else place or wanted.since or 0
    top = min(until, place - 1) if wanted.newest and place else until
    asked = wanted.since is not None or bool(place and not wanted.newest)
    begin = _find_begin(ports, partition, floor, wanted, asked=asked)
    shown, size, last = list[LogRecord](), 0, place
    for number, each in enumerate(_walk_log(ports, partition, begin, top, wanted, limit)):
        if asked and not number and each.record and not wanted.newest:
            _check_kept(begin, each.record)
        # The first always counts, or no page would make progress.
        weighty = number > 0 and each.weight > limits.LOG_BYTES
        if len(shown) == limit or size > limits.PAGE_BYTES or weighty:
            return LogPage(shown, paging.make_cursor(str(last)))
        last = each.last
        if each.record and _is_wanted(each.record, wanted):
            shown.append(each.record)
            size += paging.measure_json(_describe_record(each.record), ports.charset)
    return LogPage(shown, None)


class _ExaminedRevision(NamedTuple):
    """The last revision examined in the direction of reading, its record if it is one, and bytes read so far."""

    last: int
    record: LogRecord | None
    weight: int


def _walk_log(  # noqa: PLR0917  # a log, its ends, what is wanted of it
    ports: ServicePorts, partition: str, begin: int, top: int, wanted: LogWanted, limit: int
) -> Iterator[_ExaminedRevision]:
    if not _has_filter(wanted):
        for record in _read_records(ports, partition, begin, top, limit + 1, newest=wanted.newest):
            yield _ExaminedRevision(record.revision, record, 0)
        return
    walk = LogWalk(ports.repository, partition, lambda found: _may_hold(found, wanted), newest=wanted.newest)
    for node, found, _ in walk.walk(summaries.cover(begin, top)):
        last = node.start + 1 if wanted.newest else node.end
        yield _ExaminedRevision(last, found if isinstance(found, LogRecord) else None, walk.weight)


def _read_records(
    ports: ServicePorts, partition: str, begin: int, top: int, most: int, *, newest: bool
) -> Iterator[LogRecord]:
    """Yields records up to `top`. Later ones, and gaps, may have appeared since the end of the log was read."""
    after = records.log(partition, top + 1 if newest else begin).sk
    for record in ports.repository.query(partition, "R#", after=after, limit=most, reverse=newest):
        if not isinstance(record, LogRecord) or not begin < record.revision <= top:
            return
        yield record


def _find_begin(ports: ServicePorts, partition: str, floor: int, wanted: LogWanted, *, asked: bool) -> int:
    """Returns the revision to read from: below the first record above `floor`, because earlier ones were pruned.

    Raises:
        Gone: the caller asked for the changes right above `floor`, and those are no longer there.
    """
    if not _has_filter(wanted) and not (wanted.newest and asked):
        return floor
    found = ports.repository.query(partition, "R#", after=records.log(partition, floor).sk, limit=1)
    first = next((each for each in found if isinstance(each, LogRecord)), None)
    if first is None:
        return floor
    if asked:
        _check_kept(floor, first)
    return first.revision - 1


def _describe_record(record: LogRecord) -> dict[str, object]:
    """Describes a record for an answer. It never has a value, because a record has none."""
    return {
        "revision": record.revision,
        "served_revision": record.served,
        "verb": record.verb,
        "subject": record.subject,
        "details": dict(record.details),
        "keys": [change._asdict() for change in record.changes],
        "message": record.message,
        "at": record.at,
        "principal": record.principal,
        "arn": record.arn,
        "api_key": record.api_key,
        "source_ip": record.source_ip,
        "user_agent": record.user_agent,
        "correlation_id": record.correlation_id,
    }


def _check_kept(start: int, first: LogRecord) -> None:
    if not is_next(start, first):
        raise Gone(
            f"The change log no longer has every change after revision {start}; the oldest is {first.revision}.",
            oldest=first.revision,
        )


def _has_filter(wanted: LogWanted) -> bool:
    return any(each is not None for each in wanted[1:5])


def _may_hold(found: Summary, wanted: LogWanted) -> bool:
    return (
        (wanted.key is None or wanted.key in found.keys)
        and (wanted.principal is None or found.principals is None or wanted.principal in found.principals)
        and (wanted.after_time is None or found.last_at >= wanted.after_time)
        and (wanted.before_time is None or found.first_at < wanted.before_time)
    )


def _is_wanted(record: LogRecord, wanted: LogWanted) -> bool:
    return (
        (wanted.key is None or _names_key(record, wanted.key))
        and wanted.principal in (None, record.principal)
        and (wanted.after_time is None or record.at >= wanted.after_time)
        and (wanted.before_time is None or record.at < wanted.before_time)
    )


def _names_key(record: LogRecord, key: str) -> bool:
    destroyed = record.verb == records.DESTROY and record.subject == key
    return destroyed or any(change.key == key for change in record.changes)


def list_changes(  # noqa: PLR0917  # what is wanted, limit and cursor as in every listing
    ports: ServicePorts, caller: Caller, namespace: Namespace, wanted: LogWanted, limit: int, cursor: str | None
) -> dict[str, object]:
    """Returns `{"namespace", "revision", "changes": [...], "cursor"}`, oldest first.

    `revision` is that of the namespace. A caller that follows the log sends the last revision it has seen as `since`,
    and
    gets Gone if the change right after it is no longer kept. It takes one read and one Query; a page with a filter may
    be
    short and still have a cursor.

    Raises:
        NotFound: it is absent, or the caller may not read it.
        Gone: the log does not go back that far; `oldest` is the oldest revision there.
        InvalidRequest: a bad key, principal, time, revision, limit or cursor.
    """
    asked = check_filter(wanted)
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=False)
    head = access.require_readable(held, found, namespace)
    page = _read_page(ports, records.of_namespace(namespace), head.revision, asked, limit, cursor)
    shown = [_describe_record(record) for record in page.shown]
    return {"namespace": namespace, "revision": head.revision, "changes": shown, "cursor": page.cursor}


def list_grant_changes(
    ports: ServicePorts, caller: Caller, wanted: LogWanted, limit: int, cursor: str | None
) -> dict[str, object]:
    """Returns `{"revision", "changes": [...], "cursor"}` like the log of a namespace; `subject` is the principal.

    Raises:
        Forbidden: the caller does not administer everything.
        Gone: the log does not go back that far; `oldest` is the oldest revision there.
        InvalidRequest: a key was given, but grants have none; or a bad principal, time, revision, limit or cursor.
    """
    asked = check_filter(wanted)
    if asked.key is not None:
        raise InvalidRequest("Grants have no keys. Omit key.", field="key")
    held, found = access.read_with_rights(ports, caller, (records.GRANTS_HEAD,), writes=True)
    access.require_everywhere(held)
    head = find_record(found, records.GRANTS_HEAD, GrantsHead)
    revision = head.revision if head else 0
    page = _read_page(ports, records.GRANTS, revision, asked, limit, cursor)
    return {
        "revision": revision,
        "changes": [_describe_record(record) for record in page.shown],
        "cursor": page.cursor,
    }
