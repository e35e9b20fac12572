"""Runs schemathesis in a separate process against a stage, and returns its results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from local.paths import ROOT
from tests.support.journeys.stage import Stage

_HERE = Path(__file__).parent


class Ran(NamedTuple):
    """The output of schemathesis, and its counts."""

    returncode: int
    output: str
    report: dict[str, Any]


def fuzz(stage: Stage, scratch: Path, document: str, *options: str) -> Ran:
    """Runs it over the document with the administrator's credentials."""
    report = scratch / "report.json"
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(_HERE / "schemathesis.toml"), "run", document,
        "--url", stage.url, "--report", "json", "--report-json-path", str(report),
        "--no-color", *options,
    ]  # fmt: skip
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(scratch), "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}",
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_HOST": urlsplit(stage.url).netloc,
        "FUZZ_API_KEY": stage.admin.api_key, "FUZZ_ACCESS_KEY": stage.admin.access_key,
        "FUZZ_SECRET_KEY": stage.admin.secret_key,
    }  # fmt: skip
    ran = subprocess.run(
        command, cwd=scratch, env=environment, capture_output=True, text=True, check=False, timeout=1150
    )
    found = json.loads(report.read_text()) if report.exists() else {}
    return Ran(ran.returncode, ran.stdout + ran.stderr, found)
