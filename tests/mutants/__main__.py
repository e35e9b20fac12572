"""Changes the core one small step at a time, and shows which changes no test finds. `make mutants` runs it.

Exit 1: a survivor that `explained.toml` does not explain, an explanation without one, too few killed, or too many
explained.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants import mutant, report, trial
from tests.mutants.core import CORE
from tests.mutants.mutant import Mutant
from tests.mutants.report import Result
from tests.mutants.session import BUILD, Outcome, Seen, Session, chosen, in_turn, seconds_for

GENERATOR = (".venvs/mutants/bin/python", "tests/mutants/mutations.py")
_ALL = 7200.0
_OURS = ("bench", "configsvc", "configsvc_client", "conftest", "infra", "local", "tests")


def main(paths: Sequence[str]) -> int:
    """All modules of the core, or those that are named: the report of all goes into docs/MUTANTS.md."""
    BUILD.mkdir(parents=True, exist_ok=True)
    results = [_of(path) for path in paths or CORE]
    if not paths:
        report.write(results)
    faults = report.faults(results)
    print(*faults, sep="\n", flush=True)
    return bool(faults)


def _of(path: str) -> Result:
    began = time.monotonic()
    mutants = _mutants(path)
    outcomes = [*_within_functions(path, mutants)]
    again = {number for number, mutant in enumerate(mutants) if not mutant.scope}
    again |= {number for number, status, _ in outcomes if status == trial.UNPLANTED}
    outcomes = [each for each in outcomes if each[0] not in again] + [*_outside(path, mutants, sorted(again))]
    if any(status == trial.BROKEN for _, status, _ in outcomes):
        raise SystemExit(f"A run of the tests of {path} broke; see {BUILD}.")
    survived = tuple(mutants[number] for number, status, _ in sorted(outcomes) if not status)
    used = sum(used for *_, used in outcomes)
    print(f"{path}: {len(mutants)} mutants, {len(survived)} survived, {used:.0f} s of CPU", flush=True)
    return Result(path, len(mutants), survived, used, time.monotonic() - began)


def _mutants(path: str) -> list[Mutant]:
    made = subprocess.run([*GENERATOR, path], check=True, capture_output=True, text=True)
    return [mutant.read(line) for line in made.stdout.splitlines()]


def _within_functions(path: str, mutants: Sequence[Mutant]) -> Iterator[Outcome]:
    files = sorted({str(file) for pattern in CORE[path] for file in Path().glob(pattern)})
    output = _output(path)
    session = Session(path, mutants, output)
    work = trial.forked(lambda: trial.run(files, session), output.with_suffix(".log"), time.monotonic() + _ALL)
    for _, status, _ in in_turn([0], lambda *_: work):
        if status:
            raise SystemExit(f"The tests of {path} fail without any change; see {BUILD}/observed.")
    yield from (tuple(json.loads(line)) for line in output.read_text().splitlines())


def _output(path: str) -> Path:
    return BUILD / f"{trial.module_of(path)}.jsonl"


def _outside(path: str, mutants: Sequence[Mutant], numbers: Sequence[int]) -> Iterator[Outcome]:
    """Those that take an import of their own."""
    seen = json.loads(_output(path).with_suffix(".seen").read_text())
    for module in seen["modules"]:
        if module.partition(".")[0] not in _OURS:
            with contextlib.suppress(Exception):
                importlib.import_module(module)
    tests = {name: Seen(*each) for name, each in seen["tests"].items()}

    def begin(number: int, log: Path) -> trial.Running:
        names = chosen(mutants[number], tests)
        until = time.monotonic() + seconds_for(names, tests)
        return trial.forked(lambda: trial.run_imported(path, mutants[number].source, names), log, until)

    return in_turn(numbers, begin)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
