"""CodeDeploy's part of a deployment, with the client of botocore: stopped, explained, and the alarms that stop it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from infra.deployment.change_set import Change
from infra.deployment.deploy import Target
from infra.deployment.explanations import advise
from infra.deployment.shifting import explain_failure, list_blocking, list_firing, stop_canary, warn_of_alarms
from infra.deployment.stack import Stack

AT = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
GROUP = {"applicationName": "app-1", "deploymentGroupName": "group-1"}


class Made:
    """A stack with these resources, by type."""

    def __init__(self, **kinds: dict[str, str]) -> None:
        self.kinds = {name.replace("_", "::"): made for name, made in kinds.items()}

    def made(self, kind: str | None = None) -> dict[str, str]:
        return self.kinds.get(kind or "", {})


def stack(*, canary: bool = True) -> Stack:
    made = Made(
        AWS_CodeDeploy_Application={"App": "app-1"} if canary else {},
        AWS_CodeDeploy_DeploymentGroup={"Group": "group-1"} if canary else {},
        AWS_CloudWatch_Alarm={"A": "s-a", "B": "s-b"},
    )
    return cast("Stack", made)


def connect(service: str) -> Any:  # noqa: ANN401  # one of boto3's many
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")  # type: ignore[call-overload]  # by name


def test_the_canary_under_way_is_stopped_and_its_requests_go_back() -> None:
    client, said = connect("codedeploy"), list[str]()
    with Stubber(client) as stub:
        going = {**GROUP, "includeOnlyStatuses": ["Created", "Queued", "InProgress", "Ready"]}
        stub.add_response("list_deployments", {"deployments": ["d-1", "d-2"]}, going)
        stub.add_response(
            "stop_deployment", {"status": "Pending"}, {"deploymentId": "d-1", "autoRollbackEnabled": True}
        )
        stub.add_client_error(
            "stop_deployment", "DeploymentAlreadyCompletedException", "The deployment is already complete."
        )
        stop_canary(client, stack(), said.append)
        stub.assert_no_pending_responses()
    assert said == ["CodeDeploy stops d-1 and sends all requests back to the previous version."]


def test_who_may_not_stop_it_is_told_and_the_rollback_goes_on() -> None:
    client, said = connect("codedeploy"), list[str]()
    with Stubber(client) as stub:
        stub.add_response("list_deployments", {"deployments": ["d-1"]})
        stub.add_client_error(
            "stop_deployment", "AccessDeniedException", "User: u is not authorized to perform: x", 403
        )
        stop_canary(client, stack(), said.append)
    assert "was not stopped" in said[0]
    assert "CloudFormation ends it" in said[0]


def test_without_a_canary_codedeploy_is_not_asked() -> None:
    client = connect("codedeploy")
    with Stubber(client):
        stop_canary(client, stack(canary=False), lambda _: None)
        assert explain_failure(client, stack(canary=False), AT) is None


def test_a_failed_canary_is_explained_by_codedeploys_own_message_of_this_time() -> None:
    # The text is what CodeDeploy answers for ALARM_ACTIVE, as public repositories record it.
    text = (
        "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and "
        "the affected "
        "deployments have been stopped. Activated alarms: <s-canary-errors-13>"
    )
    client = connect("codedeploy")
    with Stubber(client) as stub:
        asked = {**GROUP, "includeOnlyStatuses": ["Failed", "Stopped"], "createTimeRange": {"start": AT}}
        stub.add_response("list_deployments", {"deployments": ["d-1", "d-2"]}, asked)
        stub.add_response(
            "batch_get_deployments",
            {"deploymentsInfo": [
                {"deploymentId": "d-1", "status": "Stopped", "createTime": AT.replace(minute=2),
                 "errorInformation": {"code": "ALARM_ACTIVE", "message": text}},
                {"deploymentId": "d-2", "status": "Failed", "createTime": AT.replace(minute=1)},
            ]},
            {"deploymentIds": ["d-1", "d-2"]},
        )  # fmt: skip
        said = explain_failure(client, stack(), AT)
        stub.add_response("list_deployments", {"deployments": []})
        assert explain_failure(client, stack(), AT) is None
    assert said == f"CodeDeploy: {text}"
    assert (advise(said) or "").startswith("CodeDeploy stopped the canary")


def test_the_alarms_of_the_stack_that_fire_are_listed() -> None:
    client = connect("cloudwatch")
    with Stubber(client) as stub:
        asked = {"AlarmNames": ["s-a", "s-b"], "StateValue": "ALARM"}
        stub.add_response("describe_alarms", {"MetricAlarms": [{"AlarmName": "s-b"}]}, asked)
        assert list_firing(client, stack()) == ["s-b"]


def template(*, canary: bool, by_version: bool) -> dict[str, Any]:
    name = {"Fn::Sub": ["s-${Version}", {"Version": {"Fn::GetAtt": ["FVersion1", "Version"]}}]} if by_version else "s-a"
    policy: dict[str, Any] = {"UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {}}} if canary else {}
    return {
        "Resources": {
            "FVersion1": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
            "Alias": {"Type": "AWS::Lambda::Alias", "Properties": {}, **policy},
            "A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": name}},
            "B": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "s-b"}},
            "Group": {
                "Type": "AWS::CodeDeploy::DeploymentGroup",
                "Properties": {"AlarmConfiguration": {"Alarms": [{"Name": {"Ref": "A"}}]}},
            },
        }
    }


@pytest.mark.parametrize(
    ("canary", "by_version", "firing", "blocking"),
    [
        (True, False, ["s-a", "s-b"], ["s-a"]),
        (True, False, ["s-b"], []),  # CodeDeploy does not watch it
        (True, True, ["s-a", "s-b"], []),  # the next deployment has another alarm
        (False, False, ["s-a"], []),
    ],
)
def test_only_alarms_that_codedeploy_watches_and_that_stay_block(
    *, canary: bool, by_version: bool, firing: list[str], blocking: list[str]
) -> None:
    made = {"A": "s-a", "B": "s-b"}
    assert list_blocking(template(canary=canary, by_version=by_version), firing, made) == blocking


@pytest.mark.parametrize(
    ("by_version", "said"),
    [
        (False, "The canary watches s-a, so CodeDeploy would stop this deployment at once and go back."),
        (True, "They do not stop the canary, which compares the new version with the previous one."),
    ],
)
def test_before_anybody_is_asked_the_firing_alarms_are_told(*, by_version: bool, said: str) -> None:
    told, cloudwatch, cloudformation = list[str](), connect("cloudwatch"), connect("cloudformation")
    resource = {
        "ResourceStatus": "UPDATE_COMPLETE",
        "LastUpdatedTimestamp": AT,
        "ResourceType": "AWS::CloudWatch::Alarm",
    }
    resources = [{**resource, "LogicalResourceId": "A", "PhysicalResourceId": "s-a"}]

    def approve(_changes: list[Change]) -> bool:
        told.append("asked")
        return True

    target = Target(cloudformation, connect("s3"), connect("lambda"), "b", told.append, cloudwatch=cloudwatch)
    check = warn_of_alarms(target, "s", template(canary=True, by_version=by_version), approve)
    with Stubber(cloudwatch) as alarms, Stubber(cloudformation) as stub:
        for _ in range(2):
            stub.add_response("list_stack_resources", {"StackResourceSummaries": resources})
        alarms.add_response("describe_alarms", {"MetricAlarms": [{"AlarmName": "s-a"}]})
        assert check([])
    assert told[0] == "Alarms of s that fire now: s-a."
    assert told[1].startswith(said)
    assert told[2] == "asked"
