"""The journeys over HTTP against the real zip and the real template, IAM enforced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from local.clients import client_arguments
from local.paths import ROOT
from local.people import Person, invoke, make_person
from local.stack import LocalStack
from tests.fixtures_deployed import Deployed

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]

_ONE = "tests/journeys/test_values.py"


@pytest.fixture(scope="module")
def stage_file(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deployed stage and its people, as `TEST_STAGE` wants them."""
    stack = deployed.stack
    everything = ("*",)
    no_grants = tuple(
        f"{method}/v1/{what}" for method in ("PUT", "POST", "DELETE") for what in ("namespaces*", "whoami")
    )
    people = {
        "admin": _person(stack, "configsvc-administrator-of-journeys", everything),
        "writer": _person(stack, "journeys-writer", no_grants),
        "stranger": _person(stack, "journeys-stranger", everything),
    }
    held = {name: person._asdict() for name, person in people.items()}
    file = tmp_path_factory.mktemp("stage") / "stage.json"
    file.write_text(json.dumps({"url": stack.url, "reader": stack.reader._asdict(), **held}))
    return file


def _person(stack: LocalStack, name: str, routes: tuple[str, ...]) -> Person:
    arguments = client_arguments(stack.endpoint)
    iam, apigateway = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
    return make_person(iam, apigateway, stack.usage_plan, name, [invoke(stack.api_arn, *routes)])


def _pytest(stage_file: Path, *what: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TEST_MODE": "deployed", "TEST_STAGE": str(stage_file)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *what]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)


def test_one_journey_holds_on_the_deployed_stack(stage_file: Path) -> None:
    ran = _pytest(stage_file, _ONE)

    assert ran.returncode == 0, ran.stdout[-4000:]


@pytest.mark.slow
@pytest.mark.timeout(520)
def test_every_other_journey_holds_on_the_deployed_stack(stage_file: Path) -> None:
    ran = _pytest(stage_file, "tests/journeys", f"--ignore={_ONE}")

    assert ran.returncode == 0, ran.stdout[-4000:]
