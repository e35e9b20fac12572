"""Compiled code for a zip: the same bytes wherever it is built, and used by Python without checking the source.

Lambda's /var/task is read-only, so code that comes uncompiled is compiled at every cold start. The files are
unchecked-hash pycs (PEP 552): they name no time and no size of the source, which a zip would not keep, and whoever
changes a source must build again, which `make package` always does.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

TASK_ROOT = "/var/task"
"""Where Lambda unpacks the zip: tracebacks name the source there."""
HEADER = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
"""How an unchecked-hash pyc of this Python begins: the magic number, then the flags."""


class CompilingError(Exception):
    """A source is not valid Python."""


def compile_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return these files (name to content) and a pyc for each source, for the Python that runs this.

    Raises:
        CompilingError: with what Python said.
    """
    with tempfile.TemporaryDirectory(prefix="configsvc-bytecode-") as scratch:
        root = Path(scratch)
        for name in _sources(files):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        _compile(root)
        return {**files, **{path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.pyc")}}


def faults(files: Mapping[str, bytes]) -> list[str]:
    """List the faults of the compiled code among these files: missing, left over, of another Python, or checked."""
    wanted = {pyc(name) for name in _sources(files)}
    found = {name: content for name, content in files.items() if name.endswith(".pyc")}
    missing = [f"{name} is missing" for name in sorted(wanted - found.keys())]
    foreign = [f"{name} does not belong here" for name in sorted(found.keys() - wanted)]
    stale = [f"{name} would be compiled again" for name in sorted(found) if not found[name].startswith(HEADER)]
    return missing + foreign + stale


def pyc(source: str) -> str:
    """The name of a source's compiled form (PEP 3147)."""
    folder, _, file = source.rpartition("/")
    return f"{folder}/__pycache__/".lstrip("/") + f"{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"


def _sources(files: Iterable[str]) -> list[str]:
    return sorted(name for name in files if name.endswith(".py"))


def _compile(root: Path) -> None:
    # A separate process, one worker, one order: marshal's output depends on what else the process holds.
    command = [sys.executable, "-P", "-s", "-m", "compileall", "-q", "-j", "1", "-s", str(root), "-p", TASK_ROOT]
    command += ["--invalidation-mode", "unchecked-hash", str(root)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONHASHSEED": "0"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise CompilingError(f"Python does not compile what goes into the zip:\n{ran.stdout}{ran.stderr}")
