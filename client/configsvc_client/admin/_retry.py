"""When a write or a read of its kind is sent again, and after how long."""

from __future__ import annotations

from configsvc.model.errors import ConfigsvcError, Throttled, Unavailable
from configsvc.model.retry import Backoff, seconds_asked
from configsvc_client._body import NOT_OURS

BACKOFF = Backoff(first=0.2, most=5.0, tries=6)
WITHIN = 30.0
"""Seconds from the first try in which a last one may start: as long as API Gateway lets one request take."""

_FINAL = frozenset({"certificate", NOT_OURS})


def pause(error: ConfigsvcError, tried: int, spent: float, chance: float) -> float | None:
    """Seconds to wait before the next try, or None when the error is final.

    Args:
        error: what the last try ended with.
        tried: how many tries there were, from 1.
        spent: seconds since the first one started.
        chance: a number in [0, 1).
    """
    if not isinstance(error, Throttled | Unavailable) or error.members.get("reason") in _FINAL:
        return None
    return BACKOFF.wait(tried, lambda most: chance * most, asked=seconds_asked(error) or 0.0, left=WITHIN - spent)
