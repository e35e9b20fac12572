"""Writes docs/FAULTS.md: faults found, reports tried, and the names of the tests here. `make fault-docs` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from local.paths import ROOT
from tests.attacks import found
from tests.reports import reports

READING = {
    "01": "API refuses connections, warm",
    "02": "API refuses, cold, no fallback file",
    "03": "API refuses, cold, fallback file",
    "04": "black hole",
    "05": "one byte at a time",
    "06": "cut off, reset, wrong length",
    "07": "bit flip, gzip bomb, 100 MB",
    "08": "429 with Retry-After",
    "09": "5xx, 30 %",
    "10": "403, API key rotated",
    "11": "304 of something older, revision goes back",
    "12": "revision changes during the load",
    "13": "one of 1,000 entries does not open",
    "14": "unknown form or algorithm, downgrade",
    "15": "KMS down, warm, same data key",
    "16": "KMS down, warm, new data key",
    "17": "KMS down, cold",
    "18": "KMS throttles 50 %",
    "19": "KMS denies",
    "20": "100 threads at expiry",
    "21": "freeze and thaw",
    "22": "clocks jump",
    "23": "fork",
    "24": "dead kept connection",
    "25": "500 clones of one state",
    "26": "fallback file damaged or foreign",
    "27": "fallback file replaced during a load",
    "28": "callback raises or blocks",
    "29": "100,000 refreshes",
    "30": "killed in a refresh",
    "31": "link slower than the deadline",
    "32": "name moved to other servers",
    "33": "address that is slow or broken",
    "34": "read or close in a signal handler",
    "35": "time limit strikes a refresh",
    "36": "no thread can start",
    "37": "overdue, little time left",
    "38": "wall clock set back",
    "39": "frozen during a refresh",
    "40": "cold herd, Lambda throttles",
    "41": "two API keys in a rotation",
    "42": "fork with a background thread",
    "43": "event loop, refresh hangs",
    "44": "sockets patched by gevent",
    "45": "408 on an idle connection",
    "46": "handler that is a coroutine or generator",
    "47": "package that is a zip",
    "48": "KMS key of another region",
    "49": "publication during a walk",
    "50": "JSON value written by C code",
    "51": "outage that nobody notices",
    "52": "gzip in another spelling",
    "53": "conversion that changes a value",
}
SERVING = {
    "s31": "DynamoDB throttles a read",
    "s32": "DynamoDB throttles a write, or transactions conflict",
    "s33": "write committed, answer lost",
    "s34": "request repeated after DynamoDB's ten minutes",
    "s35": "killed between any two calls",
    "s36": "two writers with the same base",
    "s37": "a write that would make a namespace unreadable",
    "s38": "malformed request body",
    "s39": "table missing or denied",
    "s40": "partial batch, pages",
    "s41": "stale read",
    "s42": "wall clock an hour off",
    "s43": "2,000 cold clients at once",
    "s44": "change-log record cannot be written",
    "s45": "Ctrl-C or kill in a batch of 500",
    "s46": "KMS works, the API is down",
    "s47": "rotation during writes",
    "s48": "rotation killed halfway",
    "s49": "text outside ASCII on python3.11",
    "s50": "Lambda's limits",
    "s51": "DynamoDB is silent, slow or cuts an answer off",
    "s52": "a commit collides with itself",
    "s53": "cold snapshot during writes",
    "s54": "many writers of one namespace",
    "s55": "malformed event",
    "s56": "body in another encoding",
    "s57": "5,000 deleted keys",
    "s58": "a long change log",
    "s59": "kills and lost answers over HTTP",
    "s60": "skewed clocks, late commits, rotations",
}
ROWS = READING | SERVING
SOURCES = (
    ROOT / "tests/faults_client",
    ROOT / "tests/faults",
    ROOT / "tests/adapters/test_dynamo_calls.py",
    ROOT / "tests/adapters/test_dynamo_wire.py",
    ROOT / "tests/admin/data_keys/test_rotation.py",
    ROOT / "tests/cli/run/test_interrupted.py",
    ROOT / "tests/cli/values/test_lost_answers.py",
    ROOT / "tests/cli/output/test_secrecy.py",
    ROOT / "tests/complete/test_runtimes.py",
    ROOT / "tests/contention/test_contention.py",
    ROOT / "tests/contention/test_snapshot_beside_writers.py",
    ROOT / "tests/local/runtime/test_function.py",
    ROOT / "tests/service/engine/test_answer_sizes.py",
    ROOT / "tests/service/engine/test_clocks.py",
    ROOT / "tests/service/verbs/test_deleted_keys.py",
    ROOT / "tests/service/engine/test_growth.py",
    ROOT / "tests/service/engine/test_preconditions.py",
    ROOT / "tests/simulation/test_simulation.py",
    ROOT / "tests/storms/test_in_process.py",
    ROOT / "tests/storms/test_planted.py",
    ROOT / "tests/storms/test_storms.py",
    ROOT / "tests/web/test_body.py",
    ROOT / "tests/web/test_health.py",
    ROOT / "tests/web/test_malformed.py",
)
DOCUMENT = ROOT / "docs/FAULTS.md"
_ROW = re.compile(r"::test_(s?[0-9]{2})_(\w+)")


def collect_tests(paths: Sequence[Path] = SOURCES) -> list[str]:
    """Return the names of the tests in there that `make test-all` runs, one for each case, as pytest finds them."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not long", *map(str, paths)],
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        cwd=DOCUMENT.parents[1], capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "::" in line]


def count_promises(tests: Iterable[str]) -> dict[str, Counter[str]]:
    """Count the cases of each promise of each row."""
    counted: dict[str, Counter[str]] = {number: Counter() for number in ROWS}
    for name in tests:
        if row := _ROW.search(name):
            counted[row[1]][row[2].replace("_", " ")] += 1
    return counted


def render(tests: Iterable[str]) -> str:
    """Return the document: each row with its promises and the number of their cases."""
    counted = count_promises(tests)
    lines = [
        "# Faults",
        "",
        "Four tables: faults that were found, public reports that were tried, and expected faults, where",
        "config is read and where it is served and written. `make fault-docs` writes this file: do not edit it.",
        "",
        *found.render(found.FOUND),
        "",
        *reports.rendered(reports.REPORTS),
        "",
        "## Expected: where config is read",
        "",
        "What can go wrong, and what is promised then. Each line is a test in `tests/faults_client`, with its number",
        "of cases; `make test-all` runs them all.",
        "",
        *_table(READING, counted),
        "",
        "## Expected: where config is served and written",
        "",
        "The same for the service, its table and the command line. Each line is a test whose name begins with the",
        "number of its row.",
        "",
        *_table(SERVING, counted),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Mapping[str, str], counted: Mapping[str, Counter[str]]) -> Iterator[str]:
    yield "| # | fault | promise | cases |"
    yield "|---|---|---|---|"
    for number, fault in rows.items():
        for at, (promise, cases) in enumerate(sorted(counted[number].items())):
            head = f"{number.removeprefix('0')} | {fault}" if at == 0 else " | "
            yield f"| {head} | {promise} | {cases} |"


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(render(collect_tests()), encoding="utf-8")


if __name__ == "__main__":
    main()
