"""Waiting for what other warm processes may still remember: grants, for 10 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

_BOUND_SECONDS = 15.0
_PAUSE_SECONDS = 0.2


def until(holds: Callable[[], bool]) -> None:
    """Return once it holds; fail when it does not within 15 seconds."""
    end = time.monotonic() + _BOUND_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(_PAUSE_SECONDS)
