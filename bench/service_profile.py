"""Where the time of the function's cold start goes, in fresh processes: each row is a part of the whole.

The steps follow each other: import of the app, the parts of botocore, DynamoDB's client, the first request, and a warm
poll to compare it with. `-X importtime` shows what the two imports consist of; its own cost is in those rows.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from bench.gates import Row, format_duration
from bench.measure import Sides
from bench.service_init import stub, unpack, variables
from bench.service_warm import make_event
from bench.stub_dynamodb import serve
from local.runtime.function import PYTHON

_STEPS = Path(__file__).with_name("first_steps.py")
_WARM = "a warm poll"
_LEAST_SECONDS = 0.001
_IMPORTED = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")
_MODULES = {
    "import the app": "app",
    "import botocore's parts": "app, configsvc.adapters.dynamo, configsvc.adapters.dynamo_client",
}
_OK = 200


def run(rounds: int) -> tuple[list[Row], Sides]:
    """The steps, and the packages that either import spends at least a millisecond in."""
    with tempfile.TemporaryDirectory(prefix="configsvc-bench-") as scratch, serve(stub()) as url:
        folder = unpack(Path(scratch))
        environ = variables(folder, url)
        _profile_steps(folder, environ)
        steps = Sides(_gather_times([_profile_steps(folder, environ) for _ in range(rounds)]))
        packages = {step: _gather_times([_packages(step, folder, environ) for _ in range(rounds)]) for step in _MODULES}
    whole = sum(steps.median(step) for step in steps.seconds if step != _WARM)
    rows = [Row(f"{at}. {step}", *_part(steps.median(step), whole)) for at, step in enumerate(steps.seconds, 1)]
    for step, found in packages.items():
        rows += _largest(step, found)
    return rows, steps


def _part(seconds: float, whole: float) -> tuple[float, str, str]:
    return seconds / whole, format_duration(seconds), f"of {format_duration(whole)}"


def _largest(step: str, found: Mapping[str, list[float]]) -> list[Row]:
    medians = {package: statistics.median(seconds) for package, seconds in found.items()}
    whole = sum(medians.values())
    ordered = sorted(medians.items(), key=lambda each: -each[1])
    return [
        Row(f"{step}: {package}", *_part(seconds, whole)) for package, seconds in ordered if seconds >= _LEAST_SECONDS
    ]


def _profile_steps(folder: Path, environ: Mapping[str, str]) -> dict[str, float]:
    ran = _python(folder, environ, str(_STEPS), json.dumps(make_event()))
    found = json.loads(ran.stdout.splitlines()[-1])
    if found["status"] != _OK:
        raise RuntimeError(f"The first request was answered {found['status']}: {ran.stdout}{ran.stderr}")
    return dict(found["steps"])


def _packages(step: str, folder: Path, environ: Mapping[str, str]) -> dict[str, float]:
    """Seconds spent in each package's own modules."""
    before = "awslambdaric.bootstrap" if step == "import the app" else "awslambdaric.bootstrap, app"
    told = _python(folder, environ, "-X", "importtime", "-c", f"import {before}, sys; "
                   f"print('begins', file=sys.stderr); import {_MODULES[step]}").stderr  # fmt: skip
    found: defaultdict[str, float] = defaultdict(float)
    for microseconds, module in _IMPORTED.findall(told.partition("begins")[2]):
        found[module.partition(".")[0]] += int(microseconds) / 1e6
    return found


def _gather_times(rounds: list[dict[str, float]]) -> dict[str, list[float]]:
    names = dict.fromkeys(name for each in rounds for name in each)
    return {name: [each.get(name, 0.0) for each in rounds] for name in names}


def _python(folder: Path, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [str(PYTHON), *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
    return ran
