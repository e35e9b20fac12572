"""`make bench` names the gates that were missed, in its last lines and in the chart."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench.__main__ import RESULTS
from bench.gates import Row, summarize_gates
from bench.plot import Bar, plot
from bench.report import chart
from local.paths import ROOT

_MET = Row("import", 0.1, "10.0 ms", "import boto3 100.0 ms", 0.2)
_MISSED = Row("idle poll, CPU", 0.125, "125.0 µs", "SSM 1.0 ms", 0.1)
_SHOWN = Row("completion", 5.0, "50.0 ms", "bare Python 10.0 ms")


def test_all_gates_met_is_one_line() -> None:
    assert summarize_gates([("the client, cold", [_MET, _SHOWN])]) == "All gates were met."


def test_each_missed_gate_is_named_with_its_part_and_figures() -> None:
    requests = Row("requests to load 1", 3, "3", "", 2)
    assert summarize_gates(
        [("the client, polls", [_MET, _MISSED]), ("the client, counted", [requests])]
    ).splitlines() == [
        "2 gates were missed:",
        "  the client, polls: idle poll, CPU, 125.0 µs against SSM 1.0 ms (ratio 1/8.0, gate ≤ 1/10.0)",
        "  the client, counted: requests to load 1, 3 (ratio 3, gate ≤ 2)",
    ]


def test_a_word_that_no_part_has_lists_the_parts_and_exits_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nosuch"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert "No part has nosuch in its name" in done.stderr
    assert "  the client, cold\n" in done.stderr


def test_a_bar_below_one_goes_left_and_a_missed_gate_is_named() -> None:
    drawn = plot("Title", "2026-01-02", [Bar("slower", 0.5, "20 ms : 10 ms", 0.8), Bar("faster", 12, "1 : 12")])

    assert "<title>Title. 2026-01-02</title>" in drawn
    assert "gate 0.8 missed" in drawn
    assert drawn.count("missed") == 1
    assert ">0.1</text>" in drawn  # the scale begins below the shortest bar


def _stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    return found


def test_the_chart_shows_every_row_that_missed_its_gate() -> None:
    found = _stored()
    missed = [row["name"] for part in found["parts"].values() for row in part["rows"] if row["word"] == "MISSED"]

    drawn = chart(found)

    assert drawn.count(" missed</tspan>") == len(missed)
    assert all(name in drawn for name in missed)
    assert found["date"] in drawn


def test_the_committed_chart_is_the_one_of_the_stored_results() -> None:
    assert (ROOT / "docs" / "bench.svg").read_text() == chart(_stored())
