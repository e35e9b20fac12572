"""CodeDeploy's part of a deployment: why it failed, how it is stopped, and the alarms that stop it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from infra.cloudformation.template import Template

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_codedeploy.literals import DeploymentStatusType

    from infra.deployment.change_set import Change
    from infra.deployment.deploy import Target
    from infra.deployment.stack import Approve, Stack

_ALARM, _VERSION = "AWS::CloudWatch::Alarm", "AWS::Lambda::Version"
_APPLICATION, _GROUP = "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"
_GOING: list[DeploymentStatusType] = ["Created", "Queued", "InProgress", "Ready"]
_FAILED: list[DeploymentStatusType] = ["Failed", "Stopped"]
_MOST = 25  # what BatchGetDeployments takes
_OVER = frozenset({"DeploymentAlreadyCompletedException", "DeploymentDoesNotExistException"})


class Group(NamedTuple):
    """A deployment group of a stack."""

    application: str
    name: str


def find_group(stack: Stack) -> Group | None:
    """The stack's deployment group; None if it has no canary."""
    applications, groups = stack.made(_APPLICATION), stack.made(_GROUP)
    if not applications or not groups:
        return None
    return Group(next(iter(applications.values())), next(iter(groups.values())))


def explain_failure(codedeploy: CodeDeployClient, stack: Stack, since: datetime) -> str | None:
    """Why the last canary since then failed, in CodeDeploy's words; None if none did."""
    group = find_group(stack)
    if group is None:
        return None
    listed = codedeploy.list_deployments(
        applicationName=group.application, deploymentGroupName=group.name, includeOnlyStatuses=_FAILED,
        createTimeRange={"start": since},
    )["deployments"]  # fmt: skip
    if not listed:
        return None
    found = codedeploy.batch_get_deployments(deploymentIds=listed[:_MOST])["deploymentsInfo"]
    last = max(found, key=lambda each: each["createTime"])
    return f"CodeDeploy: {last.get('errorInformation', {}).get('message', last['status'])}"


def stop_canary(codedeploy: CodeDeployClient, stack: Stack, tell: Callable[[str], None]) -> None:
    """Stop what CodeDeploy shifts, and have it send all requests back, which CloudFormation alone does only later."""
    group = find_group(stack)
    if group is None:
        return
    going = codedeploy.list_deployments(
        applicationName=group.application, deploymentGroupName=group.name, includeOnlyStatuses=_GOING
    )["deployments"]
    for each in going:
        try:
            codedeploy.stop_deployment(deploymentId=each, autoRollbackEnabled=True)
        except ClientError as error:
            if error.response["Error"].get("Code") not in _OVER:
                tell(f"CodeDeploy's deployment {each} was not stopped: {error} CloudFormation ends it with the update.")
        else:
            tell(f"CodeDeploy stops {each} and sends all requests back to the previous version.")


def list_firing(cloudwatch: CloudWatchClient, stack: Stack) -> list[str]:
    """The stack's alarms that fire now, by name."""
    names = sorted(stack.made(_ALARM).values())
    found = list[str]()
    for first in range(0, len(names), 100):  # what DescribeAlarms takes
        page = cloudwatch.describe_alarms(AlarmNames=names[first : first + 100], StateValue="ALARM")
        found += [each["AlarmName"] for each in page.get("MetricAlarms", [])]
    return found


def list_blocking(expanded: Template, firing: Collection[str], made: Mapping[str, str]) -> list[str]:
    """The firing alarms for which CodeDeploy would stop the canary at once: it watches them, and they stay the same.

    An alarm that names the version is another one in the next deployment, and has not fired yet.
    """
    resources = expanded["Resources"]
    if not has_canary(expanded):
        return []
    groups = [each["Properties"] for each in resources.values() if each["Type"] == _GROUP]
    watched = [alarm["Name"] for group in groups for alarm in group.get("AlarmConfiguration", {}).get("Alarms", [])]
    versions = [name for name, each in resources.items() if each["Type"] == _VERSION]
    own = {
        name for name, each in resources.items() if any(version in json.dumps(each) for version in versions)
    }  # fmt: skip
    names = {made.get(each["Ref"], "") if isinstance(each, dict) else each for each in watched if not _is(each, own)}
    return sorted(names & set(firing))


def _is(alarm: object, names: Collection[str]) -> bool:
    return isinstance(alarm, dict) and alarm.get("Ref") in names


def has_canary(template: Template) -> bool:
    """Whether CodeDeploy shifts the requests."""
    return any("CodeDeployLambdaAliasUpdate" in each.get("UpdatePolicy", {}) for each in template["Resources"].values())


def warn_of_alarms(target: Target, stack: str, template: Template, approve: Approve) -> Approve:
    """Says which alarms fire before it asks, and what that means for the canary."""

    def check(changes: list[Change]) -> bool:
        live, cloudwatch = target.stack(stack), target.cloudwatch
        firing = list_firing(cloudwatch, live) if cloudwatch else []
        if firing:
            target.progress(f"Alarms of {stack} that fire now: {', '.join(firing)}.")
        if blocking := list_blocking(template, firing, live.made()):
            target.progress(
                f"The canary watches {', '.join(blocking)}, so CodeDeploy would stop this deployment at once and go "
                "back. If it is the cure, deploy it with CANARY=no."
            )
        elif firing and has_canary(template):
            target.progress("They do not stop the canary, which compares the new version with the previous one.")
        return approve(changes)

    return check
