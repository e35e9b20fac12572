"""The faults that attacks and daily use found, from found.toml: what each was, and which tests check the fix."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Fault(NamedTuple):
    """One kind of fault: what an attacker or user could do, what prevents it now, and the tests that check it."""

    kind: str
    fixed: str
    tests: tuple[str, ...]


def read(path: Path) -> list[Fault]:
    """Read the rows of the table, in their order."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    return [Fault(row["kind"], row["fixed"], tuple(row["tests"])) for row in rows]


FOUND = read(HERE / "found.toml")


def render(faults: Iterable[Fault]) -> list[str]:
    """Return the lines of the table in docs/FAULTS.md."""
    return [
        "## Found: by attack and in use",
        "",
        "Each row is a kind of fault that this project had, how it was fixed, and the tests that check the fix.",
        "",
        "| # | kind | fixed how | tests |",
        "|---|---|---|---|",
        *(_row(number, fault) for number, fault in enumerate(faults, 1)),
    ]


def _row(number: int, fault: Fault) -> str:
    tests = ", ".join(f"[{_name(test)}](../{test.partition('::')[0]})" for test in fault.tests)
    return f"| {number} | {fault.kind} | {fault.fixed} | {tests} |"


def _name(test: str) -> str:
    """The promise in a test's name, as words; a whole module is named by its file."""
    path, _, function = test.partition("::")
    return function.removeprefix("test_").replace("_", " ") if function else Path(path).name
