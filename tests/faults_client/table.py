"""Writes docs/FAULTS.md: runs the rows of the fault table that are the client's, and tells what became of each.

.venv/bin/python -m tests.faults_client.table
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

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
}
_ROW = re.compile(r"::test_([0-9]{2})_(\w+)")
_DOCUMENT = Path(__file__).parents[2] / "docs" / "FAULTS.md"


class Results:
    """A pytest plugin that collects which promise of which row held."""

    def __init__(self) -> None:
        self.promises: dict[int, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        row = _ROW.search(report.nodeid)
        if row and (report.when == "call" or report.failed):
            self.promises[int(row[1])][row[2].replace("_", " ")].append(report.passed)


def document(results: Results) -> str:
    """The table, each row with its promises, how many cases of each ran, and whether all held."""
    lines = [
        "# The fault table, client side",
        "",
        "What can go wrong where config is read, and what was promised for it. Each line is a test in",
        "`tests/faults_client`; this file is written by `python -m tests.faults_client.table`.",
        "",
        "| # | fault | what holds | cases | |",
        "|---|---|---|---|---|",
    ]
    for number, fault in ROWS.items():
        promises = results.promises[number] or {"no test": [False]}
        for at, (promise, passed) in enumerate(sorted(promises.items())):
            head = f"{number} | {fault}" if at == 0 else " | "
            lines.append(f"| {head} | {promise} | {len(passed)} | {'holds' if all(passed) else '**fails**'} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Runs, writes, and ends with pytest's code."""
    results = Results()
    code = pytest.main(["-q", "-p", "no:randomly", str(Path(__file__).parent)], [results])
    _DOCUMENT.write_text(document(results))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
