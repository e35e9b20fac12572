"""AWS credentials of a command."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

_PROGRAM = """
import json, sys, datetime
with open({runs!r}, "a") as file:
    file.write("x")
ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=12)
print(json.dumps({{"Version": 1, "AccessKeyId": "AKIAWRITER", "SecretAccessKey": "secret-of-writer",
                  "Expiration": ends.isoformat()}}))
"""
"""Credentials that expire so soon that botocore renews them on every use."""


def test_put_fetches_credentials_once(service: Loopback, namespace: str, tmp_path: Path) -> None:
    runs, program = tmp_path / "runs", tmp_path / "program.py"
    program.write_text(_PROGRAM.format(runs=str(runs)))
    (tmp_path / "config").write_text(f"[profile team]\ncredential_process = {sys.executable} {program}\n")
    environ = service.environ("writer", namespace) | {"AWS_PROFILE": "team", "AWS_CONFIG_FILE": f"{tmp_path}/config"}
    del environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    Shell(environ).ok("put", "db.password", "-", given="hunter2")
    assert len(runs.read_text()) == 2  # by botocore itself: once to load them, once because they expire soon
