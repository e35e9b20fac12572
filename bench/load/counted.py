"""Counts calls at the table, not in the service, by operation and kind of item."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

from bench.stub_dynamodb import StubDynamoDb
from configsvc.adapters.memory import MemoryRepository

HEAD, HEAD_WITH_GRANTS = "GetItem HEAD", "BatchGetItem G# HEAD"
SNAPSHOT, DATA_KEYS = "Query K#", "GetItem D#"
WRITE = "TransactWriteItems"

Calls = Counter[str]


class CountedDynamoDb(StubDynamoDb):
    """A table in memory that counts its calls, such as `GetItem HEAD`; use it from any number of threads."""

    def __init__(self) -> None:
        super().__init__(MemoryRepository())
        self._calls = Calls()
        self._lock = Lock()

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """See StubDynamoDb."""
        with self._lock:
            self._calls[call(operation, asked)] += 1
        return super().answer(operation, asked)

    def reset(self) -> Calls:
        """Restart counting; return the counts so far."""
        with self._lock:
            calls, self._calls = self._calls, Calls()
            return calls


def call(operation: str, asked: dict[str, Any]) -> str:
    """The operation, and the kinds of items that it reads, each once: the sort key up to its first `#`."""
    if operation == WRITE:
        return operation
    if operation == "Query":
        values = asked["ExpressionAttributeValues"]
        return f"{operation} {values.get(':prefix', {'S': '*'})['S']}"
    sort_keys = [key["sk"]["S"] for key in _keys(asked)]
    return f"{operation} {' '.join(sorted({_kind(each) for each in sort_keys}))}"


def _keys(asked: dict[str, Any]) -> list[dict[str, Any]]:
    if "TransactItems" in asked:
        return [each["Get"]["Key"] for each in asked["TransactItems"]]
    requests = asked["RequestItems"].values() if "RequestItems" in asked else [{"Keys": [asked["Key"]]}]
    return [key for request in requests for key in request["Keys"]]


def _kind(sort_key: str) -> str:
    name, mark, _ = sort_key.partition("#")
    return name + mark
