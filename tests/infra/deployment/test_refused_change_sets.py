"""A change set that CloudFormation rejects: what its validations and the account's hooks found is reported."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.stub import Stubber

from infra.deployment.events import Events, explain_refused

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# serverless/serverless #13248
EARLY = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early "
    "Validation errors, use the DescribeEvents API for detailed failure information."
)
# aws-cloudformation/rain #744
TAKEN = "Resource of type 'AWS::S3::Bucket' with identifier 'test-early-validation-20251218181322-1' already exists."
WHERE = {"StackName": "s", "ChangeSetName": "deploy-1"}
AT = datetime(2026, 11, 30, 21, 0, tzinfo=UTC)


def connect() -> CloudFormationClient:
    return boto3.client(
        "cloudformation", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s"
    )  # fmt: skip


def validated(resource: str, reason: str, mode: str = "FAIL") -> dict[str, object]:
    return {
        "EventId": "e", "StackId": "arn", "EventType": "VALIDATION_ERROR", "LogicalResourceId": resource,
        "ValidationName": "NAME_CONFLICT_VALIDATION", "ValidationFailureMode": mode, "ValidationStatus": "FAILED",
        "ValidationStatusReason": reason, "Timestamp": AT,
    }  # fmt: skip


def test_every_finding_of_early_validation_is_reported() -> None:
    client = connect()
    with Stubber(client) as stub:
        first = {"OperationEvents": [validated("Bucket", TAKEN), validated("Key", "a hint", "WARN")], "NextToken": "t"}
        stub.add_response("describe_events", first, WHERE)
        missing = "Required property [PolicyName] not found"  # aws/aws-cdk-cli #1463
        last = {"OperationEvents": [validated("Policy", missing)]}
        stub.add_response("describe_events", last, {**WHERE, "NextToken": "t"})
        said = explain_refused(client, "s", "deploy-1", EARLY)
    assert f"Bucket: {TAKEN}" in said
    assert f"Policy: {missing}" in said
    assert "a hint" not in said
    assert "A resource of that name exists outside this stack." in said
    assert "describe-events" not in said


def test_where_the_findings_may_not_be_read_it_says_where_they_are() -> None:
    client = connect()
    denied = "User: arn:aws:iam::1:user/u is not authorized to perform: cloudformation:DescribeEvents on resource: r"
    with Stubber(client) as stub:
        stub.add_client_error("describe_events", "AccessDenied", denied)
        said = explain_refused(client, "s", "deploy-1", EARLY)
    assert EARLY in said
    assert "lacks cloudformation:DescribeEvents" in said


def test_the_finding_of_a_hook_is_reported() -> None:
    client = connect()
    found = {
        "EventId": "e", "StackId": "arn", "EventType": "HOOK_INVOCATION_ERROR", "LogicalResourceId": "Bucket",
        "HookType": "Private::Guard::Hook", "HookStatus": "HOOK_COMPLETE_FAILED", "HookFailureMode": "FAIL",
        "HookStatusReason": "Template failed validation", "Timestamp": AT,
    }  # fmt: skip
    reason = "The following hook(s)/validation failed: [Private::Guard::Hook]"
    with Stubber(client) as stub:
        stub.add_response("describe_events", {"OperationEvents": [found]}, WHERE)
        said = explain_refused(client, "s", "deploy-1", reason)
    assert "Bucket: Private::Guard::Hook: Template failed validation" in said


def test_other_reasons_need_no_further_call() -> None:
    client = connect()
    with Stubber(client):
        said = explain_refused(client, "s", "deploy-1", "Circular dependency: X")
    assert said == "CloudFormation rejected s: Circular dependency: X"


def test_the_reason_of_a_hook_is_among_the_events_that_explain_a_failed_stack() -> None:
    """The form is in the CloudFormation Hooks User Guide: the hook's reason is in an event of its own."""
    client = connect()
    common = {"StackId": "arn", "StackName": "s", "LogicalResourceId": "Bucket", "Timestamp": AT}
    hook = {"HookType": "Org::Guard::Hook", "HookStatusReason": "Not encrypted", "ResourceStatus": "CREATE_IN_PROGRESS"}
    events = [
        {**common, "EventId": "3", "ResourceStatus": "CREATE_FAILED",
         "ResourceStatusReason": "The following hook(s) failed: [Org::Guard::Hook]"},
        {**common, **hook, "EventId": "2", "HookStatus": "HOOK_COMPLETE_FAILED", "HookFailureMode": "FAIL"},
        {**common, **hook, "EventId": "1", "HookStatus": "HOOK_COMPLETE_FAILED", "HookFailureMode": "WARN",
         "HookStatusReason": "only a warning"},
    ]  # fmt: skip
    with Stubber(client) as stub:
        stub.add_response("describe_stack_events", {"StackEvents": events}, {"StackName": "s"})
        said = Events(client, "s").explain("ROLLBACK_COMPLETE", ())
    assert "Bucket: Org::Guard::Hook: Not encrypted" in said
    assert "only a warning" not in said
    assert "Ask whoever manages the hooks." in said
