"""The table of faults names tests that exist."""

from __future__ import annotations

import ast

import pytest

from tests.attacks.found import FOUND, ROOT, Fault


def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("fault", FOUND, ids=lambda fault: fault.kind)
def test_every_fault_names_tests_that_exist(fault: Fault) -> None:
    assert fault.tests
    for test in fault.tests:
        path, _, function = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert not function or function in _functions(path), test


@pytest.mark.parametrize("fault", FOUND, ids=lambda fault: fault.kind)
def test_every_fault_is_told_in_one_row(fault: Fault) -> None:
    assert not any("|" in text or "\n" in text for text in (fault.kind, fault.fixed))
