"""The journeys over HTTP against the real zip and the real template, IAM enforced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from infra.packaging.service_zip import REGION
from local.clients import make_client_arguments
from local.paths import ROOT
from local.people import Casting, Place, Statement, make_person, write_stage
from local.stack import ADMINISTRATOR
from tests.support.account import user_names
from tests.support.fixtures.deployed import STACK, Deployed

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]

_ONE = "tests/journeys/test_values.py"


@pytest.fixture
def stage_file(deployed: Deployed, tmp_path: Path) -> Iterator[Path]:
    """The deployed stage and people made for one run, as `make acceptance` makes them.

    Warm processes remember grants for seconds: people of an earlier run would not be known by those of the next.
    """
    stack, arguments = deployed.stack, make_client_arguments(deployed.stack.endpoint)
    place = Place(stack.url, REGION, stack.api_arn, stack.usage_plan)
    iam, apigateway = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
    file = tmp_path / "stage.json"
    with Casting(iam, apigateway, place, f"{ADMINISTRATOR}-of-journeys-").people() as cast:
        write_stage(file, place, cast)
        yield file


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


@pytest.mark.slow
def test_a_stack_is_accepted_by_the_credentials_of_whoever_administers_it(deployed: Deployed) -> None:
    stack = deployed.stack
    everything: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    arguments = make_client_arguments(stack.endpoint)
    iam, apigateway = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
    me = make_person(iam, apigateway, stack.usage_plan, f"{ADMINISTRATOR}-who-accepts", [everything])
    held = {"AWS_ACCESS_KEY_ID": me.access_key, "AWS_SECRET_ACCESS_KEY": me.secret_key, "AWS_REGION": REGION}
    held |= {"AWS_ENDPOINT_URL": stack.endpoint, "PATH": os.environ["PATH"]}
    there = user_names(iam)
    command = [sys.executable, "-m", "local.acceptance", "--stack", STACK, "--url", stack.url, "-q", _ONE]

    ran = subprocess.run(command, cwd=ROOT, env=held, capture_output=True, text=True, timeout=100, check=False)

    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr
    assert user_names(iam) == there
