"""How fast a command line starts: fresh processes, both sides with compiled bytecode."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.cli.ground import CONFIGSVC, CREDSTASH, run
from bench.client.pair import Pair
from bench.gates import Row
from bench.measure import Sample, Sides, interleave
from local.paths import ROOT

_AWS = ROOT / ".venvs/awscli/bin/aws"
_PYTHON = ROOT / ".venv/bin/python"
_MOST = 0.15
"""Seconds allowed for `--help` and completion."""

_HELP, _COMPLETION, _BARE = "configsvc --help", "configsvc completion of a word", "bare Python"
_AWS_VERSION, _CREDSTASH_HELP = "aws --version", "credstash --help"


def measure_startup(rounds: int) -> tuple[list[Row], Sides]:
    """Ours, the AWS CLI, credstash, and a Python that does nothing."""
    with tempfile.TemporaryDirectory(prefix="configsvc-bench-") as home:
        completing = {"COMP_WORDS": "configsvc da", "COMP_CWORD": "1", "_CONFIGSVC_COMPLETE": "bash_complete"}
        times = interleave(
            {
                _HELP: _sample(home, CONFIGSVC, "--help"),
                _COMPLETION: _sample(home, CONFIGSVC, more=completing),
                _AWS_VERSION: _sample(home, _AWS, "--version"),
                _CREDSTASH_HELP: _sample(home, CREDSTASH, "--help"),
                _BARE: _sample(home, _PYTHON, "-c", "pass"),
            },
            rounds,
        )
    pairs = (
        Pair("--help", _HELP, _AWS_VERSION, _AWS_VERSION, 1 / 2, 1 / 4),
        Pair("--help", _HELP, _CREDSTASH_HELP, _CREDSTASH_HELP, 1, 1 / 2),
        Pair("--help", _HELP, _BARE, _BARE),
        Pair("completion", _COMPLETION, _BARE, _BARE),
    )
    return [*(pair.row(times) for pair in pairs), *(_within(times, side) for side in (_HELP, _COMPLETION))], times


def _within(times: Sides, side: str) -> Row:
    """Compare ours with the time allowed."""
    milliseconds = times.median(side) * 1000
    return Row(f"{side}, of {_MOST * 1000:.0f} ms", times.median(side) / _MOST, f"{milliseconds:.0f} ms", "", 1)


def _sample(home: str, command: Path, *words: str, more: dict[str, str] | None = None) -> Sample:
    variables = {"PATH": os.environ["PATH"], "HOME": home, **(more or {})}
    return lambda: run(command, *words, variables=variables)[0]
