"""When to retry: exponential backoff with full jitter, and the delay that `Retry-After` requests. Reads no clock.

Each caller passes its own parameters. A client loads this module on its first failure, not at a cold start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from configsvc.model.errors import ConfigsvcError
from configsvc.model.record import Record

_DOUBLINGS = 32
_MOST_SECONDS = 999_999_999


class Backoff(Record):
    """Delays that grow: the first is up to `first` seconds, each next one up to twice as long, and none over `most`.

    Full jitter: each delay is drawn from zero up (AWS Architecture Blog, Exponential Backoff And Jitter). There are at
    most `tries` attempts.
    """

    first: float
    most: float = math.inf
    tries: float = math.inf

    def longest(self, failures: int) -> float:
        """The longest delay after this many failed attempts, in seconds."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, _DOUBLINGS))

    def wait(
        self, failures: int, draw: Callable[[float], float], *, asked: float = 0.0, left: float = math.inf
    ) -> float | None:
        """Seconds to wait before the next attempt; None to stop.

        Args:
            failures: how many attempts failed, from 1.
            draw: draws a number from zero up to its argument.
            asked: seconds that the other side requests; the delay is never shorter.
            left: seconds until the deadline; the delay must end before it.
        """
        if failures >= self.tries:
            return None
        seconds = max(draw(self.longest(failures)), asked)
        return seconds if seconds < left else None


def get_retry_after(error: ConfigsvcError) -> int | None:
    """The seconds that the response's `Retry-After` requested; None without one."""
    asked = error.members.get("retry_after")
    return asked if isinstance(asked, int) else None


def parse_retry_after(headers: Mapping[str, str]) -> int | None:
    """Parses the seconds that `Retry-After` requests (RFC 9110, 10.2.3); None if it is absent or malformed.

    A very large number counts as the largest one, because an unreadable delay must not cause an immediate retry. A date
    is compared with the `Date` of the same response, so that no two clocks have to agree; without it, it is ignored.

    Args:
        headers: of a response, with names in lower case.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        digits = asked.lstrip("0") or "0"
        return int(digits) if len(digits) <= len(str(_MOST_SECONDS)) else _MOST_SECONDS
    until = parse_http_date(asked)
    sent = None if until is None else parse_http_date(headers.get("date", ""))
    return None if until is None or sent is None else min(max(0, int(until - sent)), _MOST_SECONDS)


def parse_http_date(text: str) -> float | None:
    """Parses an HTTP date in any of its three formats (RFC 9110, 5.6.7) to seconds since the epoch; else None."""
    if not text[:1].isalpha():  # before the imports, which are large
        return None
    from calendar import timegm
    from email.utils import parsedate

    try:
        found = parsedate(text)
        return None if found is None else float(timegm(found))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
