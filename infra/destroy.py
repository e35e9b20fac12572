"""`make destroy`: the stack goes, the data stays, unless the word for it is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.release import Ask, Site
from infra.stack import Declined, Stack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

WORD = "yes-delete-it"
"""What DATA= has to be for the table and the key to go as well."""
_LONGEST = 1800.0
_PENDING_DAYS = 30


@dataclass(frozen=True, slots=True)
class Data:
    """What a stack leaves behind: its table and the KMS key that opens what is sealed in it.

    Args:
        keeps_key: the stack did not make the key (docs/OPERATIONS.md, Rotate a KMS key), so it is not deleted.
    """

    dynamodb: DynamoDBClient
    kms: KMSClient
    table: str
    kms_key: str
    keeps_key: bool

    def delete(self) -> None:
        """The table at once, the key after 30 days, in which it can be called back. What is gone already is passed."""
        try:
            table = self.dynamodb.describe_table(TableName=self.table)["Table"]
            if table["TableStatus"] != "DELETING":
                self._delete_table(protected=table.get("DeletionProtectionEnabled", False))
        except self.dynamodb.exceptions.ResourceNotFoundException:
            pass
        if self.keeps_key:
            return
        if self.kms.describe_key(KeyId=self.kms_key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
            self.kms.schedule_key_deletion(KeyId=self.kms_key, PendingWindowInDays=_PENDING_DAYS)

    def _delete_table(self, *, protected: bool) -> None:
        if protected:
            self.dynamodb.update_table(TableName=self.table, DeletionProtectionEnabled=False)
            self.dynamodb.get_waiter("table_exists").wait(TableName=self.table)  # a table that changes is not deleted
        self.dynamodb.delete_table(TableName=self.table)


def destroy(site: Site, dynamodb: DynamoDBClient, kms: KMSClient, ask: Ask, word: str) -> None:
    """Delete the stack, and with the word its data. The data goes first: the stack is what knows their names.

    Whatever it fails at, doing it again goes on from there.

    Raises:
        infra.stack.Declined: nothing was done.
        infra.stack.StackFailed: a resource cannot be deleted.
    """
    stack = Stack(site.target.cloudformation, site.stage.stack, site.target.progress)
    outputs = stack.outputs()
    if not outputs:
        raise Declined(f"There is no stack {site.stage.stack} in {site.region}.")
    made = stack.made()
    foreign_key = not outputs["KmsKeyArn"].endswith(f":key/{made.get('NamespacesKey')}")
    data = Data(dynamodb, kms, outputs["TableName"], outputs["KmsKeyArn"], keeps_key=foreign_key)
    wanted = _wanted(data, made.get("ConfigTable"), word)
    site.tell(f"{site.stage.stack} in {site.region} goes: the API, its keys, the function, its log, its alarms.")
    site.tell(_fate(data, wanted=wanted))
    if not ask(f"Destroy {site.stage.stack}{' and its data' if wanted else ''}?"):
        raise Declined("Nothing was destroyed.")
    if wanted:
        data.delete()
        key = "stays" if data.keeps_key else f"goes in {_PENDING_DAYS} days (aws kms cancel-key-deletion)"
        site.tell(f"The table is gone; the KMS key {key}.")
    stack.delete(_LONGEST)
    site.tell(f"{site.stage.stack} is gone.")
    site.tell(f"The bucket {site.target.bucket} stays: code and templates of every stack here. It is yours to delete.")
    if not wanted and not site.stage.table.name:
        site.tell("To serve this table again, say in the stage file, under [table]:")
        site.tell(f'  name = "{data.table}"\n  kms_key = "{data.kms_key}"')


def _fate(data: Data, *, wanted: bool) -> str:
    if wanted and data.keeps_key:
        return f"The data GOES, TOO: table {data.table}. KMS key {data.kms_key} stays: the stack did not make it."
    return f"The data {'GOES, TOO' if wanted else 'stays'}: table {data.table}, KMS key {data.kms_key}."


def _wanted(data: Data, made: str | None, word: str) -> bool:
    """Whether the data is to go. What the stack did not make, it does not take away."""
    if not word:
        return False
    if word != WORD:
        raise Declined(f"DATA={word} is not the word; to delete the table and the KMS key say DATA={WORD}.")
    if data.table != made:
        raise Declined(f"The table {data.table} was there before the stack: delete it yourself, if you mean it.")
    return True
