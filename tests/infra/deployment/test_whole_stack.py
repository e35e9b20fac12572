"""Tags, the role of CloudFormation and termination protection, as botocore sends them to AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import boto3
import pytest
from botocore.stub import ANY, Stubber

from infra.deployment import bucket
from infra.deployment.change_set import ChangeSet
from infra.deployment.deploy import Target
from infra.deployment.destroy import destroy
from infra.deployment.pace import AWS, Pace
from infra.deployment.release import Site, for_stage
from infra.deployment.stack import Declined, Outcome, Stack
from infra.deployment.whole_stack import WholeStack
from infra.packaging.service_zip import Package
from infra.stage import parse

ROLE = "arn:aws:iam::111122223333:role/CloudFormation"
URL = "https://bucket/template.json"
WHOLE = WholeStack({"team": "platform", "cost-center": "1234"}, ROLE, protected=True)
TAGS = [{"Key": "cost-center", "Value": "1234"}, {"Key": "team", "Value": "platform"}]
CREATED = {"StackName": "s", "CreationTime": "2026-01-01T00:00:00Z"}
FAST = Pace(1, 1, lambda _: None)
ABSENT = "Stack with id s does not exist"


@contextmanager
def stubbed(service: str, region: str = "eu-west-1") -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client(service, region_name=region, aws_access_key_id="a", aws_secret_access_key="s")  # type: ignore[call-overload]  # by name
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def stack_is(stub: Stubber, status: str | None, *, protected: bool = False, times: int = 1) -> None:
    for _ in range(times):
        if status is None:
            stub.add_client_error("describe_stacks", "ValidationError", ABSENT)
        else:
            found = {**CREATED, "StackStatus": status, "EnableTerminationProtection": protected}
            stub.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": "s"})


def no_events(stub: Stubber, times: int = 1) -> None:
    for _ in range(times):
        stub.add_response("describe_stack_events", {"StackEvents": []}, {"StackName": "s"})


def propose(stub: Stubber, kind: str, **given: object) -> None:
    wanted = {
        "StackName": "s", "ChangeSetName": ANY, "ChangeSetType": kind, "TemplateURL": URL, "Parameters": [],
        "Capabilities": ANY, **given,
    }  # fmt: skip
    stub.add_response("create_change_set", {"Id": "arn:x", "StackId": "arn:s"}, wanted)


def test_a_change_set_carries_the_tags_and_the_role() -> None:
    with stubbed("cloudformation") as (client, stub):
        propose(stub, "CREATE", Tags=TAGS, RoleARN=ROLE)
        ChangeSet(client, "s", AWS, new=True, name="n", whole=WHOLE).create(URL, {})


def test_without_tags_and_role_neither_argument_is_sent() -> None:
    """An empty list of tags would remove those that somebody else gave the stack."""
    with stubbed("cloudformation") as (client, stub):
        propose(stub, "UPDATE")
        ChangeSet(client, "s", AWS, new=False, name="n").create(URL, {})


def test_the_role_deletes_a_stack_and_withdraws_a_new_one() -> None:
    with stubbed("cloudformation") as (client, stub):
        no_events(stub)
        stub.add_response("delete_stack", {}, {"StackName": "s", "RoleARN": ROLE})
        stack_is(stub, None)
        no_events(stub)
        Stack(client, "s", lambda _: None, FAST, whole=WHOLE).delete(1)
        stub.add_response("delete_change_set", {}, {"StackName": "s", "ChangeSetName": "n"})
        stub.add_response("list_change_sets", {"Summaries": []})
        stub.add_response("delete_stack", {}, {"StackName": "s", "RoleARN": ROLE})
        ChangeSet(client, "s", AWS, new=True, whole=WHOLE, name="n").withdraw()


@pytest.mark.parametrize(
    ("was", "wanted", "sent"),
    [
        (False, True, True),
        (True, True, None),
        (True, False, False),
        (False, False, None),
        (True, None, None),
        (False, None, None),
    ],
)
def test_protection_becomes_what_the_stage_says_and_nothing_is_sent_in_vain(
    *, was: bool, wanted: bool | None, sent: bool | None
) -> None:
    said = list[str]()
    with stubbed("cloudformation") as (client, stub):
        apply_nothing(stub, was=was, looks=wanted is not None)
        if sent is not None:
            given = {"StackName": "s", "EnableTerminationProtection": sent}
            stub.add_response("update_termination_protection", {"StackId": "arn:s"}, given)
        whole = WholeStack(protected=wanted)
        assert Stack(client, "s", said.append, FAST, whole=whole).apply(URL, {}, 1) is Outcome.UNCHANGED
    assert said == ([] if sent is None else [f"Termination protection of s is {'on' if sent else 'off'} now."])


def apply_nothing(stub: Stubber, *, was: bool, looks: bool) -> None:
    """An existing stack and a change set without changes."""
    no_events(stub)
    stack_is(stub, "UPDATE_COMPLETE", protected=was)
    no_events(stub)
    propose(stub, "UPDATE")
    no_events(stub)
    # The reason is of "Updating stacks using change sets" in the CloudFormation user guide.
    reason = "The submitted information didn't contain changes. Submit different information to create a change set."
    stub.add_response("describe_change_set", {"Status": "FAILED", "StatusReason": reason})
    stub.add_response("delete_change_set", {})
    if looks:
        stack_is(stub, "UPDATE_COMPLETE", protected=was)


def test_an_attempt_that_never_completed_is_removed_although_somebody_protected_it() -> None:
    with stubbed("cloudformation") as (client, stub):
        no_events(stub)
        stack_is(stub, "ROLLBACK_COMPLETE", protected=True)
        no_events(stub)
        stack_is(stub, "ROLLBACK_COMPLETE", protected=True)
        off = {"StackName": "s", "EnableTerminationProtection": False}
        stub.add_response("update_termination_protection", {"StackId": "arn:s"}, off)
        no_events(stub)
        stub.add_response("delete_stack", {}, {"StackName": "s", "RoleARN": ROLE})
        stack_is(stub, None)
        no_events(stub)
        propose(stub, "CREATE", Tags=TAGS, RoleARN=ROLE)
        no_events(stub)
        stub.add_client_error("describe_change_set", "ValidationError", "enough for this test")
        stub.add_response("delete_change_set", {})
        stub.add_response("list_change_sets", {"Summaries": []})
        stub.add_response("delete_stack", {})
        with pytest.raises(client.exceptions.ClientError, match="enough"):
            Stack(client, "s", lambda _: None, FAST, whole=WHOLE).apply(URL, {}, 1)


def test_a_stack_is_protected_only_once_it_is_complete() -> None:
    """A first deployment that fails stays removable: nothing is protected before it succeeds."""
    with stubbed("cloudformation") as (client, stub):
        no_events(stub)
        stack_is(stub, None)
        no_events(stub)
        propose(stub, "CREATE", Tags=TAGS, RoleARN=ROLE)
        no_events(stub)
        for _ in range(2):
            stub.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": []})
        stub.add_response("execute_change_set", {})
        stack_is(stub, "CREATE_COMPLETE")
        no_events(stub)
        stack_is(stub, "CREATE_COMPLETE")
        on = {"StackName": "s", "EnableTerminationProtection": True}
        stub.add_response("update_termination_protection", {"StackId": "arn:s"}, on)
        assert Stack(client, "s", lambda _: None, FAST, whole=WHOLE).apply(URL, {}, 1) is Outcome.CREATED


def test_destroy_says_that_the_protection_is_on_before_any_data_goes() -> None:
    with stubbed("cloudformation") as (client, stub):
        found = {
            **CREATED, "StackStatus": "UPDATE_COMPLETE", "EnableTerminationProtection": True,
            "Outputs": [{"OutputKey": "TableName", "OutputValue": "t"}],
        }  # fmt: skip
        for _ in range(3):
            stub.add_response("describe_stacks", {"Stacks": [found]})
        none = cast("Any", None)
        target = Target(client, none, none, "bucket", lambda _: None, whole=WHOLE)
        site = Site(parse({"stack": "s"}), target, "eu-west-1", lambda _: None)
        with pytest.raises(Declined) as refused:
            destroy(site, none, none, lambda _: True, "yes-delete-it")
    assert "--no-enable-termination-protection" in str(refused.value)
    assert "termination_protection = false" in str(refused.value)


@pytest.mark.parametrize(
    ("region", "tags", "configuration"),
    [
        ("eu-west-1", WHOLE.tags, {"LocationConstraint": "eu-west-1", "Tags": TAGS}),
        ("us-east-1", WHOLE.tags, {"Tags": TAGS}),  # S3 refuses the location us-east-1
        ("eu-west-1", {}, {"LocationConstraint": "eu-west-1"}),
        ("us-east-1", {}, None),
    ],
)
def test_a_new_bucket_has_its_tags_from_the_start(
    region: str, tags: dict[str, str], configuration: dict[str, object] | None
) -> None:
    """An SCP that requires tags at the creation refuses one that gets them afterwards."""
    given = {"Bucket": "bucket"} | ({"CreateBucketConfiguration": configuration} if configuration else {})
    with stubbed("s3", region) as (client, stub):
        stub.add_client_error("head_bucket", "404", http_status_code=404)
        stub.add_response("create_bucket", {}, given)
        stub.add_response("put_object", {})
        none = cast("Any", None)
        bucket.upload(Target(none, client, none, "bucket", lambda _: None, whole=WholeStack(tags)), "s", b"x", ".zip")


def test_a_change_of_tags_makes_no_new_version_of_the_function(built_package: Package) -> None:
    """Neither the template nor a parameter knows the tags, so neither does the release."""
    plain, tagged = (parse({"stack": "s", "tags": tags}) for tags in ({}, {"team": "platform"}))
    assert for_stage(built_package, tagged) == for_stage(built_package, plain)
    assert tagged.parameters() == plain.parameters()
