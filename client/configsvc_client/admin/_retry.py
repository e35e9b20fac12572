"""When a request is sent again, and after how long: a decision on numbers, apart from sending and waiting."""

from __future__ import annotations

from configsvc.model.errors import ConfigsvcError, Throttled, Unavailable
from configsvc_client._body import NOT_OURS

TRIES = 6
BASE = 0.2
MOST = 5.0
WITHIN = 30.0
"""Seconds from the first try in which a last one may start: as long as API Gateway lets one request take."""

_FINAL = frozenset({"certificate", NOT_OURS})


def pause(error: ConfigsvcError, tried: int, spent: float, chance: float) -> float | None:
    """Seconds to wait before the next try, or None when the error is final.

    Full jitter (AWS Architecture Blog, Exponential Backoff And Jitter), never less than the answer's Retry-After.

    Args:
        error: what the last try ended with.
        tried: how many tries there were, from 1.
        spent: seconds since the first one started.
        chance: a number in [0, 1).
    """
    if not isinstance(error, Throttled | Unavailable) or tried >= TRIES or error.members.get("reason") in _FINAL:
        return None
    wait = max(chance * min(MOST, BASE * 2 ** (tried - 1)), _asked_for(error))
    return wait if spent + wait < WITHIN else None


def _asked_for(error: ConfigsvcError) -> float:
    asked = error.members.get("retry_after")
    return float(asked) if isinstance(asked, int) else 0.0
