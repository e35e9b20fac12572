"""Tables that name tests: each name must be one of a test that exists."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def find_missing(tests: Iterable[str]) -> list[str]:
    """The names, of a file or of a test in it (`file.py::test_b`), of which no test exists."""
    return [test for test in tests if not _exists(*test.partition("::")[::2])]


def _exists(path: str, function: str) -> bool:
    return (ROOT / path).is_file() and (not function or function in _functions(path))


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
