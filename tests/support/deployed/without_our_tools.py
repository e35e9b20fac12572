"""The commands of README.md's section "Without our tools", and a shell to run them in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
_AWS = ROOT / ".venvs/awscli/bin"
_HEADING = "## Without our tools"
_SECONDS = 60


def commands(readme: str) -> str:
    """Return the one `sh` block of the section."""
    section = readme.split(f"\n{_HEADING}", 1)[1].split("\n## ", 1)[0]
    _, block, *more = section.split("\n```sh\n")
    assert not more
    return block.split("\n```\n", 1)[0]


def walk(script: str, variables: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it by bash in the folder, with these variables and no other settings of ours."""
    path = os.pathsep.join([str(_AWS), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],  # noqa: S607  # the shell of whoever follows the README
        cwd=folder,
        env={**variables, "PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
