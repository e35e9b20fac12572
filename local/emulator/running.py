"""The note that a running `make run` leaves: where its local AWS answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.emulator.launcher import Emulator, answers
from local.errors import NotReady
from local.network.loopback import LOOPBACK
from local.paths import Places


@contextmanager
def keep_note(note: Path, emulator: Emulator) -> Iterator[None]:
    """Leave a note while it runs. A run that is killed leaves it for ever, so it is believed only after a look."""
    note.write_text(json.dumps({"pid": emulator.pid, "port": emulator.port}))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def find_running_endpoint(places: Places) -> str:
    """The URL of the local AWS of `make run`.

    Raises:
        NotReady: it does not run, whatever a run that was killed has noted.
    """
    try:
        note = json.loads(places.running.read_text())
        pid, port = int(note["pid"]), int(note["port"])
    except (OSError, ValueError, TypeError, KeyError):  # absent, torn, or of an earlier release
        pid = port = 0
    if not (port and answers(pid, port)):
        raise NotReady("The local AWS does not run. Start it with `make run` in another terminal.")
    return f"http://{LOOPBACK}:{port}"
