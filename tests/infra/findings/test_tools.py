"""Each linter runs, finds what is wrong, and finds nothing that is not accepted in a stage with every option."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.findings.__main__ import ACCEPTED, main
from infra.findings.accepted import compare, parse
from infra.findings.tools import LinterFailed, find_all, run_cfn_lint, run_checkov, run_parliament
from infra.packaging.service_zip import Package
from infra.stage import Stage
from tests.infra.cloudformation.test_options import EVERYTHING, RESTORED, expanded

pytestmark = pytest.mark.slow

# A key of every request from a function's code (Lambda developer guide, "Using source function ARN").
UNKNOWN_TO_PARLIAMENT = "Unknown condition lambda:SourceFunctionArn for action ec2:"
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def template(tmp_path: Path, resources: dict[str, Any]) -> Path:
    path = tmp_path / "faulty.json"
    path.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}))
    return path


def role(*statements: dict[str, Any]) -> dict[str, Any]:
    policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
    trust = {"Version": "2012-10-17", "Statement": [TRUST]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Policies": [policy]}}


def test_cfn_lint_tells_of_a_log_group_that_goes_with_the_stack(tmp_path: Path) -> None:
    path = template(tmp_path, {"Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}}})
    assert ("cfn-lint I3011", "faulty", "Log") in {each[:3] for each in run_cfn_lint([path])}


def test_checkov_tells_of_a_stage_without_access_log(tmp_path: Path) -> None:
    properties = {"RestApiId": "a1b2c3d4e5", "StageName": "api"}
    path = template(tmp_path, {"Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": properties}})
    assert ("CKV_AWS_76", "faulty", "Stage") in {each[:3] for each in run_checkov([path])}


@pytest.mark.parametrize(
    ("statement", "issue"),
    [
        ({"Action": "kms:Unseal", "Resource": "arn:aws:kms:us-east-1:111122223333:key/k"}, "UNKNOWN_ACTION"),
        ({"Action": "dynamodb:GetItem", "Resource": "arn:aws:s3:::bucket"}, "RESOURCE_MISMATCH"),
        ({"Action": "dynamodb:GetItem", "Resource": "*"}, "RESOURCE_STAR"),
    ],
)
def test_parliament_tells_of_a_policy_that_grants_nothing_or_too_much(
    tmp_path: Path, statement: dict[str, Any], issue: str
) -> None:
    path = template(tmp_path, {"Role": role({"Effect": "Allow", **statement})})
    assert {each[:3] for each in run_parliament([path])} == {(f"parliament {issue}", "faulty", "Role")}


def test_a_template_that_is_absent_or_broken_is_no_clean_result(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    with pytest.raises(LinterFailed, match=r"There is no .*broken\.json"):
        find_all([broken])
    broken.write_text('{"Resources": ')
    with pytest.raises(LinterFailed, match="is no template"):
        find_all([broken])
    with pytest.raises(LinterFailed, match="no resource"):
        run_checkov([broken])


def test_the_check_fails_on_a_finding_that_is_not_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = template(tmp_path, {"Log": {"Type": "AWS::Logs::LogGroup"}})
    assert main([str(path)]) == 1
    assert "not accepted: cfn-lint I3011  faulty  Log" in capsys.readouterr().out


@pytest.mark.parametrize("stage", [EVERYTHING, RESTORED], ids=lambda stage: stage.name)
def test_every_option_of_a_stage_is_fine_too(built_package: Package, tmp_path: Path, stage: Stage) -> None:
    function = stage.function.model_copy(update={"reserved_concurrency": 10})
    path = tmp_path / "prod.json"  # where least is accepted
    complete = stage.model_copy(update={"access_log": True, "function": function})
    path.write_text(json.dumps(expanded(built_package, complete)))
    found = compare(find_all([path]), parse(ACCEPTED.read_text()), ())
    assert [
        each for each in found if not each.startswith("no longer found") and UNKNOWN_TO_PARLIAMENT not in each
    ] == []
