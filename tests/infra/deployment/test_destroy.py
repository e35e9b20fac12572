"""Resources that the stack did not make are neither deleted nor forgotten. See also test_command.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from infra.deployment import release
from infra.deployment.deploy import Target
from infra.deployment.destroy import WORD, destroy
from infra.deployment.release import Site
from infra.deployment.stack import Declined
from infra.packaging.service_zip import Package
from infra.stage import Stage, StageError, parse

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

ARN = "arn:aws:kms:us-east-1:111122223333:key/"
LOGS = {
    "LogGroupName": "s-log", "AccessLogGroupName": "s-access", "UpkeepLogGroupName": "s-upkeep",
    "ProbeLogGroupName": "s-probe",
}  # fmt: skip
MADE = {"ConfigTable": "own-table", "NamespacesKey": "own-key"}


class Clients:
    """A stack with these outputs and resources, its table and its key; notes what is deleted."""

    def __init__(self, made: dict[str, str], table: str, key: str) -> None:
        self.made = made
        self.told = {
            "TableName": table,
            "KmsKeyArn": ARN + key,
            "LogGroupName": "s-log",
            "AccessLogGroupName": "s-access",
            "UpkeepLogGroupName": "s-upkeep",
            "ProbeLogGroupName": "s-probe",
        }
        self.deleted: list[str] = []
        self.status = "UPDATE_COMPLETE"
        self.key_state = "Enabled"
        self.protected = False

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803  # as boto3 takes it
        if "stack" in self.deleted:
            return {"Stacks": [{"StackName": StackName, "StackStatus": "DELETE_COMPLETE"}]}
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in self.told.items()]
        found = {"StackName": StackName, "StackStatus": self.status, "EnableTerminationProtection": self.protected}
        return {"Stacks": [{**found, "Outputs": outputs}]}

    def get_paginator(self, operation: str) -> Pages:
        resources = [{"LogicalResourceId": name, "PhysicalResourceId": each} for name, each in self.made.items()]
        pages = [{"StackResourceSummaries": [each]} for each in resources]
        return Pages(pages if operation == "list_stack_resources" else [{"StackEvents": []}])

    def update_termination_protection(self, EnableTerminationProtection: bool, **_: str) -> None:  # noqa: N803, FBT001  # as boto3 takes it
        self.protected = EnableTerminationProtection

    def delete_stack(self, **_: str) -> None:
        self.deleted.append("stack")

    def describe_table(self, **_: str) -> dict[str, Any]:
        return {"Table": {"TableStatus": "ACTIVE"}}

    def delete_table(self, TableName: str) -> None:  # noqa: N803  # as boto3 takes it
        self.deleted.append(TableName)

    def describe_key(self, **_: str) -> dict[str, Any]:
        return {"KeyMetadata": {"KeyState": self.key_state}}

    def schedule_key_deletion(self, KeyId: str, **_: int) -> None:  # noqa: N803  # as boto3 takes it
        self.deleted.append(KeyId.removeprefix(ARN))

    @property
    def exceptions(self) -> Clients:
        return self

    ResourceNotFoundException = KeyError


class Pages(NamedTuple):
    """The pages of a paginator."""

    pages: list[dict[str, Any]]

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        return iter(self.pages)


def site(clients: Clients, said: list[str], stage: Stage) -> Site:
    target = Target(
        cast("CloudFormationClient", clients), cast("S3Client", None), cast("LambdaClient", None), "bucket", said.append
    )
    return Site(stage, target, "us-east-1", said.append)


def destroy_and_read(clients: Clients, stage: Stage | None = None) -> str:
    """Destroy the stack, and return what was printed."""
    said = list[str]()
    where = site(clients, said, stage or parse({"stack": "s"}))
    destroy(where, cast("DynamoDBClient", clients), cast("KMSClient", clients), lambda _: True, WORD)
    return "\n".join(said)


def test_the_table_and_the_key_that_the_stack_made_go_before_it() -> None:
    clients = Clients(MADE, "own-table", "own-key")
    assert "the KMS key goes in 30 days" in destroy_and_read(clients)
    assert clients.deleted == ["own-table", "own-key", "stack"]


def test_the_audit_trail_is_kept_also_when_the_data_goes_and_it_says_how_to_delete_it() -> None:
    told = destroy_and_read(Clients(MADE, "own-table", "own-key"))
    assert "kept in any case: log group s-log, s-access, s-upkeep, s-probe." in told
    for log in LOGS.values():
        assert f"aws logs delete-log-group --region us-east-1 --log-group-name {log}" in told


@pytest.mark.parametrize("made", [MADE, {"ConfigTable": "own-table"}])
@pytest.mark.parametrize("table", [{"kms_key": f"{ARN}made-by-hand"}, {}])
def test_a_foreign_kms_key_is_kept_whatever_the_stage_says(made: dict[str, str], table: dict[str, str]) -> None:
    clients = Clients(made, "own-table", "made-by-hand")
    told = destroy_and_read(clients, parse({"stack": "s", "table": table}))
    assert f"KMS key {ARN}made-by-hand is kept: the stack did not make it" in told
    assert clients.deleted == ["own-table", "stack"]


@pytest.mark.parametrize("made", [MADE, {}])
def test_a_foreign_table_is_not_deleted(made: dict[str, str]) -> None:
    clients = Clients(made, "restored", "own-key")
    with pytest.raises(Declined, match="The stack did not create the table restored"):
        destroy_and_read(clients)
    assert clients.deleted == []


@pytest.mark.parametrize("made", [MADE, {}])
def test_a_stage_that_drops_its_restored_table_is_refused(
    made: dict[str, str],
) -> None:
    where = site(Clients(made, "restored", "own-key"), [], parse({"stack": "s"}))
    with pytest.raises(StageError, match='name = "restored"'):
        release.for_site(Package(Path("none.zip"), "", {}), where)


@pytest.mark.parametrize("state", ["PendingDeletion", "PendingReplicaDeletion"])
def test_a_key_that_is_going_is_left_to_go(state: str) -> None:
    """KMS refuses to schedule it again (KMS developer guide, "Key states of AWS KMS keys"), and the rest is done."""
    clients = Clients(MADE, "own-table", "own-key")
    clients.key_state = state
    destroy_and_read(clients)
    assert clients.deleted == ["own-table", "stack"]


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
@pytest.mark.parametrize("protected", [True, False])
def test_a_stack_that_never_served_is_deleted_too(status: str, *, protected: bool) -> None:
    clients = Clients({}, "", "")
    clients.status, clients.told, clients.protected = status, {}, protected
    told = destroy_and_read(clients)
    assert f"was never deployed completely: it is {status}" in told
    assert clients.deleted == ["stack"]
    assert not clients.protected
