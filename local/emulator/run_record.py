"""A record next to the state, so that the next run can clean up after an interruption."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from local.errors import AlreadyRunning
from local.processes import Mark, end_marked, is_running, mark


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One emulator and the program that started it."""

    emulator: Mark
    launcher: Mark
    port: int


def write(path: Path, emulator: int, port: int) -> None:
    """Notes a running emulator and ourselves as its launcher (nothing where processes cannot be marked)."""
    child, launcher = mark(emulator), mark(os.getpid())
    if child and launcher:
        save(path, RunRecord(child, launcher, port))


def save(path: Path, record: RunRecord) -> None:
    """Puts a record on disk."""
    path.write_text(json.dumps(asdict(record)))


def recover(path: Path, grace: float) -> None:
    """Ends the emulator of an interrupted run, and only that one. Raises AlreadyRunning if a run is active."""
    record = _read(path)
    if record and is_running(record.emulator):
        if is_running(record.launcher):
            raise AlreadyRunning(
                f"process {record.launcher.pid} already runs the local AWS with this state, on port {record.port}. "
                "Use that one, or end it first (Ctrl-C where it runs)."
            )
        end_marked(record.emulator, grace)
    path.unlink(missing_ok=True)


def _read(path: Path) -> RunRecord | None:
    try:
        raw = json.loads(path.read_text())
        return RunRecord(Mark(**raw["emulator"]), Mark(**raw["launcher"]), int(raw["port"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None  # absent or torn: nothing in it can be trusted
