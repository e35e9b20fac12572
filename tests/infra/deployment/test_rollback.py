"""Deciding what a rollback goes back to, and stopping an update, without an emulator. "
"test_rollback_on_a_stack.py does it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest
from botocore.stub import ANY, Stubber

from infra.deployment.change_set import Change
from infra.deployment.deploy import Target
from infra.deployment.pace import Pace
from infra.deployment.records import Deployment, RecordError
from infra.deployment.release import Site
from infra.deployment.rollback import choose, keep_what_others_need, merge_parameters, roll_back
from infra.deployment.stack import Declined, StackFailed
from infra.stage import parse

AT = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
PROOF = {
    "GatewayProof": "****",
    "GatewayProofSha256": "2",
    "GatewayProofMode": "enforce",
    "GatewayProofGeneration": "2",
}
OWN = {"Bucket": "b", "Body": ANY}
HELD = {**PROOF, "Admins": "today", "LogLevel": "debug"}


def made(number: int, content: str, restores: int | None = None, **parameters: str | None) -> Deployment:
    return Deployment(
        number=number, template="t", parameters=parameters, content=content, version=None, code={}, commit=None,
        time="", who=None, restores=restores,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("history", "wanted"),
    [
        ([made(1, "a")], None),
        ([made(1, "a"), made(2, "b")], 1),
        # A rotation of the proof between the two serves the same, so it is no place to go back to.
        ([made(1, "a"), made(2, "b"), made(3, "b")], 1),
        # A second rollback goes further back, not forward to what the first one left.
        ([made(1, "a"), made(2, "b"), made(3, "c"), made(4, "b", restores=2)], 1),
        ([made(1, "a"), made(2, "b"), made(3, "a", restores=1)], None),
        # After a rollback and a new release, the state between the two is the good one.
        ([made(1, "a"), made(2, "b"), made(3, "a", restores=1), made(4, "c")], 3),
        # The same settings deployed again on purpose are no rollback.
        ([made(1, "a"), made(2, "b"), made(3, "a")], 2),
    ],
)
def test_a_rollback_goes_to_the_last_good_deployment_before_what_is_served(
    history: list[Deployment], wanted: int | None
) -> None:
    found = choose(reversed(history), history[-1])
    assert (found.number if found else None) == wanted


def template(*names: str) -> dict[str, Any]:
    return {"Parameters": {name: {"Type": "String"} for name in names}}


def test_settings_go_back_and_the_proof_and_administrators_stay() -> None:
    found = made(1, "a", LogLevel="info", Admins="then", GatewayProof=None, GatewayProofSha256="1", Gone="x")
    merged = merge_parameters("prod", found, template(*PROOF, "Admins", "LogLevel", "New"), HELD)
    assert merged == {**dict.fromkeys(PROOF), "Admins": None, "LogLevel": "info"}


def test_a_template_without_the_proof_is_refused() -> None:
    with pytest.raises(Declined, match="would let forged events in"):
        merge_parameters("prod", made(1, "a"), template("Admins"), HELD)


def test_a_template_that_needs_more_than_the_stack_has_is_refused() -> None:
    found = made(1, "a", Secret=None)
    with pytest.raises(Declined, match="needs Secret, which the stack does not have") as refused:
        merge_parameters("prod", found, template(*PROOF, "Secret"), HELD)
    assert "make deploy STAGE=prod CANARY=no" in str(refused.value)


@pytest.mark.parametrize("kind", ["AWS::ApiGateway::ApiKey", "AWS::DynamoDB::Table", "AWS::KMS::Key"])
@pytest.mark.parametrize(("action", "replaced", "kept", "refused"), [
    ("Remove", "False", False, True),
    ("Modify", "True", False, True),
    ("Modify", "Conditional", False, False),
    ("Remove", "False", True, False),
    ("Add", "False", False, False),
])  # fmt: skip
def test_what_others_need_is_not_deleted(kind: str, action: str, replaced: str, *, kept: bool, refused: bool) -> None:
    site = Site(parse({"name": "prod", "stack": "s"}), cast("Target", None), "eu-west-1", print)
    asked = list[int]()

    def approve(changes: list[Change]) -> bool:
        asked.append(len(changes))
        return True

    guarded = keep_what_others_need(site, approve)
    changes = [Change(action, "Key", kind, replaced, kept)]
    if refused:
        with pytest.raises(Declined, match="The rollback would delete Key"):
            guarded(changes)
        assert asked == []
    else:
        assert guarded(changes)


class Account:
    """CloudFormation, CodeDeploy and Lambda of an account, answering what a test says."""

    def __init__(self) -> None:
        made = [self._client(name) for name in ("cloudformation", "codedeploy", "lambda", "s3")]
        self.cloudformation, self.codedeploy, self.functions, self.s3 = made
        self.stubs = [Stubber(client) for client in made]
        self.stack, self.shift, self.aliases, self.bucket = self.stubs
        self.said = list[str]()

    @staticmethod
    def _client(service: str) -> Any:  # noqa: ANN401  # one of boto3's many
        return boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")  # type: ignore[call-overload]  # by name

    def is_(self, status: str) -> None:
        outputs = [{"OutputKey": "FunctionName", "OutputValue": "f"}]
        found = {"StackName": "s", "CreationTime": AT, "StackStatus": status, "Outputs": outputs}
        self.stack.add_response("describe_stacks", {"Stacks": [found]})

    def events(self) -> None:
        self.stack.add_response("describe_stack_events", {"StackEvents": []})

    def resources(self, *named: tuple[str, str, str]) -> None:
        found = [
            {"LogicalResourceId": kind, "PhysicalResourceId": name, "ResourceType": f"AWS::{kind}",
             "ResourceStatus": status, "LastUpdatedTimestamp": AT, "ResourceStatusReason": "no role"}
            for kind, name, status in named
        ]  # fmt: skip
        self.stack.add_response("list_stack_resources", {"StackResourceSummaries": found})

    def roll_back(self, *, agreed: bool = True) -> object:
        target = Target(
            self.cloudformation, self.s3, self.functions, "b", self.said.append,
            pace=Pace(1, 1, lambda _: None), codedeploy=self.codedeploy,
        )  # fmt: skip
        for stub in self.stubs:
            stub.activate()
        try:
            return roll_back(
                Site(parse({"name": "prod", "stack": "s"}), target, "r", self.said.append), None, lambda _: agreed
            )
        finally:
            for stub in self.stubs:
                stub.assert_no_pending_responses()

    def canary_under_way(self) -> None:
        self.is_("UPDATE_IN_PROGRESS")
        self.is_("UPDATE_IN_PROGRESS")  # its outputs
        alias = {"FunctionVersion": "12", "RoutingConfig": {"AdditionalVersionWeights": {"13": 0.1}}}
        self.aliases.add_response("get_alias", alias, {"FunctionName": "f", "Name": "live"})


def test_a_canary_under_way_is_left_alone_unless_somebody_agrees() -> None:
    account = Account()
    account.canary_under_way()
    with pytest.raises(Declined, match="the update goes on"):
        account.roll_back(agreed=False)
    assert account.said == ["s is being updated. Version 13 serves 10% of the requests, version 12 the rest."]


def stop(account: Account) -> None:
    """Stop both: CloudFormation keeps the old template, and CodeDeploy sends the requests back at once."""
    account.canary_under_way()
    account.events()
    account.stack.add_response("cancel_update_stack", {}, {"StackName": "s"})
    group = [
        ("CodeDeploy::Application", "app", "UPDATE_COMPLETE"),
        ("CodeDeploy::DeploymentGroup", "group", "UPDATE_COMPLETE"),
    ]
    account.resources(*group)
    account.resources(*group)
    account.shift.add_response("list_deployments", {"deployments": ["d-1"]})
    account.shift.add_response(
        "stop_deployment", {"status": "Pending"}, {"deploymentId": "d-1", "autoRollbackEnabled": True}
    )
    account.events()
    account.is_("UPDATE_ROLLBACK_IN_PROGRESS")
    account.events()


def test_a_rollback_of_the_update_that_fails_names_the_command() -> None:
    account = Account()
    stop(account)
    account.is_("UPDATE_ROLLBACK_FAILED")
    account.events()
    account.resources(("Lambda::Alias", "live", "UPDATE_FAILED"))
    with pytest.raises(StackFailed, match="--resources-to-skip Lambda::Alias"):
        account.roll_back()
    assert "CodeDeploy stops d-1" in "\n".join(account.said)


def test_after_stopping_a_canary_the_deployment_before_it_serves_and_nothing_else_is_done() -> None:
    account = Account()
    stop(account)
    back = "UPDATE_ROLLBACK_COMPLETE"
    account.is_(back)
    account.events()
    settle(account, back)
    account.is_(back)  # its parameters
    account.is_(back)  # whether it is complete, before its state is recorded
    account.stack.add_response("get_template", {"TemplateBody": '{"Resources": {}}'}, {"StackName": "s"})
    settle(account, back)
    account.is_(back)
    account.is_(back)  # its outputs
    account.aliases.add_response("get_alias", {"FunctionVersion": "12"})
    account.bucket.add_response("put_object", {})
    account.bucket.add_response("list_objects_v2", {})
    account.bucket.add_response("put_object", {}, {**OWN, "Key": "s/deployments/00000001.json", "IfNoneMatch": "*"})
    assert account.roll_back() is None
    assert "so the deployment before it serves again" in "\n".join(account.said)
    assert "version 12" in "\n".join(account.said)


def settle(account: Account, status: str) -> None:
    account.events()
    account.is_(status)
    account.events()


@pytest.mark.parametrize("body", ["Resources:\n  Topic: {Type: AWS::SNS::Topic}\n", "{}"])
def test_a_stack_that_others_made_is_no_place_to_go_back_from(body: str) -> None:
    account = Account()
    done = "UPDATE_COMPLETE"
    account.is_(done)  # whether an update goes on
    settle(account, done)
    settle(account, done)
    account.is_(done)  # its parameters
    account.is_(done)  # whether it is complete
    account.stack.add_response("get_template", {"TemplateBody": body}, {"StackName": "s"})
    with pytest.raises(RecordError, match="is not one that make deploy wrote"):
        account.roll_back()
