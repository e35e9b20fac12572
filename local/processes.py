"""Recognize a process and end it, without ever touching one that is not ours.

A process id alone proves nothing: ids are reused. A mark adds the moment the process began (Linux, proc(5):
field 22 of /proc/<pid>/stat, in clock ticks since the boot that boot_id names). Where there is no /proc a
mark cannot be made, and a process that cannot be recognised is left alone.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Mark:
    """One process, distinguishable from any later one with the same id."""

    pid: int
    began: str


def mark(pid: int) -> Mark | None:
    """Mark a running process; None if it has ended or cannot be distinguished."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The second field is the program's name in brackets and may itself hold blanks and brackets.
    fields = stat.rpartition(")")[2].split()
    state, began = fields[0], fields[19]
    return None if state in "ZX" else Mark(pid, f"{boot}/{began}")


def is_running(known: Mark) -> bool:
    """True while the very process that was marked runs."""
    return mark(known.pid) == known


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll every 20 ms; False if the condition did not become true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end_child(process: "subprocess.Popen[bytes]", grace: float) -> None:
    """Ends a child that leads its own group: SIGTERM, then after `grace` seconds SIGKILL to the whole group."""
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the id is still ours
        process.wait()


def end_marked(known: Mark, grace: float) -> None:
    """Ends a process left over from an earlier run, which is not our child."""
    if not is_running(known):
        return
    os.kill(known.pid, signal.SIGTERM)
    if not wait_until(lambda: not is_running(known), grace):
        os.killpg(known.pid, signal.SIGKILL)
        wait_until(lambda: not is_running(known), grace)
