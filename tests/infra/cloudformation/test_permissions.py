"""The emulator does not check who may invoke, publish or assume: here every stage and every option is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cloudformation.template import Template
from infra.findings.policies import Document, documents
from infra.packaging.service_zip import Package, read_yaml
from infra.paths import ROOT, STAGES
from infra.stage import Stage, load_unfinished
from tests.infra.cloudformation.test_options import EVERYTHING, RESTORED, expanded

PLAIN = [load_unfinished(path.stem) for path in sorted(STAGES.glob("*.toml"))]
OPTIONS = [EVERYTHING, EVERYTHING.model_copy(update={
    "name": "everything-open", "function": EVERYTHING.function.model_copy(update={"gateway_only": False}),
}), RESTORED]  # fmt: skip
# The actions that IAM allows for `*` only (service authorization reference, and AWS's own managed policies).
WITHOUT_RESOURCE = {
    "cloudwatch:DescribeAlarms": "the canary's alarms",
    "ec2:DescribeNetworkInterfaces": "EC2's lists",
    "ec2:DescribeSubnets": "EC2's lists",
    "xray:PutTelemetryRecords": "X-Ray has no resource to name",
    "xray:PutTraceSegments": "X-Ray has no resource to name",
}
OF_ROLE = {"ProbeRole": {"apigateway", "ec2"}, "UpkeepRole": {"events"}}
SCHEDULES = {"UpkeepSchedule": "Upkeep", "HeartbeatSchedule": "Upkeep", "ProbeSchedule": "Probe"}
USERS = {
    "AWS::Lambda::Function": "lambda.amazonaws.com",
    "AWS::CodeDeploy::DeploymentGroup": "codedeploy.amazonaws.com",
    "AWS::Events::Rule": "events.amazonaws.com",
    "AWS::ApiGateway::Account": "apigateway.amazonaws.com",
}
PUBLISHERS = {"AWS::CloudWatch::Alarm": "cloudwatch.amazonaws.com", "AWS::Events::Rule": "events.amazonaws.com"}


@pytest.fixture(scope="module", params=[*PLAIN, *OPTIONS], ids=lambda stage: stage.name)
def template(request: pytest.FixtureRequest, built_package: Package) -> Template:
    stage: Stage = request.param
    return expanded(built_package, stage)


def of_type(template: Template, kind: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == kind}


def actions(statement: dict[str, Any]) -> list[str]:
    return listed(statement["Action"])


def listed(value: Any) -> list[Any]:  # noqa: ANN401  # JSON is any
    return list(value) if isinstance(value, list) else [value]


def names(node: Any, wanted: str) -> bool:  # noqa: ANN401  # JSON is any
    """Whether the node refers to the resource."""
    text = json.dumps(node)
    return json.dumps({"Ref": wanted}) in text or f'"Fn::GetAtt": ["{wanted}"' in text or f"${{{wanted}}}" in text


def identity_policies(template: Template) -> Iterator[Document]:
    for each in documents(template):
        if template["Resources"][each.resource]["Type"].startswith("AWS::IAM::") and not each.is_trust:
            yield each


def test_every_role_is_assumed_by_what_uses_it_and_nobody_else(template: Template) -> None:
    trusts = {each.resource: each.statements for each in documents(template) if each.is_trust}
    assert trusts.keys() == of_type(template, "AWS::IAM::Role").keys()
    for role, statements in trusts.items():
        users = {
            USERS[each["Type"]]
            for name, each in template["Resources"].items()
            if name != role and each["Type"] in USERS and names(each["Properties"], role)
        }
        assert len(users) == 1, (role, users)
        [statement] = statements
        assert (statement["Effect"], actions(statement)) == ("Allow", ["sts:AssumeRole"])
        assert set(listed(statement["Principal"]["Service"])) == users
        assert statement["Principal"].keys() == {"Service"}


def test_no_action_is_a_wildcard_and_a_wildcard_resource_has_a_reason(template: Template) -> None:
    for document in identity_policies(template):
        for statement in document.statements:
            assert {"Action", "Resource"} <= statement.keys()
            assert not [each for each in actions(statement) if "*" in each], document
            if "*" in listed(statement["Resource"]) and statement["Effect"] == "Allow":
                assert set(actions(statement)) <= WITHOUT_RESOURCE.keys(), document


def test_no_role_of_the_stack_may_use_kms_or_read_parameters_or_pass_roles(template: Template) -> None:
    for document in identity_policies(template):
        role_id = document.resource
        if template["Resources"][role_id]["Type"] == "AWS::IAM::Role":
            held = {each.split(":")[0] for statement in document.statements for each in actions(statement)}
            assert held <= {"cloudwatch", "dynamodb", "lambda", "logs", "xray", *OF_ROLE.get(role_id, ())}, document
    for role in of_type(template, "AWS::IAM::Role").values():
        assert not role.get("ManagedPolicyArns")


def test_a_policy_that_allows_kms_always_names_the_namespace(template: Template) -> None:
    for document in identity_policies(template):
        for statement in document.statements:
            if any(each.startswith("kms:") for each in actions(statement)):
                assert "kms:EncryptionContext:configsvc:namespace" in json.dumps(statement.get("Condition"))
                assert all(each.startswith("arn:") for each in listed(statement["Resource"]))


def test_a_schedule_may_invoke_its_function_and_nobody_else(template: Template) -> None:
    rules, functions = of_type(template, "AWS::Events::Rule"), of_type(template, "AWS::Lambda::Function")
    wanted = {rule: function for rule, function in SCHEDULES.items() if function in functions}
    assert wanted.keys() == {name for name, each in rules.items() if "ScheduleExpression" in each}
    permissions = {
        name: each
        for name, each in of_type(template, "AWS::Lambda::Permission").items()
        if each["FunctionName"] != {"Ref": "APIHandlerAliaslive"}
    }
    assert permissions.keys() == {f"{rule}Permission" for rule in wanted}
    for rule, function in wanted.items():
        [target] = rules[rule]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
        assert permissions[f"{rule}Permission"] == {
            "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com",
            "FunctionName": {"Ref": function}, "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
        }  # fmt: skip


def test_the_stage_may_invoke_the_alias_and_nobody_else_it(template: Template) -> None:
    integrations = json.dumps(of_type(template, "AWS::ApiGateway::RestApi"))
    assert "${Alias}/invocations" in integrations
    permissions, policies = (of_type(template, f"AWS::Lambda::{kind}") for kind in ("Permission", "ResourcePolicy"))
    permissions = {name: each for name, each in permissions.items() if not name.startswith(tuple(SCHEDULES))}
    assert bool(permissions) != bool(policies)
    for each in permissions.values():
        assert (each["Action"], each["Principal"]) == ("lambda:InvokeFunction", "apigateway.amazonaws.com")
        assert each["FunctionName"] == {"Ref": "APIHandlerAliaslive"}
        assert each["SourceArn"]["Fn::Sub"].endswith(":${RestAPI}/api/*")
    allowed = [
        statement
        for document in documents(template)
        if document.resource in policies
        for statement in document.statements
        if statement["Effect"] == "Allow"
    ]
    assert len(allowed) == (1 if policies else 0)
    for statement in allowed:
        assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        assert ":RestAPI/api/" in statement["Condition"]["ArnLike"]["aws:SourceArn"]


def test_whatever_notifies_a_topic_of_the_stack_may_publish_to_it_and_nothing_else(template: Template) -> None:
    for topic in of_type(template, "AWS::SNS::Topic"):
        needed = {
            PUBLISHERS[each["Type"]]
            for each in template["Resources"].values()
            if each["Type"] in PUBLISHERS and names(each["Properties"], topic)
        }
        statements = [
            statement
            for each in documents(template)
            if template["Resources"][each.resource]["Type"] == "AWS::SNS::TopicPolicy"
            and names(template["Resources"][each.resource]["Properties"]["Topics"], topic)
            for statement in each.statements
        ]
        assert {each["Principal"]["Service"] for each in statements} == needed
        for statement in statements:
            assert (statement["Effect"], actions(statement)) == ("Allow", ["sns:Publish"])
            assert "aws:Source" in json.dumps(statement["Condition"]), statement
            assert "*" not in listed(statement["Resource"])


def test_every_queue_and_target_is_of_a_kind_that_these_tests_know(template: Template) -> None:
    """A new kind of event source needs a permission, and an assertion here."""
    kinds = {each["Type"] for each in template["Resources"].values()}
    unknown = ("AWS::SQS::", "AWS::Lambda::EventSourceMapping", "AWS::Scheduler::",
               "AWS::Logs::SubscriptionFilter", "AWS::Logs::Destination", "AWS::StepFunctions::")  # fmt: skip
    assert not [kind for kind in kinds if kind.startswith(unknown)]
    for configured in of_type(template, "AWS::Lambda::EventInvokeConfig").values():
        assert "DestinationConfig" not in configured
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"] if name not in SCHEDULES else ():
            assert names(target["Arn"], "AlarmTopic") or str(target["Arn"]).startswith("arn:aws:sns:")


def test_nobody_but_a_service_or_an_account_is_a_principal_of_an_allow(template: Template) -> None:
    for document in documents(template):
        for statement in document.statements:
            if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
                # The API's resource policy: routes that need no signature are limited by its Deny.
                kind = template["Resources"][document.resource]["Type"]
                assert kind == "AWS::ApiGateway::RestApi" or statement.get("Condition"), document


@pytest.mark.parametrize(
    "path", ["examples/consumer/template.yaml", "examples/canary/template.yaml", "infra/account.yaml"]
)
def test_the_other_templates_give_each_role_to_one_service(path: str) -> None:
    template = read_yaml(Path(ROOT / path))
    test_every_role_is_assumed_by_what_uses_it_and_nobody_else(template)
    test_no_action_is_a_wildcard_and_a_wildcard_resource_has_a_reason(template)
    test_a_policy_that_allows_kms_always_names_the_namespace(template)
