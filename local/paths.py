"""Where the local stack keeps its things: all under `.local/`, which git ignores."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
STATE = LOCAL / "state"
LOG = LOCAL / "emulator.log"
ENVIRONMENT = LOCAL / "env"
RUNNING = LOCAL / "running.json"
