"""User code under type checkers: the types hold under mypy and pyright, and a mistake is an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = ("sample_user_code.py", "sample_admin_code.py")
ROOT = Path(__file__).parents[2]
PYRIGHT = """
[tool.basedpyright]
typeCheckingMode = "strict"
reportUnnecessaryTypeIgnoreComment = "error"
reportUnusedFunction = false
reportUnusedExpression = false
"""


def _check(*command: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _sample(name: str, folder: Path, change: tuple[str, str] = ("", "")) -> str:
    text = (ROOT / "tests" / "client" / name).read_text()
    (folder / "user.py").write_text(text.replace(*change) if change[0] else text)
    (folder / "pyproject.toml").write_text(PYRIGHT)
    return "user.py"


def _mypy(folder: Path, name: str) -> str:
    cache = ROOT / ".mypy_cache" / "samples"
    return _check("mypy", "--strict", "--warn-unused-ignores", "--cache-dir", str(cache), name, folder=folder)


def _pyright(folder: Path, name: str) -> str:
    return _check("basedpyright", "--pythonpath", sys.executable, name, folder=folder)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.timeout(300)
def test_user_code_type_checks_with_mypy(name: str, tmp_path: Path) -> None:
    assert not _mypy(tmp_path, _sample(name, tmp_path))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.timeout(300)
def test_user_code_type_checks_with_pyright(name: str, tmp_path: Path) -> None:
    assert not _pyright(tmp_path, _sample(name, tmp_path))


@pytest.mark.timeout(300)
def test_both_checkers_report_each_mistake_in_user_code(tmp_path: Path) -> None:
    name = _sample("sample_user_code.py", tmp_path, ("  # type: ignore", ""))
    text = (ROOT / "tests" / "client" / "sample_user_code.py").read_text()
    mistakes = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# type: ignore")]
    reports = _mypy(tmp_path, name), _pyright(tmp_path, name)
    assert mistakes
    assert [(report, line) for report in reports for line in mistakes if f"user.py:{line}:" not in report] == []
