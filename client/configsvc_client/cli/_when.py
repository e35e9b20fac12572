"""Times as people say them: `2h` ago, a date, or RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def when(text: str, now: datetime) -> str:
    """The time in RFC 3339, UTC, milliseconds, as the change log has times.

    Args:
        text: `90s`, `30m`, `2h`, `7d` or `4w` ago; a date; or a time with its zone (`2027-01-15T08:00:00Z`). A time
            without a zone is in UTC.
        now: with its zone.

    Raises:
        click.UsageError: it is none of them.
    """
    ago = _AGO.fullmatch(text)
    try:
        found = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(text)
        zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    except (ValueError, OverflowError):
        raise click.UsageError(f"{text} is no time. Say 2h, 7d, 2027-01-15 or 2027-01-15T08:00:00Z.") from None
