"""Renders a run for the terminal, docs/OPERATIONS.md and, with all counts, docs/RESULTS.md."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import metadata

from bench.load.promises import promises
from bench.load.run import Result
from local.paths import ROOT

_BEGIN, _END = "<!-- make load writes from here -->", "<!-- to here -->"
_SHARES = (0.5, 0.95, 0.99, 1.0)
_PACKAGES = ("awslambdaric", "chalice", "boto3")
_KINDS = ("first", "changed", "unchanged", "failed")


def render_result(result: Result) -> str:
    """Everything: how, the requests, the promises, the calls."""
    return f"{_how(result)}\n\n{_requests(result)}\n\n{_promises(result)}\n\n{_calls(result)}"


def write(results: Sequence[Result], busy: float) -> None:
    """Into both pages, between the marks; `busy` is the load average before the runs."""
    about = _describe_run(results[0], busy)
    tables = "\n\n".join(f"{_how(result)}\n\n{_requests(result)}" for result in results)
    _put("docs/OPERATIONS.md", f"{about}\n\n{tables}\n")
    everything = "\n\n".join(render_result(result) for result in results)
    _put("docs/RESULTS.md", f"## Load (`make load`)\n\n{about}\n\n{everything}\n")


def _put(page: str, text: str) -> None:
    path = ROOT / page
    before, begin, rest = path.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2] if begin else "\n"
    path.write_text(f"{before if begin else before.rstrip() + chr(10) * 2}{_BEGIN}\n{text}{_END}{after}")


def _how(result: Result) -> str:
    plan = result.plan
    return (
        f"{plan.clients:,} consumers arrive over {plan.arriving} s and poll for {plan.polling} s more, each every "
        f"{plan.poll:g} s ± 10 %; {plan.namespaces} namespaces of {plan.entries} sealed values, {len(result.written)} "
        f"writes, one a second, in the namespaces by turns; {plan.processes} `awslambdaric` processes."
    )


def _requests(result: Result) -> str:
    plan = result.plan
    rows = [*_phase(result, "arriving", plan.arriving), *_phase(result, "polling", plan.polling), _writes(result)]
    head = ["request", "answered", "a second", "busiest second", "p50, ms", "p95, ms", "p99, ms", "most, ms"]
    return _table(head, rows)


def _phase(result: Result, phase: str, seconds: int) -> list[list[str]]:
    found = {row.name: row for row in result.seen.rows}
    kinds = [found[name] for name in (f"{phase}, {kind}" for kind in _KINDS) if name in found]
    by_second = sum((Counter(row.by_second) for row in kinds), Counter[int]())
    rows = [_row(row.name, row.requests, seconds, [row.within(share) for share in _SHARES]) for row in kinds]
    return [*rows, _row(f"{phase}, together", by_second.total(), seconds, [], max(by_second.values(), default=0))]


def _writes(result: Result) -> list[str]:
    took = sorted(each.seconds * 1000 for each in result.written)
    within = [took[min(len(took) - 1, int(share * len(took)))] for share in _SHARES]
    return _row("writes", len(took), result.plan.seconds, within)


def _row(name: str, many: int, seconds: int, milliseconds: Sequence[float], busiest: int | None = None) -> list[str]:
    took = [f"{each:,.0f}" for each in milliseconds] or [""] * len(_SHARES)
    return [name, f"{many:,}", f"{many / seconds:,.1f}", "" if busiest is None else f"{busiest:,}", *took]


def _promises(result: Result) -> str:
    rows = [[each.name, each.seen, "kept" if each.held else "BROKEN"] for each in promises(result)]
    return _table(["promise", "seen", ""], rows)


def _calls(result: Result) -> str:
    return _table(
        ["call to DynamoDB, and the items it reads", "times"],
        [[f"`{call}`", f"{many:,}"] for call, many in result.calls.most_common()],
    )


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _describe_run(result: Result, busy: float) -> str:
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    return (
        f"{dt.datetime.now(dt.UTC).date().isoformat()}, commit {commit}, Python {platform.python_version()}, "
        f"{platform.machine()}, {os.cpu_count()} CPUs, load average {busy:.1f} before it, {versions}, "
        f"locust {result.seen.locust}."
    )
