"""The example for GitHub Actions holds no key, and AWS trusts one repository's environment and pull requests."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.paths import ROOT

EXAMPLE = ROOT / "examples" / "deploy"
WORKFLOW = EXAMPLE / "github-actions.yml"
LINTERS = ROOT / ".venvs" / "linters" / "bin"
ISSUER = "token.actions.githubusercontent.com"


def workflow() -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text())
    return content


JOBS: dict[str, dict[str, Any]] = workflow()["jobs"]


def steps(job: str, action: str) -> list[dict[str, Any]]:
    return [each for each in JOBS[job]["steps"] if each.get("uses", "").startswith(f"{action}@")]


def checkov(path: Path) -> dict[str, Any]:
    """The report of checkov, which has the schema of workflows and rules for them."""
    options = ("--framework", "github_actions", "--skip-download", "--compact", "-o", "json", "-d", path)
    ran = subprocess.run([LINTERS / "checkov", *options], capture_output=True, text=True, check=False, timeout=120)
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


@pytest.mark.slow
def test_checkov_finds_nothing_in_the_workflow(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "deploy.yml").write_text(WORKFLOW.read_text())
    report = checkov(tmp_path)
    assert report["summary"]["passed"] > 0
    assert report["results"]["failed_checks"] == []
    assert report["results"]["parsing_errors"] == []


@pytest.mark.parametrize("job", JOBS)
def test_a_job_gets_its_credentials_by_its_token(job: str) -> None:
    assert JOBS[job]["permissions"] == {"contents": "read", "id-token": "write"}
    [credentials] = steps(job, "aws-actions/configure-aws-credentials")
    assert re.fullmatch(r"arn:aws:iam::[0-9]{12}:role/[\w-]+", credentials["with"]["role-to-assume"])


def test_there_is_no_long_lived_key_anywhere() -> None:
    for path in EXAMPLE.iterdir():
        assert not re.search(r"AKIA|aws-access-key-id|aws-secret|secrets\.|_ACCESS_KEY", path.read_text()), path.name


def test_no_job_has_more_rights_than_it_states() -> None:
    assert workflow()["permissions"] == {}


def test_every_action_has_a_version_and_none_is_a_branch() -> None:
    used = [each["uses"] for job in JOBS.values() for each in job["steps"] if "uses" in each]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", each) for each in used)


def test_a_pull_request_only_plans_and_only_of_this_repository() -> None:
    plan = JOBS["plan"]
    assert "pull_request" in plan["if"]
    assert "head.repo.full_name == github.repository" in plan["if"]
    assert [each["run"] for each in plan["steps"] if "run" in each] == ['make deploy STAGE="$STAGE" PLAN=yes']
    assert "pull_request_target" not in WORKFLOW.read_text()


def test_a_deployment_waits_for_its_environment_and_for_the_one_before() -> None:
    deploy = JOBS["deploy"]
    assert deploy["if"] == "github.event_name == 'push'"
    assert workflow()[True]["push"] == {"branches": ["main"]}  # YAML 1.1 reads `on` as true
    assert deploy["environment"] == "prod"
    assert deploy["concurrency"]["cancel-in-progress"] is False


def test_no_text_of_a_pull_request_becomes_part_of_a_shell_command() -> None:
    commands = [each["run"] for job in JOBS.values() for each in job["steps"] if "run" in each]
    assert not [each for each in commands if "${{" in each]


@pytest.mark.parametrize(("name", "subject"), [("deployer", "environment:prod"), ("planner", "pull_request")])
def test_the_trust_names_one_repository_and_one_context(name: str, subject: str) -> None:
    [statement] = json.loads((EXAMPLE / f"trust-{name}.json").read_text())["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert set(statement["Condition"]) == {"StringEquals"}
    condition = statement["Condition"]["StringEquals"]
    assert condition[f"{ISSUER}:aud"] == "sts.amazonaws.com"
    assert re.fullmatch(rf"repo:[\w-]+/[\w-]+:{subject}", condition[f"{ISSUER}:sub"])
    assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{ISSUER}")


def test_the_roles_of_the_workflow_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs" / "OPERATIONS.md").read_text()
    for job in JOBS:
        [credentials] = steps(job, "aws-actions/configure-aws-credentials")
        assert credentials["with"]["role-to-assume"].rpartition("/")[2] in text
