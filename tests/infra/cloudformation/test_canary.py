"""A canary is judged by what the new version does, beside the old one in the same minutes, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.cloudformation import canary, options, template
from infra.cloudformation.template import Template
from infra.packaging.service_zip import Package
from infra.stage import Stage, parse
from tests.infra.packaging.test_service_zip import lint

STAGE = parse({"name": "prod", "stack": "s", "function": {"canary": "Canary10Percent5Minutes"}})
SHIFTING = 5 * 60
NO_CANARY = parse({"name": "dev", "stack": "s"})


@pytest.fixture(scope="session")
def deployed(built_package: Package) -> Template:
    return expand(built_package, STAGE)


def expand(built: Package, stage: Stage) -> Template:
    sam = options.with_options(built.template, stage)
    return template.expand(template.locate(sam, "bucket", "key", "0" * 64))


def of_type(found: Template, kind: str) -> dict[str, Any]:
    return {name: each for name, each in found["Resources"].items() if each["Type"] == kind}


def guards(found: Template) -> dict[str, Any]:
    """The alarms of the deployment group, by logical id."""
    [group] = of_type(found, "AWS::CodeDeploy::DeploymentGroup").values()
    names = [alarm["Name"]["Ref"] for alarm in group["Properties"]["AlarmConfiguration"]["Alarms"]]
    return {name: found["Resources"][name]["Properties"] for name in names}


def list_metrics(alarm: Template) -> dict[str, Any]:
    return {each["Id"]: each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each}


def test_at_once_the_alias_moves_without_codedeploy_and_everything_else_is_the_same(deployed: Template) -> None:
    moved = canary.at_once(deployed)
    [(name, alias)] = of_type(deployed, "AWS::Lambda::Alias").items()
    assert alias["UpdatePolicy"].keys() == {"CodeDeployLambdaAliasUpdate"}
    assert "UpdatePolicy" not in moved["Resources"][name]
    alias = {key: value for key, value in alias.items() if key != "UpdatePolicy"}
    assert moved == {**deployed, "Resources": {**deployed["Resources"], name: alias}}


def test_at_once_leaves_other_update_policies(deployed: Template) -> None:
    given = json.loads(json.dumps(deployed))
    [name] = of_type(given, "AWS::Lambda::Alias")
    given["Resources"][name]["UpdatePolicy"]["Other"] = True
    assert canary.at_once(given)["Resources"][name]["UpdatePolicy"] == {"Other": True}


def test_a_stage_without_a_canary_moves_at_once_anyway(built_package: Package) -> None:
    plain = expand(built_package, NO_CANARY)
    assert canary.at_once(plain) == plain
    assert not of_type(plain, "AWS::CodeDeploy::DeploymentGroup")
    assert not [name for name in plain["Resources"] if name.startswith("Canary")]


def test_what_is_skipped_is_named() -> None:
    said = canary.describe_skipped(STAGE)
    for named in ("Canary10Percent5Minutes", "5xx", "4xx", "errors", "latency", "make rollback STAGE=prod"):
        assert named in said
    assert "no canary" in canary.describe_skipped(NO_CANARY)


@pytest.mark.slow
def test_both_ways_are_clean_and_wait_for_nothing_in_a_circle(deployed: Template, tmp_path: Path) -> None:
    shifted, moved = tmp_path / "shifted.json", tmp_path / "moved.json"
    shifted.write_text(json.dumps(deployed))
    moved.write_text(json.dumps(canary.at_once(deployed)))
    assert lint(shifted, moved) == []
