"""The table in DynamoDB: GetItem for one record, BatchGetItem for more, Query by pages, transactions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from configsvc.adapters.dynamo_calls import PAGE_SECONDS, RECORD_SECONDS, Calls, make_busy
from configsvc.adapters.items import build_key, from_item, to_item
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.service.engine.ports import Remove, StampCheck, Write, WriteAction
from configsvc.service.engine.records import Record, RecordAddress, address_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        KeysAndAttributesTypeDef,
        QueryInputTypeDef,
        TransactGetItemTypeDef,
        TransactWriteItemTypeDef,
    )

    Item = Mapping[str, AttributeValueTypeDef]
    Key = Mapping[str, AttributeValueTypeDef]

BATCH = 100
"""Items of one BatchGetItem (DynamoDB API reference)."""

_WITHOUT_VALUE = (
    "pk", "sk", "revision", "latest", "latest_form", "rotate_by", "active", "form", "type", "written_at", "written_by",
    "destroyed", "deleted_at",
)  # fmt: skip


class DynamoRepository:
    """A table with the keys `pk` and `sk`.

    Args:
        client: the low-level client of botocore or boto3; threads may share it.
        table: the table's name.
        calls: sends the calls, and retries them.
    """

    def __init__(self, client: DynamoDBClient, table: str, calls: Calls | None = None) -> None:
        self._client = client
        self._table = table
        self._calls = calls or Calls(SystemClock(), SystemRandomness())

    def within(self, deadline: float) -> DynamoRepository:
        """The same repository, with a deadline for all calls together, in seconds of the clock's `monotonic`."""
        return DynamoRepository(self._client, self._table, self._calls.within(deadline))

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """The records that exist, each strongly consistent."""
        wanted = list(dict.fromkeys(addresses))
        if len(wanted) == 1:
            items = self._get_one(wanted[0])
        else:
            chunks = (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH))
            items = [item for chunk in chunks for item in self._get_batch(chunk)]
        found = [from_item(item) for item in items]
        return {address_of(record): record for record in found}

    def query(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int | None = None,
        values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:
        """Records in order of sort key. Pages are read as needed."""
        request = self._query(partition, prefix, after, values=values)
        request["ScanIndexForward"] = not reverse
        left = limit
        while left is None or left > 0:
            if left is not None:
                request["Limit"] = left
            page = self._calls.read(PAGE_SECONDS, partial(self._client.query, **request))
            yield from (from_item(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            left = None if left is None else left - len(page["Items"])
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """The records that exist, all read at one moment with TransactGetItems."""
        wanted: list[TransactGetItemTypeDef] = [
            {"Get": {"TableName": self._table, "Key": build_key(at)}} for at in addresses
        ]
        send = partial(self._client.transact_get_items, TransactItems=wanted)
        answer = self._calls.read(PAGE_SECONDS, send)
        found = [from_item(each["Item"]) for each in answer["Responses"] if "Item" in each]
        return {address_of(record): record for record in found}

    def commit(self, actions: Sequence[WriteAction]) -> None:
        """Applies all actions in one TransactWriteItems, or none. Retries use the same token, so it applies once."""
        addresses = [address_of(action.record) if isinstance(action, Write) else action.address for action in actions]
        transaction = [self._transact(action) for action in actions]
        token = self._calls.chance.tag() + self._calls.chance.tag()
        send = partial(self._client.transact_write_items, TransactItems=transaction, ClientRequestToken=token)
        self._calls.commit(addresses, send)

    def _get_one(self, address: RecordAddress) -> list[Item]:
        send = partial(self._client.get_item, TableName=self._table, Key=build_key(address), ConsistentRead=True)
        answer = self._calls.read(RECORD_SECONDS, send)
        return [answer["Item"]] if "Item" in answer else []

    def _get_batch(self, addresses: Sequence[RecordAddress]) -> Iterator[Item]:
        """A response is limited to 16 MB, and a busy table omits keys. They are requested again after a pause."""
        keys: Sequence[Key] = [build_key(address) for address in addresses]
        until, fruitless = self._calls.until(), 0
        while keys:
            asked: Mapping[str, KeysAndAttributesTypeDef] = {self._table: {"Keys": keys, "ConsistentRead": True}}
            answer = self._calls.read(PAGE_SECONDS, partial(self._client.batch_get_item, RequestItems=asked))
            yield from answer["Responses"].get(self._table, [])
            left = answer["UnprocessedKeys"].get(self._table)
            if not left:
                return
            # A processed key may have no item, so the items do not show whether the table makes progress.
            fruitless = fruitless + 1 if len(left["Keys"]) == len(keys) else 0
            keys = left["Keys"]
            if not self._calls.pause(until, fruitless):
                raise make_busy()

    def _query(self, partition: str, prefix: str, after: str, *, values: bool) -> QueryInputTypeDef:
        names = {"#pk": "pk"}
        expression, texts = "#pk = :pk", {":pk": partition}
        if prefix:
            expression += " AND begins_with(#sk, :prefix)"
            names["#sk"] = "sk"
            texts[":prefix"] = prefix
        request: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {name: {"S": text} for name, text in texts.items()},
            "ConsistentRead": True,
        }
        if after:
            request["ExclusiveStartKey"] = build_key(RecordAddress(partition, after))
        if not values:
            aliases = {f"#{number}": name for number, name in enumerate(_WITHOUT_VALUE)}
            request["ExpressionAttributeNames"] = names | aliases
            request["ProjectionExpression"] = ", ".join(aliases)
        return request

    def _transact(self, action: WriteAction) -> TransactWriteItemTypeDef:
        condition = _build_condition(action.expected)
        match action:
            case Write(record):
                return {"Put": {"TableName": self._table, "Item": to_item(record), **condition}}
            case Remove(address):
                return {"Delete": {"TableName": self._table, "Key": build_key(address), **condition}}
            case StampCheck(address):
                return {"ConditionCheck": {"TableName": self._table, "Key": build_key(address), **condition}}


class _Condition(TypedDict):
    ConditionExpression: str
    ExpressionAttributeNames: NotRequired[Mapping[str, str]]
    ExpressionAttributeValues: NotRequired[Mapping[str, AttributeValueTypeDef]]
    # NONE: an item that fails a condition must not be returned in the error, because it may contain a value.
    ReturnValuesOnConditionCheckFailure: Literal["NONE"]


def _build_condition(expected: int | None) -> _Condition:
    """The condition that the item does not exist, or still has the stamp that was read."""
    if expected is None:
        return {
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": "pk"},
            "ReturnValuesOnConditionCheckFailure": "NONE",
        }
    return {
        "ConditionExpression": "#revision = :expected",
        "ExpressionAttributeNames": {"#revision": "revision"},
        "ExpressionAttributeValues": {":expected": {"N": str(expected)}},
        "ReturnValuesOnConditionCheckFailure": "NONE",
    }
