"""The journeys over HTTP against the real zip and the real template, IAM enforced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from infra.package import REGION
from local.cast import Casting, Place, write_stage
from local.clients import client_arguments
from local.paths import ROOT
from local.stack import ADMINISTRATOR
from tests.fixtures_deployed import Deployed

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]

_ONE = "tests/journeys/test_values.py"


@pytest.fixture(scope="module")
def stage_file(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The deployed stage and people made for it, as `make acceptance` makes them."""
    stack, arguments = deployed.stack, client_arguments(deployed.stack.endpoint)
    place = Place(stack.url, REGION, stack.api_arn, stack.usage_plan)
    iam, apigateway = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
    file = tmp_path_factory.mktemp("stage") / "stage.json"
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
