"""Compiled code in a zip is whole, of the runtime's Python, and the same whatever the process that makes it."""

import importlib.util
import sys
from pathlib import Path

import pytest

from infra.packaging import bytecode
from infra.packaging.bytecode import CompilingError
from infra.packaging.interpreters import Interpreter

OURS = Interpreter(Path(sys.executable), sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER)

FILES = {
    "app.py": b"import a.b\nNAMES = {'x', 'y', 'z'}\n",
    "a/b.py": b"def f():\n    return 1 in {1, 2, 3}\n",
    "a/d.json": b"{}",
}


def test_each_source_gets_its_compiled_form_and_stays() -> None:
    tag = sys.implementation.cache_tag
    made = bytecode.compile_files(FILES, OURS)
    assert made.keys() - FILES.keys() == {f"__pycache__/app.{tag}.pyc", f"a/__pycache__/b.{tag}.pyc"}
    assert FILES.items() <= made.items()
    assert bytecode.faults(made, OURS) == []


def test_it_is_the_same_again_and_tells_lambdas_path_only() -> None:
    made = bytecode.compile_files(FILES, OURS)
    assert bytecode.compile_files(FILES, OURS) == made
    assert b"/var/task/a/b.py" in made[bytecode.pyc("a/b.py", OURS.cache_tag)]


def test_a_source_that_is_no_python_is_an_error_that_names_it() -> None:
    with pytest.raises(CompilingError, match=r"a/b\.py"):
        bytecode.compile_files({"a/b.py": b"def ("}, OURS)


def test_what_would_be_compiled_again_is_noticed() -> None:
    made = bytecode.compile_files(FILES, OURS)
    name = bytecode.pyc("app.py", OURS.cache_tag)
    timed = made | {name: made[name][:4] + bytes(4) + made[name][8:]}
    assert bytecode.faults(timed, OURS) == [f"{name} would be compiled again"]


def test_a_missing_and_a_left_over_one_are_noticed() -> None:
    made = bytecode.compile_files(FILES, OURS)
    name, stale = bytecode.pyc("app.py", OURS.cache_tag), "a/__pycache__/gone.cpython-310.pyc"
    wrong = {each: content for each, content in made.items() if each != name} | {
        stale: OURS.magic + bytes([1, 0, 0, 0])
    }
    assert bytecode.faults(wrong, OURS) == [f"{name} is missing", f"{stale} does not belong here"]


def test_bytecode_of_another_version_is_noticed_because_python_ignores_it() -> None:
    made = bytecode.compile_files(FILES, OURS)
    later = OURS._replace(magic=(int.from_bytes(OURS.magic[:2], "little") + 1).to_bytes(2, "little") + OURS.magic[2:])
    names = [bytecode.pyc(name, OURS.cache_tag) for name in ("app.py", "a/b.py")]
    assert bytecode.faults(made, later) == [f"{name} would be compiled again" for name in names]


def test_bytecode_of_the_packagers_version_does_not_belong_into_the_zip_of_another() -> None:
    made = bytecode.compile_files(FILES, OURS)
    found = bytecode.faults(made, OURS._replace(cache_tag="cpython-399"))
    assert f"{bytecode.pyc('app.py', OURS.cache_tag)} does not belong here" in found


def test_without_an_interpreter_there_is_no_bytecode() -> None:
    assert bytecode.compile_files(FILES, None) == FILES
    assert bytecode.faults(FILES, None) == []
    name = bytecode.pyc("app.py", OURS.cache_tag)
    assert bytecode.faults(FILES | {name: OURS.magic}, None) == [f"{name} does not belong here"]


def test_a_version_manager_keeps_the_variable_that_chooses_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its command works when it is asked, so it must work when it compiles. Python's variables do not get through."""
    shim = tmp_path / "python3.99"
    shim.write_text(f'#!/bin/sh\n[ "$PYENV_VERSION" = 3.99.1 ] || exit 127\nexec {sys.executable} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PYENV_VERSION", "3.99.1")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "elsewhere"))
    assert bytecode.compile_files(FILES, OURS._replace(path=shim)) == bytecode.compile_files(FILES, OURS)
    assert bytecode.faults(bytecode.compile_files(FILES, OURS), OURS) == []
