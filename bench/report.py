"""What people read of the results: the tables in docs/RESULTS.md, and one plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.gates import Row, fraction
from bench.plot import Bar, plot
from local.paths import ROOT

_PAGE = ROOT / "docs" / "RESULTS.md"
_PLOT = ROOT / "docs" / "bench.svg"
_BEGIN, _END = "<!-- make bench writes from here -->", "<!-- to here -->"
_TITLE = "# Results\n\nMeasured figures, each with its date and how to get it again.\n\n"
_SHOWN = (
    ("the client, cold", "cold start to the first secret", "Powertools"),
    ("the client, cold", "100 secrets, cold", "Powertools for one"),
    ("the client, a thousand secrets", "1,000 secrets, cold, 5 ms per call", "Powertools"),
    ("the client, a thousand secrets", "1,000 secrets, cold, 5 ms per call", "credstash"),
    ("the client, cold", "import", "boto3"),
    ("the client, cold", "peak memory over bare Python", "Powertools"),
    ("the client, reads", "config[key]", "Powertools"),
    ("the client, polls", "idle poll, CPU", "boto3"),
    ("the client, opening", "opening 1,000 values", "AWS Encryption SDK"),
)
"""The bars: part, row, and who is beside us. Where a row stands twice, they come in its order."""


def write(results: Path) -> None:
    """Page and plot, from the results as they were kept."""
    found = json.loads(results.read_text())
    before, after = _around(_PAGE.read_text() if _PAGE.exists() else f"{_TITLE}{_BEGIN}\n{_END}\n")
    _PAGE.write_text(f"{before}{_BEGIN}\n{_section(found)}{_END}{after}")
    _PLOT.write_text(plot("times less than the other side needs", _bars(found)))


def _around(page: str) -> tuple[str, str]:
    if _BEGIN not in page:
        page = f"{page.rstrip()}\n\n{_BEGIN}\n{_END}\n"
    before, _, rest = page.partition(_BEGIN)
    return before, rest.partition(_END)[2]


def _section(found: dict[str, Any]) -> str:
    how = "`make bench QUICK=1`, few rounds" if found["quick"] else "`make bench`"
    about = f"{found['date']}, commit {found['commit']}, Python {found['python']}, {found['machine']}"
    text = f"## Side by side ({how})\n\n{about}. The method is in [bench/README.md](../bench/README.md).\n"
    for name, part in found["parts"].items():
        text += f"\n### {name[0].upper()}{name[1:]}, {part['rounds']} rounds\n\n{_table(_rows(part))}"
    return text


def _rows(part: dict[str, Any]) -> list[Row]:
    return [Row(**{name: row[name] for name in Row._fields}) for row in part["rows"]]


def _table(rows: list[Row]) -> str:
    lines = ["| | ours | theirs | ratio | gate | stretch | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        gate, stretch = ("" if most is None else f"≤ {fraction(most)}" for most in (row.gate, row.stretch))
        cells = (row.name, row.ours, row.theirs, fraction(row.ratio), gate, stretch, row.word)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _bars(found: dict[str, Any]) -> list[Bar]:
    rows = {name: _rows(part) for name, part in found["parts"].items()}
    bars = []
    for part, name, other in _SHOWN:
        row = next(row for row in rows[part] if row.name == name)
        rows[part].remove(row)
        bars.append(Bar(f"{name} / {other}", 1 / row.ratio, f"{row.ours} : {row.theirs.rpartition('  ')[2]}"))
    return bars
