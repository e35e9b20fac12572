"""The system's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from configsvc.service.ports import Moment


class SystemClock:
    """Wall clock and monotonic clock of this machine."""

    def now(self) -> Moment:
        """The wall clock."""
        return moment(time.time())

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def moment(seconds: float) -> Moment:
    """The moment at so many seconds since the epoch."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return Moment(seconds, text.replace("+00:00", "Z"))
