"""A DynamoDB in memory that answers at once, so that the store is not what is measured.

It keeps the promises that the adapter relies on (tests/contracts): conditions, all or nothing, strong reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from configsvc.adapters.items import build_key, from_item, to_item
from configsvc.adapters.memory import MemoryRepository
from configsvc.service.engine.ports import LostRace, Remove, StampCheck, Write, WriteAction
from configsvc.service.engine.records import RecordAddress, address_of
from local.network.server import Handler, LoopbackServer


class Cancelled(Exception):
    """A transaction that did not happen; `reasons` has a code for each of its actions."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons


class StubDynamoDb:
    """Answers the calls of one table, as DynamoRepository makes them: reads, queries and both kinds of transaction."""

    def __init__(self, repository: MemoryRepository) -> None:
        self._repository = repository

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call.

        Raises:
            Cancelled: a condition of a transaction did not hold.
        """
        if operation == "GetItem":
            found = self._items([asked["Key"]])
            return {"Item": found[0]} if found else {}
        if operation == "BatchGetItem":
            ((table, wanted),) = asked["RequestItems"].items()
            return {"Responses": {table: self._items(wanted["Keys"])}, "UnprocessedKeys": {}}
        if operation == "TransactGetItems":
            return {"Responses": self._together([each["Get"]["Key"] for each in asked["TransactItems"]])}
        return self._query(asked) if operation == "Query" else self._transact(asked["TransactItems"])

    def _items(self, keys: list[dict[str, Any]]) -> list[Any]:
        records = self._repository.get([_address(key) for key in keys])
        return [to_item(record) for record in records.values()]

    def _together(self, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        addresses = [_address(key) for key in keys]
        found = self._repository.get_together(addresses)
        return [{"Item": to_item(found[at])} if at in found else {} for at in addresses]

    def _query(self, asked: dict[str, Any]) -> dict[str, Any]:
        values, limit = asked["ExpressionAttributeValues"], asked.get("Limit")
        records = self._repository.query(
            values[":pk"]["S"],
            values[":prefix"]["S"] if "begins_with" in asked["KeyConditionExpression"] else "",
            after=asked.get("ExclusiveStartKey", {"sk": {"S": ""}})["sk"]["S"],
            values="ProjectionExpression" not in asked,
            reverse=not asked.get("ScanIndexForward", True),
        )
        found = list(islice(records, limit))
        answer: dict[str, Any] = {"Items": [to_item(record) for record in found], "Count": len(found)}
        return answer | (
            {"LastEvaluatedKey": build_key(address_of(found[-1]))} if limit and len(found) == limit else {}
        )

    def _transact(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        actions = [_action(*each) for item in items for each in item.items()]
        try:
            self._repository.commit(actions)
        except LostRace as lost:
            addresses = [address_of(each.record) if isinstance(each, Write) else each.address for each in actions]
            raise Cancelled(
                ["ConditionalCheckFailed" if address in lost.addresses else "None" for address in addresses]
            ) from None
        return {}


def _address(key: dict[str, Any]) -> RecordAddress:
    return RecordAddress(key["pk"]["S"], key["sk"]["S"])


def _action(kind: str, asked: dict[str, Any]) -> WriteAction:
    """Parse an action of a request; its condition is that no item exists, or a stamp."""
    expected = asked.get("ExpressionAttributeValues", {}).get(":expected")
    stamp = None if expected is None else int(expected["N"])
    if kind == "Put":
        return Write(from_item(asked["Item"]), stamp)
    if kind == "Delete" and stamp is not None:
        return Remove(_address(asked["Key"]), stamp)
    return StampCheck(_address(asked["Key"]), stamp)


@contextmanager
def serve(stub: StubDynamoDb) -> Iterator[str]:
    """Its URL on loopback while it serves."""

    class Answering(Handler):
        wbufsize = -1  # an answer is one packet

        def answer(self) -> None:
            asked = json.loads(self.body())
            operation = str(self.headers["X-Amz-Target"]).rpartition(".")[2]
            try:
                self._send(200, stub.answer(operation, asked))
            except Cancelled as cancelled:
                kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
                reasons = [{"Code": reason} for reason in cancelled.reasons]
                self._send(400, {"__type": kind, "message": "cancelled", "CancellationReasons": reasons})
            except ValueError as refused:
                kind = "com.amazon.coral.validate#ValidationException"
                self._send(400, {"__type": kind, "message": str(refused)})

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    server = LoopbackServer(Answering)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
