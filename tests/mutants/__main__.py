"""Changes the core in one small step at a time, and lists changes that no test finds. Run by `make mutants`.

Exit 1: too few killed, too many explained, an explanation without a survivor, or a module changed since its run.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.mutants import mutant, report, trial
from tests.mutants.core import CORE
from tests.mutants.mutant import Mutant
from tests.mutants.report import ModuleResult
from tests.mutants.session import BUILD, Outcome, SeenTest, Session, choose_tests, compute_timeout, run_in_turn

GENERATOR = (".venvs/mutants/bin/python", "tests/mutants/mutations.py")
_ALL = 7200.0
_OURS = ("bench", "configsvc", "configsvc_client", "conftest", "infra", "local", "tests")


def main(paths: Sequence[str]) -> int:
    """Tries all modules of the core, or those named. The others count with their last results."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for path in paths or CORE:
        report.keep_result(_try_module(path), BUILD)
    results = report.read_last_results(CORE, BUILD)
    report.write_document(results)
    faults = report.find_faults(results)
    print(*(f"Open: {each}" for each in report.list_unexplained(results)), *faults, sep="\n", flush=True)
    return bool(faults)


def _try_module(path: str) -> ModuleResult:
    digest = report.hash_module(path)
    mutants = _generate_mutants(path)
    outcomes = [*_run_within_functions(path, mutants)]
    again = {number for number, mutant in enumerate(mutants) if not mutant.scope}
    again |= {number for number, status, _ in outcomes if status == trial.UNPLANTED}
    outcomes = [each for each in outcomes if each[0] not in again] + [*_run_outside(path, mutants, sorted(again))]
    if any(status == trial.BROKEN for _, status, _ in outcomes):
        raise SystemExit(f"A run of the tests of {path} broke; see {BUILD}.")
    survived = tuple(mutants[number] for number, status, _ in sorted(outcomes) if not status)
    used = sum(used for *_, used in outcomes)
    print(f"{path}: {len(mutants)} mutants, {len(survived)} survived, {used:.0f} s of CPU", flush=True)
    return ModuleResult(path, len(mutants), survived, used, f"{datetime.now(UTC):%Y-%m-%d}", digest)


def _generate_mutants(path: str) -> list[Mutant]:
    made = subprocess.run([*GENERATOR, path], check=True, capture_output=True, text=True)
    return [mutant.parse_mutant(line) for line in made.stdout.splitlines()]


def _run_within_functions(path: str, mutants: Sequence[Mutant]) -> Iterator[Outcome]:
    files = sorted({str(file) for pattern in CORE[path] for file in Path().glob(pattern)})
    output = _output_path(path)
    session = Session(path, mutants, output)
    log = output.with_suffix(".log")
    work = trial.fork(lambda: trial.run_files(files, session), log, time.monotonic() + _ALL)
    for _, status, _ in run_in_turn([0], lambda *_: work):
        if status:
            raise SystemExit(f"The tests of {path} fail without any change; see {log}.")
    yield from (tuple(json.loads(line)) for line in output.read_text().splitlines())


def _output_path(path: str) -> Path:
    return BUILD / f"{trial.name_module(path)}.jsonl"


def _run_outside(path: str, mutants: Sequence[Mutant], numbers: Sequence[int]) -> Iterator[Outcome]:
    """Runs the mutants that need a fresh import."""
    output = _output_path(path)
    seen = json.loads(output.with_suffix(".seen").read_text())
    for module in seen["modules"]:
        if module.partition(".")[0] not in _OURS:
            with contextlib.suppress(Exception):
                importlib.import_module(module)
    tests = {name: SeenTest(*each) for name, each in seen["tests"].items()}

    def begin(number: int, suffix: str) -> trial.Running:
        names = choose_tests(mutants[number], tests)
        until = time.monotonic() + compute_timeout(names, tests)
        log = output.with_suffix(suffix)
        return trial.fork(lambda: trial.run_imported(path, mutants[number].source, names), log, until)

    return run_in_turn(numbers, begin)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
