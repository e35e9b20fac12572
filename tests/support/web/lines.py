"""A log that keeps its lines."""

from __future__ import annotations

import json

from configsvc.web.handling import Level, Logged


class Lines:
    def __init__(self) -> None:
        self.kept: list[dict[str, Logged]] = []

    def takes(self, level: Level) -> bool:  # noqa: ARG002  # every one
        return True

    def line(self, level: Level, /, **members: Logged) -> None:
        self.kept.append({"level": level, **members})

    @property
    def text(self) -> str:
        return json.dumps(self.kept)
