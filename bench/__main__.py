"""`make bench`: compare everything side by side and write results.json; exit 1 if a gate was missed."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from bench import growth, report, service_init, service_profile, service_warm
from bench.cli import many, startup
from bench.client import cold, counts, masking, warm
from bench.client.ground import Ground, ground, versions
from bench.gates import Row, render_table, summarize_gates
from bench.measure import Sides
from local.paths import ROOT

RESULTS = Path(__file__).with_name("results.json")
_PACKAGES = ("boto3", "botocore", "chalice", "pydantic", "cachetools", "cryptography", "httptools")

Part = tuple[Callable[[int], tuple[list[Row], Sides]], int, int]
"""A part of the bench, and its number of rounds: in full, and with QUICK=1."""


def _measure_client(part: Callable[[Ground, int], tuple[list[Row], Sides]]) -> Callable[[int], tuple[list[Row], Sides]]:
    """Give a part of the client's a stub cloud that lives as long as it runs."""

    def run(rounds: int) -> tuple[list[Row], Sides]:
        with ground() as made:
            return part(made, rounds)

    return run


PARTS: dict[str, Part] = {
    "the client, counted": (_measure_client(counts.measure_counts), 1, 1),
    "the client, cold": (_measure_client(cold.measure_cold), 20, 8),
    "the client and the service, both cold": (_measure_client(cold.measure_both_cold), 20, 6),
    "the client, a thousand secrets": (_measure_client(cold.measure_thousand), 10, 2),
    "the client, reads": (_measure_client(warm.measure_reads), 20, 8),
    "the client, polls": (_measure_client(warm.measure_polls), 20, 8),
    "the client, opening": (_measure_client(warm.measure_opening), 10, 4),
    "the client, masking": (masking.measure_masking, 20, 8),
    "the command line, starting": (startup.measure_startup, 10, 5),
    "the command line, many secrets": (many.measure_many, 2, 1),
    "growth, powers of ten": (growth.measure_growth, 5, 3),
    "warm service": (service_warm.run, 40, 12),
    "init of the function": (service_init.run, 20, 8),
    "cold start of the function, in parts": (service_profile.run, 10, 4),
}


def main(chosen: list[str]) -> int:
    """Run every part and write the results; or, given words, run the parts named by one of them and write nothing."""
    quick = bool(os.environ.get("QUICK"))
    parts = {name: part for name, part in PARTS.items() if not chosen or any(word in name for word in chosen)}
    if not parts:
        print(f"No part has {' or '.join(chosen)} in its name. The parts are:", *PARTS, sep="\n  ", file=sys.stderr)
        return 2
    kept: dict[str, object] = {}
    results: list[tuple[str, list[Row]]] = []
    for name, (run, full, few) in parts.items():
        rounds = few if quick else full
        rows, sides = run(rounds)
        print(f"\n{name}, {rounds} rounds\n{render_table(rows)}", flush=True)
        results.append((name, rows))
        kept[name] = _raw(rounds, rows, sides)
    if not chosen:
        RESULTS.write_text(json.dumps(_describe_machine() | {"quick": quick, "parts": kept}, indent=1) + "\n")
        report.write(RESULTS)
    print(f"\n{summarize_gates(results)}")
    return int(not all(row.met for _, rows in results for row in rows))


def _raw(rounds: int, rows: list[Row], sides: Sides) -> dict[str, object]:
    return {
        "rounds": rounds,
        "rows": [row._asdict() | {"word": row.word} for row in rows],
        "median_seconds": {side: sides.median(side) for side in sides.seconds},
    }


def _describe_machine() -> dict[str, object]:
    commit = subprocess.run(  # fixed arguments
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607  # git from the PATH
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "commit": commit,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "peers": versions(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
