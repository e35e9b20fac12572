"""What importing the app and reading a snapshot load, shown in interpreters of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

IMPORT = """
import socket, sys

def refuse(*_arguments, **_named):
    raise AssertionError("the network was touched")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
import app

assert app.app.routes
print(*sorted({"boto3", "botocore", "pydantic", "urllib3"}.intersection(sys.modules)))
"""

SNAPSHOT = """
import sys
from tests.web.apps import memory_ports, whole_app
from tests.web.events import event
from tests.web.lines import Lines

app = whole_app(Lines(), memory_ports())
route = "/v1/namespaces/{namespace}/snapshot"
answer = app(event("GET", route, parameters={"namespace": "payments.prod"}), None)
assert answer["statusCode"] == 404, answer
answer = app(event("GET", "/v1/openapi.json"), None)
assert answer["statusCode"] == 200, answer
assert "infra" not in sys.modules
assert "pydantic" not in sys.modules
app(event("PUT", "/v1/namespaces/{namespace}", parameters={"namespace": "payments.prod"}, body="{}"), None)
print("pydantic" in sys.modules)
"""


def run(source: str) -> str:
    """What a program prints in an environment without region, credentials or settings."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_the_app_needs_no_network_region_or_settings_and_loads_no_client() -> None:
    assert run(IMPORT) == ""


def test_reading_a_snapshot_or_the_document_loads_no_pydantic_and_the_first_write_does() -> None:
    assert run(SNAPSHOT) == "True"
