"""`make destroy`: delete the stack and keep its data, unless DATA= confirms deleting that too. Logs are always kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.deployment.change_set import ONLY_A_CHANGE_SET
from infra.deployment.release import Ask, Site
from infra.deployment.stack import INCOMPLETE, Declined, Stack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

WORD = "yes-delete-it"
"""The value of DATA= that deletes the table and the key as well."""
_LONGEST = 1800.0
_PENDING_DAYS = 30
_LOGS = ("LogGroupName", "AccessLogGroupName", "UpkeepLogGroupName", "ProbeLogGroupName")

_GOING = frozenset({"PendingDeletion", "PendingReplicaDeletion"})  # the second waits until the last replica is deleted


@dataclass(frozen=True, slots=True)
class Data:
    """The data that a stack leaves behind: its table and the KMS key that opens what is sealed in it.

    Args:
        keeps_key: the stack did not make the key (docs/OPERATIONS.md, Move to another KMS key), so it is not deleted.
    """

    dynamodb: DynamoDBClient
    kms: KMSClient
    table: str
    kms_key: str
    keeps_key: bool

    def delete(self) -> None:
        """Delete the table now, and the key after 30 days, as far as they still exist."""
        try:
            table = self.dynamodb.describe_table(TableName=self.table)["Table"]
            if table["TableStatus"] != "DELETING":
                self._delete_table(protected=table.get("DeletionProtectionEnabled", False))
        except self.dynamodb.exceptions.ResourceNotFoundException:
            pass
        if self.keeps_key:
            return
        if self.kms.describe_key(KeyId=self.kms_key)["KeyMetadata"]["KeyState"] not in _GOING:
            self.kms.schedule_key_deletion(KeyId=self.kms_key, PendingWindowInDays=_PENDING_DAYS)

    def _delete_table(self, *, protected: bool) -> None:
        if protected:
            self.dynamodb.update_table(TableName=self.table, DeletionProtectionEnabled=False)
            self.dynamodb.get_waiter("table_exists").wait(TableName=self.table)  # a table that changes is not deleted
        self.dynamodb.delete_table(TableName=self.table)


def destroy(site: Site, dynamodb: DynamoDBClient, kms: KMSClient, ask: Ask, word: str) -> None:
    """Delete the stack, and its data if confirmed. The data goes first, because only the stack knows its names.

    After a failure, run it again: it continues.

    Raises:
        infra.deployment.stack.Declined: nothing was done.
        infra.deployment.stack.StackFailed: a resource cannot be deleted.
    """
    stack = site.target.stack(site.stage.stack)
    if (status := stack.status()) in INCOMPLETE:
        _remove_incomplete(site, stack, status, ask)
        return
    outputs = stack.outputs()
    if not outputs:
        raise Declined(f"There is no stack {site.stage.stack} in {site.region}.")
    if stack.is_protected():
        raise Declined(_say_how_to_lift(site))
    made = stack.made()
    foreign_key = not outputs["KmsKeyArn"].endswith(f":key/{made.get('NamespacesKey')}")
    data = Data(dynamodb, kms, outputs["TableName"], outputs["KmsKeyArn"], keeps_key=foreign_key)
    wanted = _wants_data_deleted(data, made.get("ConfigTable"), word)
    site.tell(f"{site.stage.stack} in {site.region} will be deleted: API and keys, functions, alarms.")
    site.tell(_fate(data, wanted=wanted))
    logs = _list_logs(outputs)
    site.tell(f"The audit trail is kept in any case: log group {', '.join(logs)}.")
    if not ask(f"Destroy {site.stage.stack}{' and its data' if wanted else ''}?"):
        raise Declined("Nothing was destroyed.")
    if wanted:
        data.delete()
        goes = f"goes in {_PENDING_DAYS} days, or that long after its last replica (aws kms cancel-key-deletion)"
        key = "is kept" if data.keeps_key else goes
        site.tell(f"The table is deleted; the KMS key {key}.")
    stack.delete(_LONGEST)
    site.tell(f"{site.stage.stack} is deleted.")
    site.tell(f"The bucket {site.target.bucket} is kept: it has the code and templates of all stacks here.")
    for log in logs:
        site.tell(
            f"Nobody needs the log any more? aws logs delete-log-group --region {site.region} --log-group-name {log}"
        )
    if not wanted and not site.stage.table.name:
        site.tell("To serve this table again, add this under [table] in the stage file:")
        site.tell(f'  name = "{data.table}"\n  kms_key = "{data.kms_key}"')


def _remove_incomplete(site: Site, stack: Stack, status: str, ask: Ask) -> None:
    """Delete a stack that never served: a first deployment that failed, or one that is only planned."""
    name = site.stage.stack
    site.tell(f"{name} in {site.region} was never deployed completely: it is {status}, and has no outputs.")
    if not ask(f"Delete {name} and its change sets?"):
        raise Declined("Nothing was destroyed.")
    stack.protect(wanted=False)  # it never served, so its protection protects nothing
    stack.delete(_LONGEST)
    site.tell(f"{name} is deleted.")
    if status != ONLY_A_CHANGE_SET:
        site.tell("A table that the failed deployment made is kept: aws dynamodb list-tables shows it.")


def _list_logs(outputs: Mapping[str, str]) -> list[str]:
    """The log groups that the stack leaves: of its functions, and the access log if it has one."""
    return [outputs[name] for name in _LOGS if name in outputs]


def _say_how_to_lift(site: Site) -> str:
    """Say it before the data goes: the stack would stay without it."""
    return (
        f"Termination protection of {site.stage.stack} is on, so nothing was destroyed. To lift it, set "
        "termination_protection = false in the stage file and deploy, or run: aws cloudformation "
        f"update-termination-protection --region {site.region} --stack-name {site.stage.stack} "
        "--no-enable-termination-protection"
    )


def _fate(data: Data, *, wanted: bool) -> str:
    if wanted and data.keeps_key:
        return f"THE DATA GOES TOO: table {data.table}. KMS key {data.kms_key} is kept: the stack did not make it."
    fate = "THE DATA GOES TOO" if wanted else "The data is kept"
    return f"{fate}: table {data.table}, KMS key {data.kms_key}."


def _wants_data_deleted(data: Data, made: str | None, word: str) -> bool:
    """Whether to delete the data. The stack deletes nothing that it did not create."""
    if not word:
        return False
    if word != WORD:
        raise Declined(f"DATA={word} is not accepted. To delete the table and the KMS key, pass DATA={WORD}.")
    if data.table != made:
        raise Declined(f"The stack did not create the table {data.table}, so delete it yourself if you want to.")
    return True
