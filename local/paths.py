"""Where the local stack keeps its things: all in one folder, `.local/`, which git ignores."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Places(NamedTuple):
    """The data folder and the files in it."""

    data: Path = ROOT / ".local"

    @property
    def state(self) -> Path:
        """The emulator's state, kept from run to run."""
        return self.data / "state"

    @property
    def log(self) -> Path:
        """The emulator's log."""
        return self.data / "emulator.log"

    @property
    def environment(self) -> Path:
        """The file that the developer sources."""
        return self.data / "env"

    @property
    def administrator(self) -> Path:
        """The file that the administrator sources."""
        return self.data / "env.admin"

    @property
    def reader(self) -> Path:
        """The file to source for playing the function that reads."""
        return self.data / "env.reader"

    @property
    def running(self) -> Path:
        """Where the running one answers, for `make logs`."""
        return self.data / "running.json"
