"""A module that is a program defines everything before it runs."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LISTED = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
PROGRAMS = [name for name in _LISTED.stdout.split() if '\nif __name__ == "__main__":' in (ROOT / name).read_text()]


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_follows_the_main_guard(name: str) -> None:
    last = ast.parse((ROOT / name).read_text()).body[-1]
    assert isinstance(last, ast.If), f"{last.lineno}: not defined yet when the program runs"
