"""The cost of the service's cold start: what importing the app and serving a first read load, beyond Lambda's runtime.

Only counts, which are the same in every run; `make bench` measures the time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bench.service_init import stub
from bench.service_warm import PROOF_SHA256, make_event
from bench.stub_dynamodb import serve

SHOW = """
import json, sys, threading
import awslambdaric.bootstrap
runtime = set(sys.modules)
import app
imported = set(sys.modules) - runtime
answer = app.app(json.loads(sys.argv[1]), None)
read = set(sys.modules) - runtime
print(json.dumps([sorted(imported), sorted(read), answer["statusCode"]]))
"""

IMPORTED_MOST = 90
READ_MOST = 250
"""Modules, private ones and those of Python's own library included. 311 with a client of botocore, 237 without."""

UNNEEDED = {
    # what only a client of botocore loads
    "boto3", "s3transfer", "jmespath", "botocore.session", "botocore.client", "botocore.args", "botocore.credentials",
    "botocore.docs", "botocore.waiter", "botocore.paginate", "botocore.handlers", "botocore.loaders", "botocore.hooks",
    "botocore.parsers", "botocore.serialize", "botocore.retries", "botocore.signers", "botocore.regions",
    "configparser", "subprocess", "html", "uuid",
    # what only writes need
    "jsonschema_rs", "pydantic", "pydantic_core", "configsvc.web.bodies", "configsvc.service.engine.writing",
    # what nothing needs
    "asyncio", "requests", "simplejson", "chalice.cli", "chalice.deploy", "chalice.local",
}  # fmt: skip
IMPORTED_UNNEEDED = UNNEEDED | {"botocore", "urllib3", "http", "ssl", "socket", "configsvc.adapters.dynamo"}


@pytest.fixture(scope="module")
def loaded() -> tuple[set[str], set[str]]:
    """The modules that a fresh process has loaded after the import of the app, and after its first read."""
    with serve(stub()) as url:
        environ = {
            "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": url,
            "CONFIGSVC_TABLE": "bench", "CONFIGSVC_PROOF_SHA256": PROOF_SHA256,
        }  # fmt: skip
        command = [sys.executable, "-c", SHOW, json.dumps(make_event())]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    imported, read, status = json.loads(done.stdout.splitlines()[-1])
    assert status == 200
    return set(imported), set(read)


def find_within(modules: set[str], packages: set[str]) -> set[str]:
    return {package for package in packages if any(f"{name}.".startswith(f"{package}.") for name in modules)}


def test_importing_the_app_loads_no_more_than_its_routes(loaded: tuple[set[str], set[str]]) -> None:
    imported, _ = loaded
    assert not find_within(imported, IMPORTED_UNNEEDED)
    assert len(imported) <= IMPORTED_MOST, sorted(imported)


def test_a_first_read_loads_botocores_signer_and_sender_and_no_client(loaded: tuple[set[str], set[str]]) -> None:
    _, read = loaded
    assert {"botocore.auth", "botocore.httpsession"} <= read
    assert not find_within(read, UNNEEDED)
    assert len(read) <= READ_MOST, sorted(read)
