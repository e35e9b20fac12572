"""Public bug reports of tools like ours, from reports.toml: what each was about, and the tests that hold our answer."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Report(NamedTuple):
    """A public report as `owner/name#number`, what went wrong for a user, and the tests that hold our answer."""

    group: str
    report: str
    kind: str
    tests: tuple[str, ...]


def read(path: Path) -> list[Report]:
    """The table's lines, in their order."""
    groups = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Report(group, report, line["kind"], tuple(line["tests"]))
        for group, lines in groups.items()
        for report, line in lines.items()
    ]


REPORTS = read(Path(__file__).with_name("reports.toml"))
