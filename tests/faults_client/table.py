"""Writes docs/FAULTS.md: faults found, reports tried, and the names of the tests here. `make fault-docs` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.attacks import found
from tests.reports import reports

ROWS = {
    1: "API refuses connections, warm",
    2: "API refuses, cold, no fallback file",
    3: "API refuses, cold, fallback file",
    4: "black hole",
    5: "one byte at a time",
    6: "cut off, reset, wrong length",
    7: "bit flip, gzip bomb, 100 MB",
    8: "429 with Retry-After",
    9: "5xx, 30 %",
    10: "403, API key rotated",
    11: "304 of something older, revision goes back",
    12: "revision changes meanwhile",
    13: "one of 1,000 entries does not open",
    14: "unknown form or algorithm, downgrade",
    15: "KMS down, warm, same data key",
    16: "KMS down, warm, new data key",
    17: "KMS down, cold",
    18: "KMS throttles 50 %",
    19: "KMS denies",
    20: "100 threads at expiry",
    21: "freeze and thaw",
    22: "clocks jump",
    23: "fork",
    24: "dead kept connection",
    25: "500 clones of one state",
    26: "fallback file not right",
    27: "fallback file replaced meanwhile",
    28: "callback raises or blocks",
    29: "100,000 refreshes",
    30: "killed in a refresh",
    31: "link slower than the deadline",
    32: "name moved to other servers",
    33: "address that is slow or broken",
    34: "close in a signal handler",
    35: "time limit strikes a refresh",
    36: "no thread can start",
    37: "overdue, little time left",
    38: "wall clock set back",
    39: "frozen amid a refresh",
    40: "cold herd, Lambda throttles",
    41: "two API keys in a rotation",
    42: "fork with a background thread",
    43: "event loop, refresh hangs",
    44: "sockets patched by gevent",
    45: "408 on an idle connection",
    46: "handler that is a coroutine or generator",
    47: "package that is a zip",
    48: "KMS key of another region",
    49: "publication amid a walk",
    50: "JSON value written by C code",
    51: "outage that nobody sees",
    52: "gzip in another spelling",
    53: "conversion that changes a value",
}
DOCUMENT = Path(__file__).parents[2] / "docs" / "FAULTS.md"
_ROW = re.compile(r"::test_([0-9]{2})_(\w+)")


def collected(paths: Sequence[Path] = (Path(__file__).parent,)) -> list[str]:
    """The names of the tests in there that `make test-all` runs, one for each case, as pytest finds them."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not long", *map(str, paths)],
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        cwd=DOCUMENT.parents[1], capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "::" in line]


def promises(tests: Iterable[str]) -> dict[int, Counter[str]]:
    """For each row its promises, and how many cases each has."""
    found: dict[int, Counter[str]] = {number: Counter() for number in ROWS}
    for name in tests:
        if row := _ROW.search(name):
            found[int(row[1])][row[2].replace("_", " ")] += 1
    return found


def document(tests: Iterable[str]) -> str:
    """The table, each row with its promises and how many cases hold each."""
    lines = [
        "# Faults",
        "",
        "Three tables: faults that were found, public reports that were tried, and faults that were foreseen.",
        "`make fault-docs` writes this file: do not edit it.",
        "",
        *found.rendered(found.FOUND),
        "",
        *reports.rendered(reports.REPORTS),
        "",
        "## Foreseen: where config is read",
        "",
        "What can go wrong, and what is promised then. Each line is a test in `tests/faults_client`, with its number",
        "of cases; `make test-all` runs them all.",
        "",
        "| # | fault | what holds | cases |",
        "|---|---|---|---|",
    ]
    for number, counted in promises(tests).items():
        for at, (promise, cases) in enumerate(sorted(counted.items())):
            head = f"{number} | {ROWS[number]}" if at == 0 else " | "
            lines.append(f"| {head} | {promise} | {cases} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes."""
    DOCUMENT.write_text(document(collected()), encoding="utf-8")


if __name__ == "__main__":
    main()
