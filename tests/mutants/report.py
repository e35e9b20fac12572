"""What came of it: the survivors that are explained, what is wrong with the rest, and docs/MUTANTS.md."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.mutants.mutant import Mutant

EXPLAINED = Path("tests/mutants/explained.toml")
DOCUMENT = Path("docs/MUTANTS.md")
LEAST_KILLED = 0.95
MOST_EXPLAINED = 20


class Result(NamedTuple):
    """Of one module: how many mutants, which survived, the CPU seconds, and the seconds in all."""

    path: str
    mutants: int
    survived: tuple[Mutant, ...]
    cpu: float
    seconds: float


class Explanation(NamedTuple):
    """Why a change of a line changes nothing that anybody could see."""

    path: str
    before: str
    after: str
    why: str


def explained() -> list[Explanation]:
    """All that is explained."""
    return [Explanation(**each) for each in tomllib.loads(EXPLAINED.read_text())["survivor"]]


def faults(results: Sequence[Result], explanations: Sequence[Explanation] | None = None) -> list[str]:
    """What is wrong, a line each."""
    known = explained() if explanations is None else explanations
    paths = {result.path for result in results}
    reasons = {each[:3]: each.why for each in known if each.path in paths}
    found = {(result.path, each.before, each.after): each for result in results for each in result.survived}
    total, survivors = sum(result.mutants for result in results), sum(len(result.survived) for result in results)
    return [
        *(f"Not explained: {path}:{each.line}: {each.before}  =>  {each.after}"
          for (path, *_), each in found.items() if (path, each.before, each.after) not in reasons),
        *(f"Explained, but killed or gone: {' | '.join(each)}" for each in reasons if each not in found),
        *([f"{survivors} of {total} survived."] if survivors > (1 - LEAST_KILLED) * total else []),
        *([f"{len(known)} are explained, at most {MOST_EXPLAINED} may be."] if len(known) > MOST_EXPLAINED else []),
    ]  # fmt: skip


def write(results: Sequence[Result]) -> None:
    """docs/MUTANTS.md, of a run over all modules."""
    rows = [
        f"| `{each.path}` | {each.mutants} | {each.mutants - len(each.survived)} | {len(each.survived)} "
        f"| {each.cpu:.0f} | {each.seconds / 60:.0f} |"
        for each in results
    ]
    total, survivors = sum(each.mutants for each in results), sum(len(each.survived) for each in results)
    reasons = [f"- `{each.path}`: `{each.before}` → `{each.after}`: {each.why}" for each in explained()]
    killed = f"{total} mutants of the core, {100 * (total - survivors) / total:.1f} % killed"
    lines = [
        "# Mutation testing", "",
        f"Written by `make mutants` on {datetime.now(UTC):%Y-%m-%d}: {killed}.", "",
        "| module | mutants | killed | explained | CPU seconds | minutes |", "|---|---:|---:|---:|---:|---:|",
        *rows, "",
        "## Survivors", "",
        *reasons, "",
    ]  # fmt: skip
    DOCUMENT.write_text("\n".join(lines))
