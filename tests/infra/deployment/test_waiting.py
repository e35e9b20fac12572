"""Waiting for a stack, with the client of botocore: throttling, a broken network, and a canary that takes minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from infra.deployment.pace import Pace
from infra.deployment.stack import Stack, StackFailed

DESCRIBE = "before-parameter-build.cloudformation.DescribeStacks"
AT = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
FAST = Pace(10, 10, lambda _: None, lambda: 0.0)


class Account:
    """CloudFormation of an account, answering in the order that a test says."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "cloudformation", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s"
        )
        self.stubber = Stubber(self.client)
        self.said = list[str]()
        self.watched = list[str]()

    def stack(self, blamed: str | None = None) -> Stack:
        return Stack(self.client, "s", self.said.append, FAST, watch=self.watch, blame=lambda: blamed)

    def watch(self) -> str:
        self.watched.append("asked")
        return "Version 13 answers 10 % of the requests."

    def look(self, status: str, *events: dict[str, Any]) -> None:
        self.stubber.add_response("describe_stacks", {"Stacks": [describe(status)]})
        self.events(*events)

    def events(self, *events: dict[str, Any]) -> None:
        self.stubber.add_response("describe_stack_events", {"StackEvents": list(events)})


def describe(status: str) -> dict[str, Any]:
    return {"StackName": "s", "CreationTime": AT, "StackStatus": status}


def event(identifier: str, resource: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "StackId": "arn", "EventId": identifier, "StackName": "s", "LogicalResourceId": resource, "Timestamp": AT,
        "ResourceStatus": status, "ResourceStatusReason": reason,
    }  # fmt: skip


@contextmanager
def on(account: Account) -> Iterator[Account]:
    with account.stubber:
        yield account
        account.stubber.assert_no_pending_responses()


def test_a_throttled_look_is_repeated() -> None:
    account = Account()
    account.events()
    account.stubber.add_client_error("describe_stacks", "Throttling", "Rate exceeded", 400)
    account.stubber.add_response("describe_stacks", {"Stacks": [describe("UPDATE_IN_PROGRESS")]})
    account.stubber.add_client_error("describe_stack_events", "Throttling", "Rate exceeded", 400)
    account.look("UPDATE_COMPLETE")
    with on(account):
        assert account.stack().settle(60) == "UPDATE_COMPLETE"


def test_a_look_that_is_denied_ends_the_wait() -> None:
    account = Account()
    account.events()
    account.stubber.add_client_error("describe_stacks", "AccessDenied", "User: u is not authorized to perform: x", 403)
    with on(account), pytest.raises(ClientError, match="AccessDenied"):
        account.stack().settle(60)


def test_a_long_wait_says_what_it_waits_for() -> None:
    account = Account()
    account.events()
    begun = event("1", "APIHandlerAliaslive", "UPDATE_IN_PROGRESS")
    account.look("UPDATE_IN_PROGRESS", begun)
    for _ in range(6):
        account.look("UPDATE_IN_PROGRESS", begun)
    account.look("UPDATE_COMPLETE", begun)
    with on(account):
        account.stack().settle(600)
    told = "still UPDATE_IN_PROGRESS after {} s. Version 13 answers 10 % of the requests."
    assert account.said == [told.format(30), told.format(60)]


def test_news_are_no_silence() -> None:
    account = Account()
    account.events()
    events = list[dict[str, Any]]()
    for number in range(6):
        events.insert(0, event(str(number), f"R{number}", "UPDATE_COMPLETE"))
        account.look("UPDATE_IN_PROGRESS", *events)
    account.look("UPDATE_COMPLETE", *events)
    with on(account):
        account.stack().settle(600)
    assert account.said == [f"R{number} UPDATE_COMPLETE" for number in range(6)]
    assert account.watched == []


@pytest.mark.parametrize(("failures", "survives"), [(9, True), (10, False)])
def test_a_short_break_of_the_network_is_survived(failures: int, *, survives: bool) -> None:
    left = [failures]

    class Broken(Account):
        def stack(self, blamed: str | None = None) -> Stack:
            self.client.meta.events.register_first(DESCRIBE, self.refuse)
            return super().stack(blamed)

        def refuse(self, **_: object) -> None:
            if left[0]:
                left[0] -= 1
                raise EndpointConnectionError(endpoint_url="https://cloudformation")

    account = Broken()
    account.events()
    account.look("UPDATE_COMPLETE")
    with account.stubber:
        if survives:
            assert account.stack().settle(600) == "UPDATE_COMPLETE"
        else:
            with pytest.raises(EndpointConnectionError):
                account.stack().settle(600)


def test_a_failed_rollback_names_the_command_and_what_can_be_skipped() -> None:
    account = Account()
    account.events()
    account.look("UPDATE_ROLLBACK_FAILED")
    resource = {"ResourceType": "AWS::Lambda::Alias", "LastUpdatedTimestamp": AT}
    account.stubber.add_response(
        "list_stack_resources",
        {"StackResourceSummaries": [
            {**resource, "LogicalResourceId": "Fine", "ResourceStatus": "UPDATE_COMPLETE"},
            {**resource, "LogicalResourceId": "Alias", "ResourceStatus": "UPDATE_FAILED",
             "ResourceStatusReason": "no role"},
            {**resource, "LogicalResourceId": "Stage", "ResourceStatus": "UPDATE_FAILED"},
        ]},
    )  # fmt: skip
    with on(account), pytest.raises(StackFailed) as failed:
        account.stack().apply("https://t", {}, 60)
    said = str(failed.value)
    command = "aws cloudformation continue-update-rollback --stack-name s"
    assert f"deploy again: {command}\n" in said
    assert said.endswith(f"{command} --resources-to-skip Alias Stage")
    assert "Alias: no role" in said
    assert "Fine" not in said


def test_what_codedeploy_says_explains_a_failed_update() -> None:
    # CloudFormation's own event only says that the alias failed.
    text = (
        "CodeDeploy: One or more alarms have been activated according to the Amazon CloudWatch metrics you "
        "selected, and "
        "the affected deployments have been stopped. Activated alarms: <s-canary-errors-13>"
    )
    account = Account()
    account.events()
    account.look("UPDATE_COMPLETE")
    account.stubber.add_response("create_change_set", {"Id": "arn:x"})
    account.events()
    for _ in range(2):
        account.stubber.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": []})
    account.stubber.add_response("execute_change_set", {})
    failed = event("1", "APIHandlerAliaslive", "UPDATE_FAILED", "Deployment failed")
    account.look("UPDATE_ROLLBACK_COMPLETE", failed)
    account.events(failed)
    with on(account), pytest.raises(StackFailed) as raised:
        account.stack(text).apply("https://t", {}, 60)
    said = str(raised.value)
    assert f"APIHandlerAliaslive: Deployment failed\n  {text}" in said
    assert "deploy the cure with CANARY=no" in said
