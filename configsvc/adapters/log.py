"""Log lines as JSON, one per line, as CloudWatch Logs Insights reads them."""

from __future__ import annotations

import json
from typing import TextIO

from configsvc.adapters.metrics import Metrics

_SEVERITY = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class JsonLog:
    """Writes lines of `least` severity and above.

    Args:
        stream: where to; Lambda takes standard output.
        least: debug, info, warning or error.
        metrics: what lines count; without it they count nothing.
    """

    def __init__(self, stream: TextIO, least: str, metrics: Metrics | None = None) -> None:
        self._stream = stream
        self._metrics = metrics
        self._least = _SEVERITY[least]

    def takes(self, level: str) -> bool:
        """Whether lines of this level are written."""
        return _SEVERITY[level] >= self._least

    def line(self, level: str, /, **members: object) -> None:
        """Write one line, unless it is below the least severity."""
        if self.takes(level):
            counted = self._metrics.of(members) if self._metrics else {}
            text = json.dumps({"level": level, **members, **counted}, separators=(",", ":"), allow_nan=False)
            self._stream.write(text + "\n")
            self._stream.flush()
