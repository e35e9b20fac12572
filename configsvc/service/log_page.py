"""A page of a change log, oldest first, and which of its records were asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from configsvc.model import grants, limits, names
from configsvc.model.errors import Gone, InvalidRequest
from configsvc.service import paging, records, time_travel
from configsvc.service.change_log import DESTROY
from configsvc.service.history import follows
from configsvc.service.ports import Ports
from configsvc.service.records import LogRecord

_TIME = re.compile(
    r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))"
    r"(?:T((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]{1,3}))?Z)?"
)


class Wanted(NamedTuple):
    """Which records: above a revision, of a key, by a principal, at or after one time and before another.

    Times are RFC 3339 in UTC, such as `2027-01-15T08:00:00Z`, or a date. None asks for nothing.
    """

    since: int | None = None
    key: str | None = None
    principal: str | None = None
    after_time: str | None = None
    before_time: str | None = None


class Read(NamedTuple):
    """Records, and the cursor of the next page where there may be one."""

    shown: list[LogRecord]
    cursor: str | None


def checked(wanted: Wanted) -> Wanted:
    """What is wanted, with names that are names, and times as the log has them.

    Raises:
        InvalidName: a key or principal that is none.
        InvalidRequest: a revision or time that is none.
    """
    if wanted.since is not None and not 0 <= wanted.since < time_travel.REVISIONS:
        raise InvalidRequest("since is a revision, or 0 for the first.", field="since")
    return Wanted(
        wanted.since,
        None if wanted.key is None else names.key(wanted.key),
        None if wanted.principal is None else grants.principal(wanted.principal),
        _time("after_time", wanted.after_time),
        _time("before_time", wanted.before_time),
    )


def _time(field: str, text: str | None) -> str | None:
    """As the log has it: milliseconds and Z, so that times compare as text."""
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    if not found:
        raise InvalidRequest("A time is RFC 3339 in UTC, like 2027-01-15T08:00:00Z, or a date.", field=field)
    day, time, fraction = found.groups()
    return f"{day}T{time or '00:00:00'}.{(fraction or '').ljust(3, '0')}Z"


def read(  # noqa: PLR0917  # wanted, limit and cursor as in every listing, over one log up to one revision
    ports: Ports, partition: str, until: int, wanted: Wanted, limit: int, cursor: str | None
) -> Read:
    """Up to `limit` records that are wanted, or 3 MiB of them, of no more than 5,000 that are looked at.

    So a page may hold few records, or none, and still have a cursor: the last revision that was looked at.

    Raises:
        InvalidRequest: a bad limit or cursor.
        Gone: records right above `since` or the cursor are no longer in the log; `oldest` is the oldest that is.
    """
    paging.checked(limit)
    last = start = int(paging.after(cursor, "", paging.number) or wanted.since or 0)
    most = limits.LOG_READ if _filters(wanted) else limit
    records_above = _above(ports, partition, start, until, most + 1)
    shown, size = list[LogRecord](), 0
    for seen, record in enumerate(records_above):
        if not seen and (cursor or wanted.since is not None):
            _check_kept(start, record)
        if len(shown) == limit or seen == most or size > limits.PAGE_BYTES:
            return Read(shown, paging.cursor(str(last)))
        last = record.revision
        if _is_wanted(record, wanted):
            shown.append(record)
            size += paging.size(described(record), ports.charset)
    return Read(shown, None)


def described(record: LogRecord) -> dict[str, object]:
    """A record as it is answered: never a value, for it holds none."""
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


def _above(ports: Ports, partition: str, start: int, until: int, most: int) -> Iterator[LogRecord]:
    """What was read of the log after `until` was known may have been written since, and have gaps."""
    after = records.log(partition, start).sk
    for record in ports.repository.query(partition, "R#", after=after, limit=most):
        if not isinstance(record, LogRecord) or record.revision > until:
            return
        yield record


def _check_kept(start: int, first: LogRecord) -> None:
    if not follows(start, first):
        raise Gone(
            f"The change log no longer has all that came after revision {start}; the oldest is {first.revision}.",
            oldest=first.revision,
        )


def _filters(wanted: Wanted) -> bool:
    return any(each is not None for each in wanted[1:])


def _is_wanted(record: LogRecord, wanted: Wanted) -> bool:
    return (
        (wanted.key is None or _names(record, wanted.key))
        and wanted.principal in (None, record.principal)
        and (wanted.after_time is None or record.at >= wanted.after_time)
        and (wanted.before_time is None or record.at < wanted.before_time)
    )


def _names(record: LogRecord, key: str) -> bool:
    destroyed = record.verb == DESTROY and record.subject == key
    return destroyed or any(change.key == key for change in record.changes)
