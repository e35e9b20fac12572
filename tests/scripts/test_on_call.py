"""`saved_query` of the runbooks says so when a query has no answer, or a part of it, in every shell that people use.

A fake AWS CLI answers as CloudWatch does then; tests/deployed has a deployed stack.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.cloudformation.queries import PLACEHOLDERS
from infra.paths import ROOT

SCRIPT = ROOT / "scripts" / "on-call.sh"
SHELLS = [pytest.param(shell, marks=pytest.mark.skipif(not shutil.which(shell), reason=f"no {shell}"))
          for shell in ("bash", "zsh")]  # fmt: skip
AWS = r"""#!/bin/sh
case "$*" in
  *describe-query-definitions*) printf 'group\tfilter status > 0\n| limit 2\n' ;;
  *start-query*) echo 1 ;;
  *length*) printf '%s\n' "$ANSWER" ;;
  *) printf 'a=["1"]\tb=["2"]\na=["x\\"]"]\n' ;;
esac
"""


def run(shell: str, folder: Path, answer: str, hours: str = "1") -> subprocess.CompletedProcess[str]:
    (folder / "aws").write_text(AWS)
    (folder / "aws").chmod(0o755)
    (folder / "sleep").symlink_to("/bin/true")
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return subprocess.run(
        [shell, "-c", f"STACK=s; . {SCRIPT}; saved_query errors"],
        env={"PATH": path, "ANSWER": answer, "HOURS": hours}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_rows_are_printed_with_quoted_values(shell: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, "Complete\t1")
    assert (done.returncode, done.stdout, done.stderr) == (0, 'a="1"\tb="2"\na="x\\"]"\n', "")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("state", ["Failed", "Timeout", "Cancelled", "Unknown"])
def test_a_query_without_an_answer_is_an_error(shell: str, state: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, f"{state}\t0")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"ended without an answer: {state}." in done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_a_part_of_the_rows_is_said_to_be_one(shell: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, "Complete\t2")
    assert (done.returncode, done.stdout.count("\n")) == (1, 2)
    assert "the first 2 rows only" in done.stderr


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("hours", ["a day", "-1", "1.5", "0", "08"])
def test_hours_must_be_a_number(shell: str, hours: str, tmp_path: Path) -> None:
    done = run(shell, tmp_path, "Complete\t1", hours)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"HOURS is not a number of hours: {hours}" in done.stderr


def test_the_function_knows_every_placeholder() -> None:
    lines = [line for line in SCRIPT.read_text().splitlines() if "fail" in line or "=*" in line]
    for word in PLACEHOLDERS:
        assert [line for line in lines if f"*{word}*)" in line or f"*{word}* |" in line], word
    assert set(re.findall(r"[A-Z_]+(?==\*)", SCRIPT.read_text())) == set(PLACEHOLDERS)
