"""Compiled code for a zip: used by Python without checking the source, and the same bytes wherever it is built.

Lambda's /var/task is read-only, so code that comes uncompiled is compiled at every cold start. The files are
unchecked-hash pycs (PEP 552): they name no time and no size of the source, which a zip would not keep, and whoever
changes a source must build again, which `make package` always does. An interpreter of the runtime's version compiles
them, because Python ignores the files of any other version without a word.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.packaging.interpreters import Interpreter

TASK_ROOT = "/var/task"
"""Where Lambda unpacks the zip: tracebacks name the source there."""
_UNCHECKED_HASH = (1).to_bytes(4, "little")


class CompilingError(Exception):
    """A source is not valid Python."""


def compile_files(files: Mapping[str, bytes], interpreter: Interpreter | None) -> dict[str, bytes]:
    """Return these files (name to content) and a pyc for each source; without an interpreter, no pyc.

    Raises:
        CompilingError: with Python's output.
    """
    if interpreter is None:
        return dict(files)
    with tempfile.TemporaryDirectory(prefix="configsvc-bytecode-") as scratch:
        root = Path(scratch)
        for name in _sources(files):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        _compile(root, interpreter)
        return {**files, **{path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.pyc")}}


def faults(files: Mapping[str, bytes], interpreter: Interpreter | None) -> list[str]:
    """List the faults of the compiled code among these files: missing, left over, of another Python, or checked."""
    wanted = {pyc(name, interpreter.cache_tag) for name in _sources(files)} if interpreter else set[str]()
    found = {name: content for name, content in files.items() if name.endswith(".pyc")}
    missing = [f"{name} is missing" for name in sorted(wanted - found.keys())]
    foreign = [f"{name} does not belong here" for name in sorted(found.keys() - wanted)]
    header = interpreter.magic + _UNCHECKED_HASH if interpreter else b""
    stale = [f"{name} would be compiled again" for name in sorted(found) if not found[name].startswith(header)]
    return missing + foreign + stale


def pyc(source: str, cache_tag: str) -> str:
    """The name of a source's compiled form (PEP 3147)."""
    folder, _, file = source.rpartition("/")
    return f"{folder}/__pycache__/".lstrip("/") + f"{file.removesuffix('.py')}.{cache_tag}.pyc"


def _sources(files: Iterable[str]) -> list[str]:
    return sorted(name for name in files if name.endswith(".py"))


def _compile(root: Path, interpreter: Interpreter) -> None:
    # A separate process, one worker, one order: marshal's output depends on what else the process holds.
    command: list[str | Path] = [interpreter.path, "-P", "-s", "-m", "compileall", "-q", "-j", "1"]
    command += ["-s", root, "-p", TASK_ROOT, "--invalidation-mode", "unchecked-hash", root]
    # The command may be a version manager's, which reads the version from variables. Python's own change the bytecode.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONHASHSEED"] = "0"
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise CompilingError(f"{interpreter.path} cannot compile the zip's code:\n{ran.stdout}{ran.stderr}")
