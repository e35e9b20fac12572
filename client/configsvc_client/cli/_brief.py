"""What is shown more briefly to a person on a terminal than to a program: times and principals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

Brief = Callable[[Sequence[str]], Sequence[str]]
"""The cells of a column in short; one that it does not know stays as it is."""

_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(?P<account>[0-9]{12}):(?P<kind>[a-z-]+)(?:/(?P<path>.+))?")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_JUST_NOW = 5
_DAYS = 14
"""So many days ago; what is older has a date."""


def times(now: datetime) -> Brief:
    """A column of times in RFC 3339 as people say them, by the calendar of this computer's time zone."""
    return lambda cells: [ago(each, now, datetime.astimezone) for each in cells]


def principals(cells: Sequence[str]) -> Sequence[str]:
    """A column of principals: `Role/session`, `role/Name`, `user/name`.

    The account is left out unless principals of two accounts would look the same.
    """
    distinct = Counter(principal(each) for each in set(cells))
    return [principal(each, account=distinct[principal(each)] > 1) for each in cells]


def ago(text: str, now: datetime, local: Callable[[datetime], datetime]) -> str:
    """A time before now: `12 min ago`, `yesterday`, `3 days ago`, else its date. One that is not past stays exact.

    Args:
        text: the time in RFC 3339.
        now: with its zone.
        local: gives a time in the person's time zone, which decides what yesterday was. It is asked for each time,
            because clocks may have been put forward or back in between.
    """
    try:
        then = local(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return text
    seconds = (now - then).total_seconds()
    days = (local(now).date() - then.date()).days
    if seconds < -_JUST_NOW:
        return text
    if seconds < _DAY:
        return _of_today(int(seconds))
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days <= _DAYS else then.date().isoformat()


def principal(text: str, *, account: bool = False) -> str:
    """A principal without what all of them have in common; its account on request."""
    found = _ARN.fullmatch(text)
    if not found:
        return text
    kind, path = found["kind"], found["path"] or ""
    name = path if kind == "assumed-role" else "/".join(filter(None, (kind, path.rsplit("/", 1)[-1])))
    return f"{found['account']}:{name}" if account else name


def _of_today(seconds: int) -> str:
    if seconds < _JUST_NOW:
        return "just now"
    if seconds < _MINUTE:
        return f"{seconds} s ago"
    return f"{seconds // _MINUTE} min ago" if seconds < _HOUR else f"{seconds // _HOUR} h ago"
