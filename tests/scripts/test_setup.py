"""The Makefile sets up environments behind one line each, and explains a PYTHON that it cannot use."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.paths import ROOT

_PYTHON = """#!/bin/sh
case "$1 $2" in
    "-c "*) echo "3.12.1 True" ;;
    "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip") echo "noise of pip" && cp uv .venvs/uv/bin/uv ;;
esac
"""
_UV = """#!/bin/sh
mkdir -p "$UV_PROJECT_ENVIRONMENT"
echo "noise of uv"
env | grep "=of-the-company$"
exit "${UV_EXIT_CODE:-0}"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree that has only what setting up needs, with an interpreter and a uv that install nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).touch()
    _program(tmp_path / "good python", _PYTHON)
    _program(tmp_path / "uv", _UV)
    return tmp_path


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _make(tree: Path, target: str, python: str, **environ: str) -> subprocess.CompletedProcess[str]:
    held = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    return subprocess.run(
        ["make", target, f"PYTHON={python}"],  # noqa: S607  # make from the PATH, as people call it
        cwd=tree, env=held | environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_each_environment_takes_one_line(tree: Path) -> None:
    done = _make(tree, ".venvs/runtime/.ready", str(tree / "good python"))

    assert done.returncode == 0, done
    uv, runtime = done.stdout.splitlines()
    assert uv.startswith("Setting up uv, which installs everything else (a few seconds) … ")
    assert runtime.startswith("Setting up .venvs/runtime, the packages of the Lambda image (a few seconds) … ")
    assert done.stderr == ""


def test_an_environment_is_set_up_once(tree: Path) -> None:
    for _ in range(2):
        done = _make(tree, ".venv/.ready", str(tree / "good python"))

    assert "Setting up" not in done.stdout


@pytest.mark.parametrize("name", ["PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PYTHONOPTIMIZE", "UV_NO_BINARY"])
def test_a_variable_that_puts_environments_elsewhere_or_changes_them_has_no_effect(tree: Path, name: str) -> None:
    variables = {name: "of-the-company", "UV_CACHE_DIR": "of-the-company", "UV_EXIT_CODE": "1"}
    done = _make(tree, ".venvs/runtime/.ready", str(tree / "good python"), **variables)
    assert "UV_CACHE_DIR=of-the-company" in done.stdout + done.stderr
    assert f"{name}=of-the-company" not in done.stdout + done.stderr


def test_a_failing_installer_shows_its_output_and_what_to_check(tree: Path) -> None:
    done = _make(tree, ".venv/.ready", str(tree / "good python"), UV_EXIT_CODE="7")

    assert done.returncode == 2
    assert "  noise of uv\n" in done.stderr
    assert "noise of pip" not in done.stderr  # pip did not fail
    assert "Could not set up .venv: the installer exited with 7" in done.stderr
    assert not (tree / ".venv/.ready").exists()


def test_after_a_failed_install_the_next_make_tries_again(tree: Path) -> None:
    _make(tree, ".venv/.ready", str(tree / "good python"), UV_EXIT_CODE="7")

    assert _make(tree, ".venv/.ready", str(tree / "good python")).returncode == 0


@pytest.mark.parametrize("target", [".venv/.ready", "reset"])
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (None, "there is no program named "),
        ('echo "3.9.2 False"', " is Python 3.9.2.\n"),
        ("echo broken pyvenv.cfg >&2; exit 106", " does not run: it ended with exit code 106.\n  broken pyvenv.cfg\n"),
        ("exit 1", " does not run: it ended with exit code 1.\n"),
        ("echo hello", " does not run Python code. It printed:\n  hello\n"),
    ],
    ids=["no such program", "older", "fails with a message", "fails silently", "not a Python"],
)
def test_a_python_that_cannot_be_used_is_explained(tree: Path, target: str, script: str | None, why: str) -> None:
    python = tree / "python3"
    if script:
        _program(python, f"#!/bin/sh\n{script}\n")

    done = _make(tree, target, str(python))

    assert done.returncode == 2
    assert done.stdout == ""
    assert why in done.stderr
    assert f"make PYTHON=python3.11 {target}" in done.stderr or "Install Python 3.11 or newer" in done.stderr


def test_another_interpreter_on_the_path_is_suggested(tree: Path) -> None:
    _program(tree / "python3.14", "#!/bin/sh\n")

    done = _make(tree, "reset", "no-such-python", PATH=f"{tree}:/usr/bin:/bin")

    assert "python3.14 is on your PATH. Run: make PYTHON=python3.14 reset" in done.stderr
