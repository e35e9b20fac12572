"""Compiled code in a zip is whole, of this Python, and the same whatever the process that makes it."""

import sys

import pytest

from infra.packaging import bytecode
from infra.packaging.bytecode import CompilingError

FILES = {
    "app.py": b"import a.b\nNAMES = {'x', 'y', 'z'}\n",
    "a/b.py": b"def f():\n    return 1 in {1, 2, 3}\n",
    "a/d.json": b"{}",
}


def test_each_source_gets_its_compiled_form_and_stays() -> None:
    tag = sys.implementation.cache_tag
    made = bytecode.compile_files(FILES)
    assert made.keys() - FILES.keys() == {f"__pycache__/app.{tag}.pyc", f"a/__pycache__/b.{tag}.pyc"}
    assert FILES.items() <= made.items()
    assert bytecode.faults(made) == []


def test_it_is_the_same_again_and_tells_lambdas_path_only() -> None:
    made = bytecode.compile_files(FILES)
    assert bytecode.compile_files(FILES) == made
    assert b"/var/task/a/b.py" in made[bytecode.pyc("a/b.py")]


def test_a_source_that_is_no_python_is_an_error_that_names_it() -> None:
    with pytest.raises(CompilingError, match=r"a/b\.py"):
        bytecode.compile_files({"a/b.py": b"def ("})


def test_what_would_be_compiled_again_is_noticed() -> None:
    made = bytecode.compile_files(FILES)
    name = bytecode.pyc("app.py")
    timed = made | {name: made[name][:4] + bytes(4) + made[name][8:]}
    assert bytecode.faults(timed) == [f"{name} would be compiled again"]


def test_a_missing_and_a_left_over_one_are_noticed() -> None:
    made = bytecode.compile_files(FILES)
    name, stale = bytecode.pyc("app.py"), "a/__pycache__/gone.cpython-310.pyc"
    wrong = {each: content for each, content in made.items() if each != name} | {stale: bytecode.HEADER}
    assert bytecode.faults(wrong) == [f"{name} is missing", f"{stale} does not belong here"]
