"""Counts, lists, times and principals as people read and write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import click


def count(number: int, thing: str) -> str:
    """Renders `1 key` or `2 keys`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def join(texts: Sequence[str]) -> str:
    """Renders `a`, `a and b`, `a, b and c`."""
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else "".join(texts)


def list_first(texts: Sequence[str], most: int) -> str:
    """Renders `a, b and 7 more`: names the first ones and counts the rest."""
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return f"{', '.join(texts[:most])}{more}"


Brief = Callable[[Sequence[str]], Sequence[str]]
"""Shortens the cells of a column; an unknown one stays as it is."""

_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(?P<account>[0-9]{12}):(?P<kind>[a-z-]+)(?:/(?P<path>.+))?")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_JUST_NOW = 5
_DAYS = 14
"""Up to so many days, `N days ago` is shown; older times get a date."""


def shorten_times(now: datetime) -> Brief:
    """Shortens a column of RFC 3339 times to relative ones, by the calendar of this computer's time zone."""
    return lambda cells: [describe_age(each, now, datetime.astimezone) for each in cells]


def shorten_principals(cells: Sequence[str]) -> Sequence[str]:
    """Shortens a column of principals: `Role/session`, `role/Name`, `user/name`.

    The account is left out unless principals of two accounts would look the same.
    """
    distinct = Counter(shorten_principal(each) for each in set(cells))
    return [shorten_principal(each, account=distinct[shorten_principal(each)] > 1) for each in cells]


def describe_age(text: str, now: datetime, local: Callable[[datetime], datetime]) -> str:
    """Describes a past time: `12 min ago`, `yesterday`, `3 days ago`, else its date. A future time stays exact.

    Args:
        text: the time in RFC 3339.
        now: with its zone.
        local: converts a time to the person's time zone, which decides what yesterday was. It is called for each
            time, because clocks may have been put forward or back in between.
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
        return _describe_today(int(seconds))
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days <= _DAYS else then.date().isoformat()


def shorten_principal(text: str, *, account: bool = False) -> str:
    """Shortens a principal to its distinctive part, with the account on request."""
    found = _ARN.fullmatch(text)
    if not found:
        return text
    kind, path = found["kind"], found["path"] or ""
    name = path if kind == "assumed-role" else "/".join(filter(None, (kind, path.rsplit("/", 1)[-1])))
    return f"{found['account']}:{name}" if account else name


def _describe_today(seconds: int) -> str:
    if seconds < _JUST_NOW:
        return "just now"
    if seconds < _MINUTE:
        return f"{seconds} s ago"
    return f"{seconds // _MINUTE} min ago" if seconds < _HOUR else f"{seconds // _HOUR} h ago"


_SPAN = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", re.ASCII)
_SIGNED = re.compile(r"[+-][0-9]+[smhdw]", re.ASCII)
_DAY_SPAN = re.compile(r"([0-9]{1,6})(d|w|)", re.ASCII)


def get_now() -> datetime:
    """Returns the time, in the time zone of this computer."""
    return datetime.now(UTC).astimezone()


def get_today(now: datetime) -> date:
    """Returns the day of a time, in its own time zone."""
    return now.date()


def parse_time(text: str, now: datetime) -> str:
    """Parses a time and renders it in RFC 3339, UTC, with milliseconds, like the change log.

    Args:
        text: `90s`, `30m`, `2h`, `7d` or `4w` ago; a date; or a time with its zone (`2027-01-15T08:00:00Z`). A time
            without a zone is in UTC, and a date is its first moment there.
        now: with its zone.

    Raises:
        click.UsageError: it is not a time.
    """
    return _render_time(_parse_moment(text, now))


def parse_past_time(text: str, now: datetime, option: str) -> str:
    """Like `parse_time`, for a time in the past.

    Raises:
        click.UsageError: it is not a time, or in the future.
    """
    found = _parse_moment(text, now)
    if found > now:
        raise click.UsageError(
            f"{option} {text} is in the future: it is {_render_time(found)}, and now is {_render_time(now)}. A "
            "time without a zone is in UTC."
        )
    return _render_time(found)


def parse_day(text: str, now: datetime) -> date:
    """Parses a future day: days or weeks from now (`30`, `30d`, `4w`), or a date.

    Raises:
        click.UsageError: it is not a day.
    """
    span = _DAY_SPAN.fullmatch(text)
    try:
        if span:
            return get_today(now) + timedelta(days=int(span[1]) * (7 if span[2] == "w" else 1))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise click.UsageError(
            f"--due takes a number of days (30 or 4w) or a date (2027-01-31), not {text or 'an empty value'}. A PREFIX "
            "goes before --due."
        ) from None


def _parse_moment(text: str, now: datetime) -> datetime:
    span = _SPAN.fullmatch(text)
    try:
        found = now - timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(f"{text or 'An empty value'} is not a time{_explain(text, error)}.") from None


def _explain(text: str, error: Exception) -> str:
    """Explains what is wrong with the text, or what a time looks like."""
    if _DATED.fullmatch(text) and not str(error).startswith("Invalid isoformat"):
        return f": {error}"  # Python's own words, such as: day is out of range for month
    if _SIGNED.fullmatch(text):
        return f". Leave out the sign: {text[1:]} means that long ago"
    return ". Use 2h or 7d (ago), 2027-01-15, or 2027-01-15T08:00:00Z"


def _render_time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
