"""Where the local stack keeps its things: all in one folder, `.local/`, which git ignores."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Places(NamedTuple):
    """The folder, and what is in it."""

    data: Path = ROOT / ".local"

    @property
    def state(self) -> Path:
        """What the emulator keeps from run to run."""
        return self.data / "state"

    @property
    def log(self) -> Path:
        """What the emulator prints."""
        return self.data / "emulator.log"

    @property
    def environment(self) -> Path:
        """What the developer sources."""
        return self.data / "env"

    @property
    def administrator(self) -> Path:
        """What the administrator sources."""
        return self.data / "env.admin"

    @property
    def reader(self) -> Path:
        """What whoever plays the reading function sources."""
        return self.data / "env.reader"

    @property
    def running(self) -> Path:
        """Where the running one answers, for `make logs`."""
        return self.data / "running.json"
