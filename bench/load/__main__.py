"""`make load`: the whole run, told and written into the docs; exit 1 when a promise is broken."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.load.plan import FULL
from bench.load.promises import promises
from bench.load.report import told, write
from bench.load.run import run
from infra.package import package
from local.paths import ROOT


def main() -> int:
    """About three minutes."""
    with tempfile.TemporaryDirectory(prefix="configsvc-load-") as scratch:
        built = package(ROOT, Path(scratch) / "built")
        print(f"Load for {FULL.seconds} s ...", flush=True)
        result = run(FULL, built, Path(scratch))
    print(told(result))
    for failure, times in result.seen.failures.items():
        print(f"{times} x {failure}")
    held = all(each.held for each in promises(result))
    if held:
        write(result)
    print("\nEvery promise was held." if held else "\nA promise was broken; nothing was written.")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
