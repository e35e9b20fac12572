"""The interpreter that compiles is of the runtime's version, released, and answers."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from infra.packaging.interpreters import find_interpreter

HERE = "{}.{}".format(*sys.version_info)
NOWHERE = Path("/nonexistent/python")
SAID = {
    "implementation": "cpython", "release": "final", "version": "3.99", "cache_tag": "cpython-399", "magic": "99990d0a",
}  # fmt: skip


def put(folder: Path, said: str, name: str = "python3.99", status: int = 0) -> Path:
    """A program that answers as an interpreter would."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {status}\n")
    program.chmod(0o755)
    return program


def test_the_one_that_runs_this_is_taken_for_its_own_version() -> None:
    found = find_interpreter(HERE, "")
    assert found == (Path(sys.executable), sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER)


def test_the_one_that_runs_this_is_not_taken_for_another_version() -> None:
    assert find_interpreter("3.99", "") is None


def test_an_interpreter_of_the_version_is_found_on_the_path_and_asked(tmp_path: Path) -> None:
    program = put(tmp_path / "bin", json.dumps(SAID))
    found = find_interpreter("3.99", f"/nonexistent::{tmp_path / 'bin'}")
    assert found == (program, "cpython-399", b"\x99\x99\x0d\x0a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"release": "alpha"},  # other magic numbers than the released version's
        {"release": "candidate"},
        {"implementation": "pypy"},
        {"version": "3.98"},
    ],
    ids=str,
)
def test_another_implementation_version_or_prerelease_is_passed_over(tmp_path: Path, wrong: dict[str, str]) -> None:
    put(tmp_path / "a", json.dumps(SAID | wrong))
    put(tmp_path / "b", json.dumps(SAID))
    assert find_interpreter("3.99", str(tmp_path / "a")) is None
    found = find_interpreter("3.99", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert found
    assert found.path.parent == tmp_path / "b"


@pytest.mark.parametrize(
    ("said", "status"), [("pyenv: python3.99: command not found", 127), ("not JSON", 0), ("[]", 0)]
)
def test_a_program_that_does_not_answer_is_passed_over(tmp_path: Path, said: str, status: int) -> None:
    """A version manager puts one on the PATH for versions that are not active."""
    put(tmp_path / "a", said, status=status)
    put(tmp_path / "b", json.dumps(SAID))
    found = find_interpreter("3.99", f"{tmp_path / 'a'}:{tmp_path / 'b'}", NOWHERE)
    assert found
    assert found.path.parent == tmp_path / "b"
