"""The modules that importing the app and reading a snapshot load, checked in separate interpreters."""

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
from tests.support.web.apps import build_memory_ports, build_whole_app
from tests.support.web.events import build_event
from tests.support.web.lines import Lines

app = build_whole_app(Lines(), build_memory_ports())
route = "/v1/namespaces/{namespace}/snapshot"
answer = app(build_event("GET", route, parameters={"namespace": "payments.prod"}), None)
assert answer["statusCode"] == 404, answer
answer = app(build_event("GET", "/v1/openapi.json"), None)
assert answer["statusCode"] == 200, answer
assert "infra" not in sys.modules
assert "pydantic" not in sys.modules
app(build_event("PUT", "/v1/namespaces/{namespace}", parameters={"namespace": "payments.prod"}, body="{}"), None)
print("pydantic" in sys.modules)
"""


def run(source: str, **variables: str) -> str:
    """The output of a program in an environment with only these variables: no region, credentials or settings."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "PYTHONDONTWRITEBYTECODE": "1"}
        | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_the_app_needs_no_environment_and_loads_no_client() -> None:
    assert run(IMPORT) == ""


def test_on_lambda_the_client_is_created_at_start_without_network() -> None:
    stage = {"CONFIGSVC_TABLE": "config", "CONFIGSVC_PROOF_SHA256": "a" * 64}
    given = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_LAMBDA_FUNCTION_NAME": "api"}
    credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert run(IMPORT, **stage, **given, **credentials) == "botocore urllib3"


def test_on_lambda_wrong_settings_are_reported_by_the_first_request() -> None:
    assert run(IMPORT, AWS_LAMBDA_FUNCTION_NAME="api") == ""


def test_only_writes_load_pydantic() -> None:
    assert run(SNAPSHOT) == "True"
