"""Reports the results: what fails the run, survivors that are explained or open, and docs/MUTANTS.md."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.mutants.core import CORE
from tests.mutants.mutant import Mutant

EXPLAINED = Path("tests/mutants/explained.toml")
DOCUMENT = Path("docs/MUTANTS.md")
LEAST_KILLED = 0.95
MOST_EXPLAINED = 20


class ModuleResult(NamedTuple):
    """The result for one module: its mutants, survivors, CPU seconds, the day, and the digest of its source."""

    path: str
    mutants: int
    survived: tuple[Mutant, ...]
    cpu: float
    day: str
    digest: str


class Explanation(NamedTuple):
    """The reason why a change of a line has no visible effect."""

    path: str
    before: str
    after: str
    why: str


def hash_module(path: str) -> str:
    """Returns the digest of a module's source."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def keep_result(result: ModuleResult, folder: Path) -> None:
    """Stores the last result of a module, for the report of a later run that tries other modules."""
    survived = [each._replace(source="") for each in result.survived]
    _result_path(result.path, folder).write_text(json.dumps(result._replace(survived=tuple(survived))._asdict()))


def read_last_results(paths: Iterable[str], folder: Path) -> list[ModuleResult]:
    """Returns the last results of modules that have not changed since."""
    files = [file for path in paths if (file := _result_path(path, folder)).exists()]
    results = [ModuleResult(**json.loads(file.read_text())) for file in files]
    return [
        each._replace(survived=tuple(Mutant(*mutant) for mutant in each.survived))
        for each in results if each.digest == hash_module(each.path)
    ]  # fmt: skip


def _result_path(path: str, folder: Path) -> Path:
    return folder / f"{path.replace('/', '.')}.json"


def read_explanations() -> list[Explanation]:
    """Returns all explanations."""
    return [Explanation(**each) for each in tomllib.loads(EXPLAINED.read_text())["survivor"]]


def find_faults(results: Sequence[ModuleResult], explanations: Sequence[Explanation] | None = None) -> list[str]:
    """Lists what fails the run, a line each; the results are of the whole core."""
    known = read_explanations() if explanations is None else explanations
    tried = {result.path for result in results}
    stale = [each for each in known if each.path in tried and each[:3] not in _survivors(results)]
    total, survived = sum(result.mutants for result in results), sum(len(result.survived) for result in results)
    return [
        *(f"Changed since its last run: {path}" for path in CORE if path not in tried),
        *(f"Explained, but killed or gone: {' | '.join(each[:3])}" for each in stale),
        *([f"{survived} of {total} survived."] if survived > (1 - LEAST_KILLED) * total else []),
        *([f"{len(known)} explanations, at most {MOST_EXPLAINED} are allowed."] if len(known) > MOST_EXPLAINED else []),
    ]  # fmt: skip


def list_unexplained(results: Sequence[ModuleResult], explanations: Sequence[Explanation] | None = None) -> list[str]:
    """Lists the survivors without an explanation, a line each: place and change."""
    reasons = {each[:3] for each in (read_explanations() if explanations is None else explanations)}
    found = _survivors(results).items()
    return [f"`{path}`, line {each.line}: `{before}` → `{after}`"
            for (path, before, after), each in found if (path, before, after) not in reasons]  # fmt: skip


def _survivors(results: Sequence[ModuleResult]) -> dict[tuple[str, str, str], Mutant]:
    return {(result.path, each.before, each.after): each for result in results for each in result.survived}


def write_document(results: Sequence[ModuleResult], document: Path = DOCUMENT) -> None:
    """Writes docs/MUTANTS.md from the last results. A module without one is marked as not tried."""
    tried = {each.path for each in results}
    untried = [f"| `{path}` | | | | | changed since its last run |" for path in CORE if path not in tried]
    rows = [
        f"| `{each.path}` | {each.mutants} | {each.mutants - len(each.survived)} | {len(each.survived)} "
        f"| {each.cpu:.0f} | {each.day} |"
        for each in results
    ]
    total, survivors = sum(each.mutants for each in results), sum(len(each.survived) for each in results)
    killed = f"{100 * (total - survivors) / total:.1f} %"
    reasons = [f"- `{each.path}`: `{each.before}` → `{each.after}`: {each.why}" for each in read_explanations()]
    lines = [
        "# Mutation testing", "",
        f"`make mutants` makes {total} small changes to the core, and the tests find {killed} of them.",
        "It writes this file. A module that has not changed may keep the row of an earlier run, with its date.",
        f"The command fails below {100 * LEAST_KILLED:.0f} %, and with more than {MOST_EXPLAINED} explanations.", "",
        "| module | mutants | killed | survived | CPU seconds | tried on |", "|---|---:|---:|---:|---:|---|",
        *rows, *untried,
        f"| **all** | {total} | {total - survivors} | {survivors} | {sum(each.cpu for each in results):.0f} | |", "",
        "## Explained", "",
        "These survivors change nothing that a caller could see:", "",
        *reasons, "",
        "## Open", "",
        "No test finds these changes, and nothing yet says why:", "",
        *(f"- {each}" for each in list_unexplained(results)), "",
    ]  # fmt: skip
    document.write_text("\n".join(lines))
