"""The `sh` blocks of docs/WALKTHROUGH.md, in order, and bash to run them in one shell."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_MARK = "=== block "
_REFUSED = re.compile(r"^(\S.*?) +# refused$", re.MULTILINE)
_SECONDS = 240


class Block(NamedTuple):
    """A block, its section, and the lines that the document says it prints."""

    section: str
    script: str
    prints: str


def blocks(document: str) -> list[Block]:
    """Read them; a block without a language below one of `sh` is what that one prints."""
    found = []
    for section in document.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for script, _, output in re.findall(r"```sh\n(.*?)```\n(\n```\n(.*?)```)?", section, re.DOTALL):
            found.append(Block(title, script, output.replace("\n", "")))
    return found


def run_blocks(played: list[Block], folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Run them by one bash, each command of which must succeed unless it is to be refused: what each block printed."""
    script = "".join(f"printf '\\n{_MARK}{number}\\n'\n{_strict(each.script)}" for number, each in enumerate(played))
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],  # noqa: S607  # the shell of whoever follows the document
        cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return re.split(rf"^{_MARK}\d+\n", done.stdout, flags=re.MULTILINE)[1:]


def _strict(script: str) -> str:
    return _REFUSED.sub(r"if \1; then echo 'this was not refused'; exit 99; fi", script)
