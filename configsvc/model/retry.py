"""When to try again: exponential backoff with full jitter, and what `Retry-After` asks for. It reads no clock.

Each caller states its own parameters. A client loads this with the first failure, not at a cold start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from configsvc.model.errors import ConfigsvcError
from configsvc.model.record import Record

_DOUBLINGS = 32
_MOST_SECONDS = 999_999_999


class Backoff(Record):
    """Waits that grow: the first is up to `first` seconds, each one after it up to twice that, and none over `most`.

    Full jitter: each wait is drawn from zero up (AWS Architecture Blog, Exponential Backoff And Jitter). After `tries`
    attempts there is no other.
    """

    first: float
    most: float = math.inf
    tries: float = math.inf

    def longest(self, failures: int) -> float:
        """The longest wait after so many failed attempts, in seconds."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, _DOUBLINGS))

    def wait(
        self, failures: int, draw: Callable[[float], float], *, asked: float = 0.0, left: float = math.inf
    ) -> float | None:
        """Seconds to wait before the next attempt; None where there is to be none.

        Args:
            failures: how many attempts failed, from 1.
            draw: draws a number from zero up to the one that it is given.
            asked: seconds that the other side asks for; the wait is never shorter.
            left: seconds that are left until the deadline, before which the wait has to end.
        """
        if failures >= self.tries:
            return None
        seconds = max(draw(self.longest(failures)), asked)
        return seconds if seconds < left else None


def get_retry_after(error: ConfigsvcError) -> int | None:
    """The seconds that the answer's `Retry-After` asked for, where it did."""
    asked = error.members.get("retry_after")
    return asked if isinstance(asked, int) else None


def parse_retry_after(headers: Mapping[str, str]) -> int | None:
    """The seconds that `Retry-After` asks for (RFC 9110, 10.2.3); None where it is absent or malformed.

    A very large number counts as the largest: not to know how long is no reason to come back at once. A date counts
    from the `Date` of the same answer, so that no two clocks have to agree; without one it is passed over.

    Args:
        headers: of an answer, with names in lower case.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        digits = asked.lstrip("0") or "0"
        return int(digits) if len(digits) <= len(str(_MOST_SECONDS)) else _MOST_SECONDS
    until = parse_http_date(asked)
    sent = None if until is None else parse_http_date(headers.get("date", ""))
    return None if until is None or sent is None else min(max(0, int(until - sent)), _MOST_SECONDS)


def parse_http_date(text: str) -> float | None:
    """A date of HTTP in each of its three spellings (RFC 9110, 5.6.7) in seconds since the epoch; else None."""
    if not text[:1].isalpha():  # before the imports, which are large
        return None
    from calendar import timegm
    from email.utils import parsedate

    try:
        found = parsedate(text)
        return None if found is None else float(timegm(found))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
