"""A CPython 3.14 that npm brings, since few computers have one: slower, and without extensions, but the real thing."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.paths import ROOT

_PYODIDE = ROOT / ".venvs/node/node_modules/pyodide/pyodide.mjs"
_PROGRAM = Path(__file__).with_suffix(".mjs")
_SECONDS = 240
_PATH = os.environ.get("PATH", os.defpath)


def require_cpython314() -> None:
    """Skip the test where npm's registry is not reached; fail in a CI that has npm."""
    if shutil.which("node") and _PYODIDE.is_file():
        return
    reason = "npm's pyodide is not installed; `make .venvs/node/.ready` installs it where npm's registry is reached"
    if os.environ.get("CI") == "true" and shutil.which("npm"):
        pytest.fail(reason)
    pytest.skip(reason)


def put_on_path(folder: Path) -> str:
    """Write `python3.14` into the folder, and return a PATH on which it is the first."""
    folder.mkdir()
    program = folder / "python3.14"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(_build_command(""))} "$@"\n')
    program.chmod(0o755)
    return f"{folder}:{_PATH}"


def run_cpython314(
    code: str, *given: str, folders: tuple[Path, ...] = (), variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run code that sees and imports from the folders, with every warning an error."""
    command = [*_build_command(":".join(map(str, folders))), "-W", "error", "-c", code, *given]
    environment = {"PATH": _PATH} | dict(variables or {})
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS)


def _build_command(folders: str) -> list[str]:
    return [shutil.which("node") or "node", str(_PROGRAM), str(_PYODIDE), folders]
