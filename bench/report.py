"""Writes the results for people: the tables in docs/RESULTS.md and the chart docs/bench.svg."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.gates import Row, format_ratio
from bench.plot import Bar, plot
from local.paths import ROOT

_PAGE = ROOT / "docs" / "RESULTS.md"
_PLOT = ROOT / "docs" / "bench.svg"
_BEGIN, _END = "<!-- make bench writes from here -->", "<!-- to here -->"
_TITLE = "# Results\n\nMeasured figures, each with its date and how to get it again.\n\n"
_CHART = "How many times less configsvc needs than the other side"
_SHOWN = (
    ("the client, cold", "cold start to the first secret", "get_parameter", "Powertools"),
    ("the client, cold", "100 secrets, cold", "get_parameter of one", "Powertools for one"),
    ("the client, a thousand secrets", "1,000 secrets, cold, 5 ms per call", "get_parameters", "Powertools"),
    ("the client, a thousand secrets", "1,000 secrets, cold, 5 ms per call", "credstash getall", "credstash"),
    ("the client, cold", "import", "import boto3", "boto3"),
    ("the client, cold", "peak memory over bare Python", "get_parameter", "Powertools"),
    ("the client, reads", "config[key]", "get_parameter", "Powertools"),
    ("the client, polls", "idle poll, CPU", "SSM get_parameters of 10", "boto3"),
    ("the client, opening", "opening 1,000 values", "aws-encryption-sdk", "AWS Encryption SDK"),
)
"""The bars: part, row, how its other side begins, and the name of the other side. More rows follow if they missed."""

_Found = dict[str, Any]


def write(results: Path) -> None:
    """Write page and chart from the stored results."""
    found = json.loads(results.read_text())
    before, after = _around(_PAGE.read_text() if _PAGE.exists() else f"{_TITLE}{_BEGIN}\n{_END}\n")
    _PAGE.write_text(f"{before}{_BEGIN}\n{_section(found)}{_END}{after}")
    _PLOT.write_text(chart(found))


def chart(found: _Found) -> str:
    """Render the chart of the stored results: the chosen rows, and all that missed their gates."""
    return plot(_CHART, _subtitle(found), _bars(found))


def _around(page: str) -> tuple[str, str]:
    if _BEGIN not in page:
        page = f"{page.rstrip()}\n\n{_BEGIN}\n{_END}\n"
    before, _, rest = page.partition(_BEGIN)
    return before, rest.partition(_END)[2]


def _section(found: _Found) -> str:
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
        gate, stretch = ("" if most is None else f"≤ {format_ratio(most)}" for most in (row.gate, row.stretch))
        cells = (row.name, row.ours, row.theirs, format_ratio(row.ratio), gate, stretch, row.word)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _subtitle(found: _Found) -> str:
    how = "few rounds" if found["quick"] else "medians of paired ratios"
    return (
        f"{found['date']}, commit {found['commit']}, Python {found['python']}, {found['machine']}; {how}. "
        "A black mark is the gate; a missed one is red."
    )


def _bars(found: _Found) -> list[Bar]:
    rows = {part: _rows(kept) for part, kept in found["parts"].items()}
    chosen = [(_row(rows[part], name, theirs), f"{name} / {other}") for part, name, theirs, other in _SHOWN]
    shown = [row for row, _ in chosen]
    missed = [row for each in rows.values() for row in each if not row.met and row not in shown]
    return [_bar(row, name) for row, name in [*chosen, *((row, _name(row)) for row in missed)] if row.ratio]


def _row(rows: list[Row], name: str, theirs: str) -> Row:
    return next(row for row in rows if row.name == name and row.theirs.rpartition("  ")[2].startswith(f"{theirs} "))


def _name(row: Row) -> str:
    other = row.theirs.rpartition("  ")[2].rstrip("0123456789.,µnmskMB ")
    return f"{row.name} / {other}" if other else row.name


def _bar(row: Row, name: str) -> Bar:
    note = f"{row.ours} : {row.theirs.rpartition('  ')[2]}"
    if row.gate and row.ours == f"{row.ratio:.0f}":  # a count has no other side to be a ratio to
        return Bar(row.name, row.gate / row.ratio, f"{row.ours}, at most {row.gate:.0f}", 1)
    return Bar(name, 1 / row.ratio, note, 1 / row.gate if row.gate else None)
