"""The story of `make run`, against the real zip and template."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.deployment.deploy import deploy_service
from infra.deployment.release import for_stage
from infra.deployment.stack import StackFailed
from infra.packaging.service_zip import Package
from infra.stage import load
from local.emulator.launcher import Emulator
from local.network.proxy import CountingProxy
from local.paths import ROOT
from local.stack import (
    NAME,
    LocalStack,
    People,
    administrators,
    deploy_stack,
    find_stack,
    make_people,
    make_target,
)
from local.story.chapters import NAMESPACE, Scene, tell
from local.story.teller import StepFailed, Teller
from local.story.terminal import Terminal, variables
from tests.support.fixtures.deployed import Deployed

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]


def _tell(stack: LocalStack, people: People, consumer_zip: Path, scratch: Path) -> None:
    with CountingProxy({"api": stack.endpoint, "kms": stack.endpoint}) as proxy:
        tell(Teller(), Scene(stack, people, proxy, consumer_zip, scratch))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_step_of_the_story_passes_and_passes_again(
    deployed: Deployed, consumer_zip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        _tell(*deployed, consumer_zip, tmp_path)

    told = capsys.readouterr().out
    assert "✗" not in told
    assert told.count("1 HTTP request, 1 KMS call") == 2
    assert "38 existed and are unchanged" in told

    _put_what_people_try(_developer(deployed))
    _tell(*deployed, consumer_zip, tmp_path)

    told = capsys.readouterr().out
    assert "✗" not in told
    assert "1 HTTP request, 2 KMS calls" in told
    assert "35 existed and are unchanged, 3 deleted keys restored" in told
    assert {key: _developer(deployed).run("get", key) for key in _THEIRS} == _THEIRS


_THEIRS = {"log.level": "debug", "db.password": "s3cret", "db.url": "mine-8", "sms.token": "by kms", "my.own": "1"}
"""The values served in the end: as people put them, except for the number that the story raises in db.url."""


def _developer(deployed: Deployed) -> Terminal:
    return Terminal(variables(deployed.stack, deployed.people.developer, NAMESPACE))


def _put_what_people_try(developer: Terminal) -> None:
    """Store what `make run` suggests, and more: plain made sealed, kms form, another db.url, deleted keys."""
    developer.run("put", "log.level", "-", "--seal", given="debug")
    developer.run("put", "db.password", "-", given="s3cret")
    developer.run("put", "db.url", "-", given="mine-7")
    developer.run("put", "sms.token", "-", "--kms", given="by kms")
    developer.run("put", "my.own", "1", "--plain")
    for key in ("log.level", "paypal.client_id", "fraud.bin-table"):
        developer.run("delete", key, "--yes")


@pytest.mark.slow
def test_without_the_launchers_additions_the_story_fails(
    stock_emulator: Emulator, built_package: Package, consumer_zip: Path, tmp_path: Path
) -> None:
    people = make_people(stack := _deploy_on_stock(stock_emulator.url, built_package), "payments.*")

    with pytest.raises(StepFailed):
        _tell(stack, people, consumer_zip, tmp_path)


def _deploy_on_stock(endpoint: str, package: Package) -> LocalStack:
    """Deploy what the emulator takes without the additions: it refuses a template with saved queries."""
    with pytest.raises(StackFailed, match="AWS::Logs::QueryDefinition"):
        deploy_stack(endpoint, package, _nothing)
    stage = load("local").model_copy(update={"admins": (administrators(endpoint),)})
    built = for_stage(package, stage)
    resources = {
        name: each for name, each in built.template["Resources"].items() if each["Type"] != "AWS::Logs::QueryDefinition"
    }
    taken = replace(built, template={**built.template, "Resources": resources})
    deploy_service(make_target(endpoint, _nothing), NAME, taken, stage.parameters(), 120.0, emulator=True)
    return find_stack(endpoint)


def _nothing(_: str) -> None:
    return None


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.run", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_busy_port_ends_the_run_with_advice(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = _run("--once", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path / "data"))

    assert ran.returncode == 1
    assert "another program has it" in ran.stderr
    assert "Traceback" not in ran.stderr
