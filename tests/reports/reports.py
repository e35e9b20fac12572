"""Public bug reports of similar tools, from reports.toml: what went wrong, and the tests that rule it out here."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Report(NamedTuple):
    """A public report as `owner/name#number`, what went wrong for a user, and the tests that rule it out here."""

    group: str
    report: str
    kind: str
    tests: tuple[str, ...]


def read(path: Path) -> list[Report]:
    """The lines of the table, in order."""
    groups = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Report(group, report, line["kind"], tuple(line["tests"]))
        for group, lines in groups.items()
        for report, line in lines.items()
    ]


def rendered(reports: Iterable[Report]) -> list[str]:
    """The lines of the table in docs/FAULTS.md."""
    groups: dict[str, list[str]] = {}
    for each in reports:
        groups.setdefault(each.group, []).append(each.report.partition("#")[0])
    return [
        "## Tried: public bug reports of other tools",
        "",
        f"{sum(map(len, groups.values()))} reports were tried. [reports.toml](../tests/reports/reports.toml) names",
        "each by repository and number, with what went wrong for its user and the tests that hold our answer.",
        "",
        "| group | reports | repositories |",
        "|---|---|---|",
        *(f"| {group} | {len(of)} | {', '.join(dict.fromkeys(of))} |" for group, of in groups.items()),
    ]


REPORTS = read(Path(__file__).with_name("reports.toml"))
