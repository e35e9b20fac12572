"""A runbook in a real bash with `set -u`, in which `aws`, `configsvc`, `curl`, `make` and others only note their words.

So the shell itself reads the blocks, and a variable that no earlier block sets ends the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.runbooks.document import Block

PROGRAMS = ("aws", "configsvc", "curl", "dig", "make", "openssl", "sleep", "whois")
SECRET = "new-password"
_MARK = "=== step"
_SECONDS = 60
_SHIM = """#!{python}
import json, os, stat, sys
given = ""
if stat.S_ISREG(os.fstat(0).st_mode):
    given = sys.stdin.read()
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
with open(os.environ["NOTES"], "a") as notes:
    notes.write(json.dumps([int(os.environ["STEP"]), words, given]) + "\\n")
answers = json.loads(os.environ["ANSWERS"])
print(next((answer for part, answer in answers.items() if part in " ".join(words)), "x"))
"""


class Call(NamedTuple):
    """A call of a program: the step, its words after the shell has read them, and what a file gave to its stdin."""

    step: int
    words: tuple[str, ...]
    given: str


def dry_run(
    blocks: Sequence[Block], folder: Path, answers: Mapping[str, str], assigned: Mapping[str, str] | None = None
) -> list[Call]:
    """The calls of the blocks, run in one shell in the folder.

    Args:
        blocks: in their order.
        folder: empty; the files that the blocks write are in it afterwards.
        answers: what a call prints whose words contain the text; the others print `x`.
        assigned: values in the place of those that the blocks assign literally.

    Raises:
        AssertionError: the shell ended with an error; the message has its output.
    """
    bin_folder = _make_shims(folder)
    (folder / SECRET).write_text("the new value")
    notes = folder / "notes"
    notes.touch()
    script = "\n".join(f"export STEP={each.step}\n{assign(each.script, assigned or {})}" for each in blocks)
    path = os.pathsep.join([str(bin_folder), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        ["bash", "-u", "-c", script],  # noqa: S607  # the shell of whoever follows the document
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "NOTES": str(notes), "STEP": "0", "ANSWERS": json.dumps(dict(answers)),
             "CONFIGSVC_URL": "https://config.example.com", "AWS_REGION": "eu-west-1", "EDITOR": "true"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "unbound variable" not in done.stderr, done.stderr
    assert "command not found" not in done.stderr, done.stderr
    calls = [json.loads(line) for line in notes.read_text().splitlines()]
    return [Call(step, tuple(words), given) for step, words, given in calls]


def assign(script: str, assigned: Mapping[str, str]) -> str:
    """The script with other values in its literal assignments (`NAME=example`, at the beginning of a line)."""
    lines = []
    for line in script.splitlines():
        name, equals, value = line.partition("=")
        known = equals and name in assigned and not value.startswith("$(")
        lines.append(f"{name}={assigned[name]}" if known else line)
    return "\n".join(lines)


def _make_shims(folder: Path) -> Path:
    made = folder / "bin"
    made.mkdir()
    (folder / ".venv" / "bin").mkdir(parents=True)
    for path in (*(made / each for each in PROGRAMS), folder / ".venv" / "bin" / "python"):
        path.write_text(_SHIM.format(python=sys.executable))
        path.chmod(0o755)
    return made
