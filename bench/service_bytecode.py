"""The time that bytecode saves at a cold start: `python -m bench.service_bytecode [ROUNDS]`.

The real zip with and without its compiled files, for the local interpreter: import to first read, in fresh processes
that may not write bytecode, as on Lambda's read-only file system.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from bench.measure import interleave
from bench.service_init import first_read, stub, variables
from bench.stub_dynamodb import serve
from infra.packaging.platforms import find_local
from infra.packaging.service_zip import package
from local.paths import ROOT

_ROUNDS = 20


def main() -> None:
    """Half a minute."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else _ROUNDS
    with tempfile.TemporaryDirectory(prefix="configsvc-bench-") as scratch, serve(stub()) as url:
        built = package(ROOT, Path(scratch) / "built", find_local())
        sides = {name: _side(built.zip, Path(scratch) / name, url) for name in ("compiled", "sources")}
        times = interleave(sides, rounds)
    compiled, sources = times.median("compiled"), times.median("sources")
    found = f"{1000 * compiled:.0f} ms with bytecode, {1000 * sources:.0f} ms without"
    print(f"{find_local()}: {found}; {times.ratio('sources', 'compiled'):.2f} times")


def _side(packed: Path, folder: Path, url: str) -> Callable[[], float]:
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    if folder.name == "sources":
        for path in folder.rglob("*.pyc"):
            path.unlink()
    environ = {**variables(folder, url), "PYTHONDONTWRITEBYTECODE": "1"}
    return lambda: first_read(folder, "app", environ)


if __name__ == "__main__":
    main()
