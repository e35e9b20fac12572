"""`make load`: do both runs, print and document the results; exit 1 if a promise was broken."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from pathlib import Path

from bench.load.plan import FLAT_OUT, FULL, Plan
from bench.load.promises import promises
from bench.load.report import render_result, write
from bench.load.run import Result, run
from infra.packaging.platforms import find_local
from infra.packaging.service_zip import Package, package
from local.paths import ROOT

_OTHER_FILES = 512


def main() -> int:
    """Three minutes."""
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="configsvc-load-") as scratch:
        built = package(ROOT, Path(scratch) / "built", find_local())
        results = [_run(plan, built, Path(scratch) / name) for name, plan in (("full", FULL), ("flat", FLAT_OUT))]
    held = all(each.held for result in results for each in promises(result))
    if held:
        write(results, busy)
    print("\nEvery promise was kept." if held else "\nA promise was broken; nothing was written.")
    return int(not held)


def _run(plan: Plan, built: Package, scratch: Path) -> Result:
    _allow(plan.clients + _OTHER_FILES)
    scratch.mkdir()
    print(f"\n{plan.clients:,} consumers for {plan.seconds} s ...", flush=True)
    result = run(plan, built, scratch)
    print(render_result(result))
    for failure, times in result.seen.failures.items():
        print(f"{times} x {failure}")
    return result


def _allow(files: int) -> None:
    """The gateway holds a connection of each consumer; many systems begin with 256 or 1,024."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


if __name__ == "__main__":
    sys.exit(main())
