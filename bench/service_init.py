"""The function's init: import to first read served, DynamoDB's client made, in a fresh process each time.

Ours is the real zip; theirs is `plain_app.py` with the same zip's libraries. Both run where only the Lambda runtime's
own packages are installed, both with compiled bytecode, and both ask a DynamoDB that answers at once.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bench.gates import Row, format_duration
from bench.measure import Sides, interleave
from bench.service_warm import PROOF_SHA256, fill_table, make_event
from bench.stub_dynamodb import StubDynamoDb, serve
from infra.packaging.platforms import find_local
from infra.packaging.service_zip import package
from local.paths import ROOT
from local.runtime.function import PYTHON

_HERE = Path(__file__).parent


def run(rounds: int) -> tuple[list[Row], Sides]:
    """The one comparison."""
    with tempfile.TemporaryDirectory(prefix="configsvc-bench-") as scratch, serve(stub()) as url:
        folder = unpack(Path(scratch))
        environ = variables(folder, url)
        times = interleave(
            {
                "ours": lambda: first_read(folder, "app", environ),
                "plain": lambda: first_read(folder, "plain_app", environ),
            },
            rounds,
        )
    ours, theirs = (format_duration(times.median(side)) for side in ("ours", "plain"))
    row = Row(
        "import to first read", times.ratio("ours", "plain"), ours, f"chalice + boto3 + pydantic {theirs}", 0.5, 0.4
    )
    return [row], times


def stub() -> StubDynamoDb:
    """A table that answers at once, with a namespace of 40 entries."""
    return StubDynamoDb(fill_table(entries=40))


def unpack(scratch: Path) -> Path:
    """The real zip as a folder, compiled, together with the other side's app."""
    built = package(ROOT, scratch / "built", find_local())
    folder = scratch / "task"
    with zipfile.ZipFile(built.zip) as archive:
        archive.extractall(folder)
    shutil.copy(_HERE / "plain_app.py", folder)
    compileall.compile_dir(folder, quiet=2)
    return folder


def variables(folder: Path, url: str) -> Mapping[str, str]:
    """The function's variables, with DynamoDB at `url`."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": url,
        "CONFIGSVC_TABLE": "bench",
        "CONFIGSVC_PROOF_SHA256": PROOF_SHA256,
        "CONFIGSVC_ADMINS": "",
    }


def first_read(folder: Path, module: str, variables: Mapping[str, str]) -> float:
    command = [str(PYTHON), str(_HERE / "first_read.py"), module, json.dumps(make_event())]
    ran = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(ran.stdout.splitlines()[-1])
    if found["status"] != 200:  # noqa: PLR2004  # OK, or we measure an error
        raise RuntimeError(f"{module} answered {found['status']}: {ran.stdout}{ran.stderr}")
    return float(found["seconds"])
