"""A canary is judged by what the new version does, beside the old one in the same minutes, and by nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # ships no types

from configsvc.adapters import metrics
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


def test_no_service_wide_alarm_guards_so_all_of_them_may_fire(deployed: Template) -> None:
    # CodeDeploy rolls back at once if an alarm is in ALARM as the deployment begins (SAM, safe_lambda_deployments).
    firing = {
        name
        for name, each in of_type(deployed, "AWS::CloudWatch::Alarm").items()
        if "AlarmActions" in each["Properties"]
    }
    assert {"ServerErrorsAlarm", "FunctionErrorsAlarm", "LatencyAlarm", "ClientErrorsAlarm"} <= firing
    assert guards(deployed).keys() == {
        "CanaryErrorsAlarm", "CanaryFailuresAlarm", "CanaryLatencyAlarm", "CanaryRefusalsAlarm",
    }  # fmt: skip
    assert not guards(deployed).keys() & firing


def test_no_guard_counts_what_api_gateway_answers_without_the_code(deployed: Template) -> None:
    found = [metric for alarm in guards(deployed).values() for metric in list_metrics(alarm).values()]
    assert {metric["Namespace"] for metric in found} == {"AWS/Lambda", "configsvc"}


def test_every_guard_compares_the_new_version_with_all_that_the_alias_serves(deployed: Template) -> None:
    [version] = of_type(deployed, "AWS::Lambda::Version")
    number = {"Fn::GetAtt": [version, "Version"]}
    alias = [
        {"Name": "FunctionName", "Value": {"Ref": "APIHandler"}},
        {"Name": "Resource", "Value": {"Fn::Sub": "${APIHandler}:live"}},
    ]
    service = [{"Name": metrics.SERVICE, "Value": {"Ref": "APIHandler"}}]
    of = {
        "AWS/Lambda": (alias, [*alias, {"Name": "ExecutedVersion", "Value": number}]),
        "configsvc": (service, [*service, {"Name": metrics.VERSION, "Value": number}]),
    }
    for alarm in guards(deployed).values():
        for name, metric in list_metrics(alarm).items():
            assert metric["Dimensions"] == of[metric["Namespace"]][name.startswith("new")], name


def test_the_guards_count_what_lambda_and_the_request_log_count(deployed: Template) -> None:
    judged = {
        name: {metric["MetricName"] for metric in list_metrics(alarm).values()} - {"Invocations"}
        for name, alarm in guards(deployed).items()
    }
    assert judged == {
        "CanaryErrorsAlarm": {"Errors"},
        "CanaryFailuresAlarm": {metrics.FAILED},
        "CanaryLatencyAlarm": {"Duration"},
        "CanaryRefusalsAlarm": {metrics.REFUSED},
    }


def test_a_guard_is_another_alarm_for_every_version(deployed: Template) -> None:
    # "When you update an existing alarm, its state is left unchanged" (PutMetricAlarm): one that an earlier version
    # raised would roll the next one back. A changed name replaces the resource.
    [version] = of_type(deployed, "AWS::Lambda::Version")
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::CloudWatch::Alarm").schema
    assert "/properties/AlarmName" in schema["createOnlyProperties"]
    names = [alarm["AlarmName"]["Fn::Sub"] for alarm in guards(deployed).values()]
    assert len({text for text, _ in names}) == len(names)
    for text, values in names:
        assert text.endswith("-${Version}")
        assert values == {"Version": {"Fn::GetAtt": [version, "Version"]}}


def test_a_guard_pages_nobody_and_decides_in_time(deployed: Template) -> None:
    for alarm in guards(deployed).values():
        assert not {"AlarmActions", "OKActions", "InsufficientDataActions"} & alarm.keys()
        assert alarm["TreatMissingData"] == "notBreaching"
        periods = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
        assert max(periods) * alarm["DatapointsToAlarm"] <= SHIFTING - 120, "metrics are late"


def test_the_role_shifts_one_alias_and_looks_at_alarms(deployed: Template) -> None:
    [group] = of_type(deployed, "AWS::CodeDeploy::DeploymentGroup").values()
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["Properties"]["AutoRollbackConfiguration"]["Events"]
    assert group["Properties"]["ServiceRoleArn"] == {"Fn::GetAtt": ["CanaryRole", "Arn"]}
    role = deployed["Resources"]["CanaryRole"]["Properties"]
    shift, look = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert "ManagedPolicyArns" not in role
    assert all("function:${AWS::StackName}-api" in each["Fn::Sub"] for each in shift["Resource"])
    # AWSCodeDeployRoleForLambdaLimited has it so: CloudWatch ignores ARNs there.
    assert (look["Action"], look["Resource"]) == (["cloudwatch:DescribeAlarms"], "*")


def test_the_emulator_gets_none_of_it_but_the_role(deployed: Template) -> None:
    left = template.for_emulator(deployed, "http://127.0.0.1:4566")["Resources"]
    assert [name for name in left if name.startswith("Canary")] == ["CanaryRole"]
    assert "CodeDeploy" not in json.dumps({name: each for name, each in left.items() if name != "CanaryRole"})


def test_no_output_and_no_other_resource_names_a_guard(deployed: Template) -> None:
    # The dashboard shows the versions by search: naming their alarms, it would change with every version.
    others = {n: r for n, r in deployed["Resources"].items() if n not in guards(deployed)}
    naming = [
        name for name, each in others.items() if any(f'"{guard}"' in json.dumps(each) for guard in guards(deployed))
    ]
    assert naming == ["APIHandlerDeploymentGroup"]


def test_cloudwatch_takes_the_guards_as_they_are(deployed: Template) -> None:
    # PutMetricAlarm, by botocore's model and what its description says of `Metrics`.
    shape = (
        boto3.client("cloudwatch", region_name="us-east-1")
        .meta.service_model.operation_model("PutMetricAlarm")
        .input_shape
    )
    assert shape
    for alarm in guards(deployed).values():
        sent = {**fill_in(alarm), "Threshold": 1.0}
        assert not ParamValidator().validate(sent, shape).has_errors()
        assert len(sent["AlarmName"]) <= 255
        queries = alarm["Metrics"]
        assert all(re.fullmatch("[a-z][A-Za-z0-9_]*", each["Id"]) for each in queries)
        assert max(sum("MetricStat" in q for q in queries), sum("Expression" in q for q in queries)) <= 10
        assert sum(each["ReturnData"] for each in queries) == 1


def fill_in(node: Any) -> Any:  # noqa: ANN401  # JSON is any
    """The node with a text for each function."""
    if isinstance(node, list):
        return [fill_in(part) for part in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1 and next(iter(node)).startswith(("Ref", "Fn::")):
        return "x" * 64
    return {name: fill_in(value) for name, value in node.items()}
