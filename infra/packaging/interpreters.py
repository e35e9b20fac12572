"""Finds an interpreter that compiles for a runtime: the one that runs this, or the first on the PATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_SECONDS = 60.0
# Alphas of a version have other magic numbers, and Lambda ignores their bytecode without a word.
_WANTED = {"implementation": "cpython", "release": "final"}
_QUESTION = """
import compileall, importlib.util, json, sys
print(json.dumps({
    "implementation": sys.implementation.name,
    "release": sys.version_info.releaselevel,
    "version": "{}.{}".format(*sys.version_info),
    "cache_tag": sys.implementation.cache_tag,
    "magic": importlib.util.MAGIC_NUMBER.hex(),
}))
"""


class Interpreter(NamedTuple):
    """An interpreter, the tag in the names of its compiled files, and the magic number that they begin with."""

    path: Path
    cache_tag: str
    magic: bytes


def find_interpreter(version: str, search_path: str, ours: Path = Path(sys.executable)) -> Interpreter | None:
    """The first released CPython of that version, such as `3.14`; None if there is none.

    `search_path` is written like PATH. A program there that does not answer is passed over: version managers put
    programs on the PATH for every version that they know, installed or not.
    """
    for path in _list_candidates(version, search_path, ours):
        said = _ask(path)
        if said and _WANTED.items() | {("version", version)} <= said.items():
            return Interpreter(path, said["cache_tag"], bytes.fromhex(said["magic"]))
    return None


def _list_candidates(version: str, search_path: str, ours: Path) -> Iterator[Path]:
    yield ours
    for folder in filter(None, search_path.split(os.pathsep)):
        path = Path(folder) / f"python{version}"
        if os.access(path, os.X_OK) and path.is_file():
            yield path


def _ask(path: Path) -> dict[str, str] | None:
    try:
        ran = subprocess.run(
            [path, "-I", "-c", _QUESTION], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
            timeout=_SECONDS,
        )  # fmt: skip
        said = json.loads(ran.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return said if isinstance(said, dict) else None
