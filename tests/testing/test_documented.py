"""Every block of Python in docs/TESTING.md, run as a person would: each is a test file, or the file it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "TESTING.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_each_block_passes_where_nothing_but_pytest_and_configsvc_is_set_up(tmp_path: Path) -> None:
    for number, block in enumerate(BLOCKS):
        named = re.match(r"# (\w+\.py)\n", block)
        (tmp_path / (named[1] if named else f"test_block_{number}.py")).write_text(block)
    promised = sum(len(re.findall(r"^def test_", block, re.MULTILINE)) for block in BLOCKS)
    done = _pytest(tmp_path)
    assert f"{promised} passed" in done.stdout, done.stdout + done.stderr
    assert promised >= len(BLOCKS)


@pytest.mark.slow
def test_a_promise_that_does_not_hold_fails(tmp_path: Path) -> None:
    """That the check can fail: the clock does not go on by itself."""
    (block,) = [each for each in BLOCKS if "a_change_arrives" in each]
    (tmp_path / "test_block.py").write_text(block.replace("advance(61)", "advance(1)"))
    assert "1 failed" in _pytest(tmp_path).stdout


def test_loading_the_plugin_imports_neither_cryptography_nor_anything_of_the_network() -> None:
    program = (
        "import pytest, sys; before = set(sys.modules); import configsvc_client._pytest;"
        "print(*sorted({'cryptography', 'httptools', 'pydantic', 'botocore'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "\n"


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_each_block_is_python(block: str) -> None:
    compile(block, str(PAGE), "exec")


def _pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    plugins = ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:schemathesis", "-p", "no:anyio"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, "-c", os.devnull, f"--rootdir={folder}", str(folder)],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
