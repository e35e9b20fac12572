"""The deployer's policies cover what CloudFormation and our commands call, and reach no more than the stack.

What is called comes from others: the schemas of the resource types say what their handlers need, and botocore's models
know the operations that our code names. parliament judges the documents.
"""

from __future__ import annotations

import ast
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from infra import deployer
from infra.findings.tools import run_parliament
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from infra.stage import Stage, load, load_unfinished, parse
from tests.infra.cloudformation.test_options import BOUNDARY, EVERYTHING, RESTORED, expanded
from tests.support.infra.schemas import permissions

ACCOUNT, REGION = "111122223333", "us-east-1"
POLICIES = deployer.make_policies(EVERYTHING, ACCOUNT, REGION)
CLOUDFORMATION = ("cloudformation-api", "cloudformation-function", "cloudformation-roles", "cloudformation-scheduled")

# What the handlers of the resource types need for features that the templates do not use.
UNUSED = {
    "no file system, layer, code signing, capacity provider or recursion setting": (
        "elasticfilesystem:* s3files:* lambda:GetCodeSigningConfig lambda:DeleteFunctionCodeSigningConfig "
        "lambda:PutFunctionCodeSigningConfig lambda:GetLayerVersion lambda:PassCapacityProvider "
        "lambda:PutFunctionRecursionConfig lambda:PutFunctionScalingConfig lambda:AssociateRuntimeAlias "
        "lambda:PutRuntimeManagementConfig"
    ),
    "a web ACL is associated with an API only": (
        "amplify:* apprunner:* appsync:* bedrock-agentcore:* cognito-idp:* ec2:*WebAcl* elasticloadbalancing:* "
        "wafv2:*PermissionPolicy"
    ),
    "the table has no replica, import, stream to Kinesis, policy or insight, and AWS's key": (
        "dynamodb:*Item dynamodb:*TableReplica dynamodb:Query dynamodb:Scan dynamodb:*ImportTable "
        "dynamodb:DescribeImport dynamodb:*ableKinesisStreamingDestination dynamodb:UpdateKinesisStreamingDestination "
        "dynamodb:UpdateContributorInsights dynamodb:PutResourcePolicy dynamodb:DeleteResourcePolicy kinesis:* "
        "s3:GetObjectMetadata s3:ListBucket"
    ),
    "nothing of the stack is encrypted with a KMS key by the deployer": (
        "kms:CreateGrant kms:RevokeGrant kms:Decrypt kms:Encrypt kms:GenerateDataKey"
    ),
    "log groups have no key, delivery, index, protection or policy": (
        "firehose:* logs:*KmsKey logs:CreateLogDelivery logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents "
        "logs:PutDataProtectionPolicy logs:DeleteDataProtectionPolicy logs:*IndexPolicy logs:*ResourcePolicy "
        "logs:PutBearerTokenAuthentication "
        "logs:PutLogGroupDeletionProtection s3:REST.PUT.OBJECT"
    ),
    "a ready-made policy is attached by people, outside the stack": (
        "iam:AttachGroupPolicy iam:AttachUserPolicy iam:DetachGroupPolicy iam:DetachUserPolicy"
    ),
    "a topic has no data protection policy": "sns:PutDataProtectionPolicy",
    "no on-premises server is registered": "codedeploy:RegisterOnPremisesInstance codedeploy:StopDeployment",
    "read handlers list all roles or policies, which no deployment needs": "iam:ListRoles iam:ListPolicies",
    "a boundary once set stays": "iam:DeleteRolePermissionsBoundary",
    "a stack reads itself with the deployer's own policy": "cloudformation:DescribeStacks",
}  # fmt: skip
WITHOUT_RESOURCE = (
    r":(List|Describe)|xray:GetSamplingRules|kms:CreateKey|codedeploy:StopDeployment|sns:\w*[Ss]ubscri"
    r"|logs:\w*QueryDefin"
)
# IAM's names of two operations ("Actions, resources, and condition keys for Amazon S3").
RENAMED = {"s3:HeadBucket": "s3:ListBucket", "s3:ListObjectsV2": "s3:ListBucket", "s3:HeadObject": "s3:GetObject",
           "apigateway:GetAccount": "apigateway:GET"}  # fmt: skip
NEEDS_NOTHING = {"sts:GetCallerIdentity"}
SERVICES = ("cloudformation", "s3", "lambda", "dynamodb", "kms", "codedeploy", "cloudwatch", "ssm", "sts", "logs",
            "apigateway", "sns")  # fmt: skip
# What parliament 1.6.4 takes for wrong, and why it is not.
ACCEPTED = {
    "UNKNOWN_ACTION": r"lambda:(DeleteResourcePolicy|GetResourcePolicy|PutResourcePolicy|GetFunctionScalingConfig)"
    "|cloudformation:DescribeEvents$",
    "UNKNOWN_CONDITION_FOR_ACTION": "kms:ResourceAliases",  # of every action on a key (KMS developer guide)
    "RESOURCE_STAR": "cloudwatch:DescribeAlarms",  # of alarms by name, IAM looks at the whole list
    "RESOURCE_MISMATCH": r"^\[(\{'action': 'kms:(Create|Delete|Update)Alias'[^}]*\}(, )?)+\]$",  # two rules
    "MISMATCHED_TYPE_BUT_USABLE": "StringEquals .* Arn",  # iam:PermissionsBoundary works with string operators
}


def granted(*names: str, policies: dict[str, dict[str, Any]] = POLICIES) -> set[str]:
    return {action for name in names for each in policies[name]["Statement"] for action in each["Action"]}


def is_unused(action: str) -> bool:
    return any(fnmatchcase(action, pattern) for patterns in UNUSED.values() for pattern in patterns.split())


@pytest.fixture(scope="module")
def needed(built_package: Package) -> set[str]:
    """The actions that creating, updating and deleting each resource type of our templates needs."""
    templates = [
        expanded(built_package, stage) for stage in (EVERYTHING, RESTORED, load_unfinished("prod"), load("dev"))
    ]
    kinds = {each["Type"] for template in templates for each in template["Resources"].values()}
    return {action for kind in kinds for action in permissions(kind)}


def test_every_action_that_a_resource_type_needs_is_granted(needed: set[str]) -> None:
    assert {each for each in needed if not is_unused(each)} - granted(*CLOUDFORMATION) == set()


def test_no_action_is_granted_to_cloudformation_that_no_resource_type_needs(needed: set[str]) -> None:
    assert granted(*CLOUDFORMATION) - needed == set()


def test_what_is_called_unused_is_needed_by_a_type_and_not_granted(needed: set[str]) -> None:
    for patterns in UNUSED.values():
        for pattern in patterns.split():
            assert [each for each in needed if fnmatchcase(each, pattern)], pattern
            assert not [each for each in granted(*CLOUDFORMATION) if fnmatchcase(each, pattern)], pattern


def called() -> dict[str, set[str]]:
    """The operations of AWS that the commands name, each as the actions that it may be."""
    names = set[str]()
    paths = [*(ROOT / "infra" / "deployment").glob("*.py"), ROOT / "infra" / "aws.py", ROOT / "infra" / "__main__.py"]
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names.add(node.func.attr)
            if node.func.attr == "get_paginator" and isinstance(node.args[0], ast.Constant):
                names.add(str(node.args[0].value))
    found = dict[str, set[str]]()
    for service in SERVICES:
        for operation in Session().get_service_model(service).operation_names:
            if (name := xform_name(operation)) in names:
                found.setdefault(name, set()).add(RENAMED.get(f"{service}:{operation}", f"{service}:{operation}"))
    return found


@pytest.mark.parametrize(("name", "actions"), sorted(called().items()))
def test_every_operation_that_the_commands_call_is_granted(name: str, actions: set[str]) -> None:
    assert actions & (granted("deployer", "destroyer") | NEEDS_NOTHING), name


@pytest.mark.parametrize("name", ["planner", "deployer"])
def test_the_commands_read_one_setting_of_the_gateway(name: str) -> None:
    [reads] = [each for each in POLICIES[name]["Statement"] if each["Action"][0].startswith("apigateway:")]
    assert (reads["Action"], reads["Resource"]) == (["apigateway:GET"], f"arn:aws:apigateway:{REGION}::/account")


@pytest.mark.parametrize(
    ("alarms", "topic"),
    [
        ({"email": "a@b.example"}, f"arn:aws:sns:{REGION}:{ACCOUNT}:everything-*"),
        ({"topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"}, f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"),
    ],
)
def test_a_deployer_sees_who_gets_the_alarms_of_its_topic(alarms: dict[str, str], topic: str) -> None:
    stage = parse({"stack": "everything", "alarms": alarms})
    statements = deployer.make_policies(stage, ACCOUNT, REGION)["deployer"]["Statement"]
    [reads] = [each for each in statements if each["Action"] == ["sns:ListSubscriptionsByTopic"]]
    assert reads["Resource"] == topic


def test_a_planner_executes_deletes_and_moves_nothing() -> None:
    allowed = granted("planner")
    assert "cloudformation:CreateChangeSet" in allowed
    assert not re.search(r":(Execute|Update|Delete(?!ChangeSet)|Stop|Cancel|Continue)", " ".join(allowed))


@pytest.mark.slow  # it needs the environment of the linters
@pytest.mark.parametrize("stage", [EVERYTHING, load_unfinished("prod"), load("dev")], ids=lambda stage: stage.name)
def test_parliament_accepts_the_policies(stage: Stage, tmp_path: Path) -> None:
    wrapped = {
        re.sub(r"\W", "", name): {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
        for name, document in deployer.make_policies(stage, ACCOUNT, REGION).items()
    }
    (tmp_path / "policy.json").write_text(json.dumps({"Resources": wrapped}))
    found = run_parliament([tmp_path / "policy.json"])
    wrong = [each for each in found if not re.search(ACCEPTED.get(each[0].split()[1], "$^"), each[3])]
    assert wrong == []


@pytest.mark.parametrize("document", POLICIES.values(), ids=POLICIES)
def test_a_policy_fits_and_reaches_no_more_than_the_stack(document: dict[str, Any]) -> None:
    assert len(re.sub(r"\s", "", json.dumps(document))) <= 6144
    for statement in document["Statement"]:
        assert "*" not in {action.split(":")[1] for action in statement["Action"]}
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if "*" in resources:
            assert all(re.search(WITHOUT_RESOURCE, each) for each in statement["Action"]), statement["Sid"]
        if "iam:PassRole" in statement["Action"]:
            assert statement["Condition"]["StringEquals"]["iam:PassedToService"]
            assert "*" not in resources


def test_policies_of_a_long_place_fit_and_one_that_does_not_is_named() -> None:
    boundary = f"arn:aws-us-gov:iam::{ACCOUNT}:policy/{'b' * 64}"
    stage = parse({"stack": "s" * 60, "permissions_boundary": boundary, "iam_path": f"/{'p' * 100}/"})
    policies = deployer.make_policies(stage, ACCOUNT, "us-gov-west-1")
    assert deployer.find_too_long(policies) == []
    longer = stage.model_copy(update={"iam_path": f"/{'p' * 500}/"})
    [said] = deployer.find_too_long(deployer.make_policies(longer, ACCOUNT, "us-gov-west-1"))
    assert re.match(r"cloudformation-roles\.json has \S+ characters, and IAM takes 6,144: shorten iam_path", said)


def test_roles_are_made_only_within_the_boundary() -> None:
    bounded = [each for each in POLICIES["cloudformation-roles"]["Statement"] if "iam:CreateRole" in each["Action"]]
    assert [each["Condition"] for each in bounded] == [{"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}]
    plain = deployer.make_policies(load_unfinished("prod"), ACCOUNT, REGION)
    assert "iam:PutRolePermissionsBoundary" not in granted("cloudformation-roles", policies=plain)
    assert "iam:CreateRole" in granted("cloudformation-roles", policies=plain)


def test_the_one_service_linked_role_that_may_be_made_is_that_of_multi_region_keys() -> None:
    """KMS developer guide, "Authorizing AWS KMS to synchronize multi-Region keys": their makers need it."""
    statements = [each for name in CLOUDFORMATION for each in POLICIES[name]["Statement"]]
    [rule] = [each for each in statements if "iam:CreateServiceLinkedRole" in each["Action"]]
    assert rule["Action"] == ["iam:CreateServiceLinkedRole"]
    assert "role/aws-service-role/mrk.kms.amazonaws.com/" in json.dumps(rule["Resource"])
    assert rule["Condition"] == {"StringEquals": {"iam:AWSServiceName": "mrk.kms.amazonaws.com"}}


def test_a_name_that_cloudformation_shortens_is_covered() -> None:
    """It makes role names of at most 64 characters, of the stack's name, the logical id and a random part."""
    long = deployer.make_policies(
        EVERYTHING.model_copy(update={"stack": "configuration-service-of-the-platform"}), ACCOUNT, REGION
    )
    prefix = f"arn:aws:iam::{ACCOUNT}:role/platform/configuration-servic*"
    [roles] = [each["Resource"] for each in long["cloudformation-roles"]["Statement"] if each["Sid"] == "Roles"]
    assert roles == [f"{prefix}-{each}-*" for each in ("ApiHandlerRole", "CanaryRole", "ProbeRole", "UpkeepRole")]


def test_the_files_are_those_of_the_stage_prod() -> None:
    """`python -m infra.deployer prod 111122223333 eu-west-1`, in infra/policies."""
    made = deployer.make_policies(load_unfinished("prod"), ACCOUNT, "eu-west-1")
    folder = ROOT / "infra" / "policies"
    assert {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")} == made


@pytest.mark.parametrize(
    "arguments", [["prod"], ["prod", "1", "eu-west-1"], ["prod", ACCOUNT, "nowhere"], ["no", "1", "x"]]
)
def test_wrong_arguments_are_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert deployer.main(arguments) in {1, 2}
    assert capsys.readouterr().err
