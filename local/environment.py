"""The file that a person sources: credentials and settings. Only its owner can read it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path


def write_environment(path: Path, variables: Mapping[str, str], commands: Path) -> None:
    """Write `export` lines (mode 0600), with the folder of `commands` put on the PATH."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    folder = shlex.quote(str(commands))
    lines.append(f"case :$PATH: in *:{folder}:*) ;; *) export PATH={folder}:$PATH ;; esac")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
