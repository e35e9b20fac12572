"""The kind of KMS key is read from what CloudFormation answers about the stack. See also test_kms_key_on_a_stack.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.deployment.release import keep_key
from infra.deployment.stack import Stack
from infra.stage import parse

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

SINGLE, MULTI = "1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"
FOREIGN = f"arn:aws:kms:eu-west-1:111122223333:key/{SINGLE}"


@pytest.fixture
def client() -> CloudFormationClient:
    return boto3.client(
        "cloudformation", region_name="eu-west-1", aws_access_key_id="nobody", aws_secret_access_key="none"
    )


@pytest.fixture
def stubber(client: CloudFormationClient) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber


def described(stubber: Stubber, outputs: list[dict[str, str]]) -> None:
    found = {"StackName": "s", "StackStatus": "UPDATE_COMPLETE", "CreationTime": "2026-01-01T00:00:00Z"}
    stubber.add_response("describe_stacks", {"Stacks": [found | {"Outputs": outputs}]}, {"StackName": "s"})


def has(stubber: Stubber, **resources: str) -> None:
    """The stack was complete at least once, and has these resources beside its table."""
    described(stubber, [{"OutputKey": "TableName", "OutputValue": "t"}])
    summaries: list[dict[str, Any]] = [
        {
            "LogicalResourceId": name, "PhysicalResourceId": identifier, "ResourceType": "AWS::KMS::Key",
            "ResourceStatus": "UPDATE_COMPLETE", "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
        }
        for name, identifier in {"ConfigTable": "t", **resources}.items()
    ]  # fmt: skip
    stubber.add_response("list_stack_resources", {"StackResourceSummaries": summaries}, {"StackName": "s"})


def kept(client: CloudFormationClient, **stage: object) -> tuple[bool, list[str]]:
    """Whether the template's key is multi-Region, and what was said."""
    said: list[str] = []
    done = keep_key(parse({"stack": "s", **stage}), Stack(client, "s", said.append), said.append)
    return done.multi_region, said


def test_there_is_no_stack_yet(client: CloudFormationClient, stubber: Stubber) -> None:
    """AWS answers in these words: boto3 #2807."""
    for wanted in (True, False):
        stubber.add_client_error("describe_stacks", "ValidationError", "Stack with id s does not exist")
        assert kept(client, multi_region=wanted) == (wanted, [])


def test_a_stack_whose_first_deployment_failed_gets_a_new_key(client: CloudFormationClient, stubber: Stubber) -> None:
    """It has no outputs, and is deleted before the next attempt; its resources are listed as DELETE_COMPLETE."""
    described(stubber, [])
    assert kept(client) == (True, [])


@pytest.mark.parametrize(("identifier", "multi_region"), [(SINGLE, False), (MULTI, True)])
@pytest.mark.parametrize("wanted", [True, False])
def test_the_stack_has_a_key(
    client: CloudFormationClient, stubber: Stubber, identifier: str, *, multi_region: bool, wanted: bool
) -> None:
    has(stubber, NamespacesKey=identifier)
    done, said = kept(client, multi_region=wanted)
    assert done is multi_region
    assert len(said) == (wanted is not multi_region)


def test_the_stack_uses_a_foreign_key_and_shall_make_one(client: CloudFormationClient, stubber: Stubber) -> None:
    has(stubber)
    assert kept(client) == (True, [])


def test_the_stage_names_a_foreign_key(client: CloudFormationClient, stubber: Stubber) -> None:
    """Nothing is said about a key that leaves the stack."""
    described(stubber, [{"OutputKey": "TableName", "OutputValue": "t"}])
    assert kept(client, table={"kms_key": FOREIGN})[1] == []
