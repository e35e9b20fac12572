"""A DynamoDB that answers at once, out of a table in memory: what is measured is the client, not the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from configsvc.adapters.items import to_item
from configsvc.adapters.memory import MemoryRepository
from configsvc.service.records import Address
from local.server import Handler, LoopbackServer


class StubDynamoDb:
    """Answers GetItem, BatchGetItem and Query of one table."""

    def __init__(self, repository: MemoryRepository) -> None:
        self._repository = repository

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call."""
        if operation == "GetItem":
            found = self._items([asked["Key"]])
            return {"Item": found[0]} if found else {}
        if operation == "BatchGetItem":
            ((table, wanted),) = asked["RequestItems"].items()
            return {"Responses": {table: self._items(wanted["Keys"])}, "UnprocessedKeys": {}}
        return self._query(asked["ExpressionAttributeValues"])

    def _items(self, keys: list[dict[str, Any]]) -> list[Any]:
        records = self._repository.get([Address(key["pk"]["S"], key["sk"]["S"]) for key in keys])
        return [to_item(record) for record in records.values()]

    def _query(self, values: dict[str, dict[str, str]]) -> dict[str, Any]:
        texts = sorted(value["S"] for value in values.values())
        partition = next(text for text in texts if text.startswith("N#"))
        found = [to_item(record) for record in self._repository.query(partition, "K#")]
        return {"Items": found, "Count": len(found), "ScannedCount": len(found)}


@contextmanager
def served(stub: StubDynamoDb) -> Iterator[str]:
    """Its URL on loopback while it serves."""

    class Answering(Handler):
        def answer(self) -> None:
            asked = json.loads(self.body())
            operation = str(self.headers["X-Amz-Target"]).rpartition(".")[2]
            body = json.dumps(stub.answer(operation, asked)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = LoopbackServer(Answering)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
