"""Times as people say them: `2h` ago, a date, or RFC 3339. The one place where a command reads the clock for them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import click

_SPAN = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", re.ASCII)
_SIGNED = re.compile(r"[+-][0-9]+[smhdw]", re.ASCII)
_DAYS = re.compile(r"([0-9]{1,6})(d|w|)", re.ASCII)


def now() -> datetime:
    """The time, in the time zone of this computer."""
    return datetime.now(UTC).astimezone()


def today(now: datetime) -> date:
    """The day, by the person's calendar."""
    return now.date()


def when(text: str, now: datetime) -> str:
    """The time in RFC 3339, UTC, milliseconds, as the change log has times.

    Args:
        text: `90s`, `30m`, `2h`, `7d` or `4w` ago; a date; or a time with its zone (`2027-01-15T08:00:00Z`). A time
            without a zone is in UTC, and a date is its first moment there.
        now: with its zone.

    Raises:
        click.UsageError: it is none of them.
    """
    return _spelt(_moment(text, now))


def past(text: str, now: datetime, option: str) -> str:
    """As `when`, for what has been.

    Raises:
        click.UsageError: it is no time, or in the future.
    """
    found = _moment(text, now)
    if found > now:
        raise click.UsageError(
            f"{option} {text} is in the future: it is {_spelt(found)}, and now is {_spelt(now)}. A time without a zone "
            "is in UTC."
        )
    return _spelt(found)


def days_from(text: str, now: datetime) -> date:
    """A day to come: so many days or weeks from now (`30`, `30d`, `4w`), or a date.

    Raises:
        click.UsageError: it is neither.
    """
    span = _DAYS.fullmatch(text)
    try:
        if span:
            return today(now) + timedelta(days=int(span[1]) * (7 if span[2] == "w" else 1))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise click.UsageError(
            f"--due takes a number of days (30 or 4w) or a date (2027-01-31), not {text or 'an empty value'}. A PREFIX "
            "goes before --due."
        ) from None


def _moment(text: str, now: datetime) -> datetime:
    span = _SPAN.fullmatch(text)
    try:
        found = now - timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(f"{text or 'An empty value'} is not a time{_why(text, error)}.") from None


def _why(text: str, error: Exception) -> str:
    """What is wrong with it, or else what would be a time."""
    if _DATED.fullmatch(text) and not str(error).startswith("Invalid isoformat"):
        return f": {error}"  # the library's own words, such as: day is out of range for month
    if _SIGNED.fullmatch(text):
        return f". Leave the sign out: {text[1:]} is that long ago"
    return ". Use 2h or 7d (ago), 2027-01-15, or 2027-01-15T08:00:00Z"


def _spelt(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
