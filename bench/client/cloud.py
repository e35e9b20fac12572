"""Our API and the AWS services of the peers, out of memory: answers at once or after a set latency, and counts."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from bench.client.wire import Asked, Told
from configsvc.model.encoding import from_base64std, to_base64std
from configsvc.model.names import Namespace
from configsvc.model.snapshot import SealedSnapshot, parse, render
from tests.support.client.fakes import KMS_KEY, FakeKms
from tests.support.client.sealing import seal_values

CHANGING = Namespace("changing")
"""A namespace that has another revision each time it is asked for."""

_PAGE = 10
"""The page size of SSM, by path or by name."""

Members = dict[str, Any]


def name_of(number: int) -> str:
    """The key of a value, on all sides."""
    return f"k{number}"


def namespace_of(values: int) -> Namespace:
    """Name the namespace with that many values."""
    return Namespace(f"bench.{values}")


class Cloud:
    """The stub's data and answers.

    Args:
        sizes: how many values; a namespace, and a path of SSM, for each.
        credstash: items of credstash's table, as credstash itself sealed them.

    `service` answers in place of our API's stub while it is set.
    """

    def __init__(self, sizes: tuple[int, ...], credstash: list[Members]) -> None:
        self.latency = 0.0
        self.service: Callable[[Asked], Told] | None = None
        self.counts: Counter[str] = Counter()
        self._lock = Lock()
        self._snapshots = {namespace_of(size): _seal(namespace_of(size), size) for size in sizes}
        self._changing = seal_values(_values(10), namespace=CHANGING)
        self._paths = {f"/bench/{size}": [_parameter(size, number) for number in range(size)] for size in sizes}
        self._parameters = {each["Name"]: each for path in self._paths.values() for each in path}
        self._items = {item["name"]["S"]: item for item in credstash}
        self._operations: Mapping[str, Callable[[Members], Members]] = {
            "Decrypt": _decrypt,
            "GetParameter": lambda asked: {"Parameter": self._parameters[asked["Name"]]},
            "GetParameters": self._by_name,
            "GetParametersByPath": self._by_path,
            "DescribeSecret": _describe,
            "GetSecretValue": lambda asked: {**_describe(asked), "VersionId": _VERSION, "SecretString": "s" * 64},
            "Scan": self._scan,
            "Query": self._query,
        }

    def answer(self, asked: Asked) -> bytes:
        """The whole answer to one request."""
        target = asked.headers.get("x-amz-target", "").rpartition(".")[2]
        told = self._aws(target, asked) if target else self._api(asked)
        message = told.message()
        with self._lock:
            self.counts.update(
                {"requests": 1, target or "snapshot": 1, "bytes asked": asked.size, "bytes told": len(message)}
            )
        if self.latency:
            time.sleep(self.latency)
        return message

    def sealed(self, namespace: Namespace) -> SealedSnapshot:
        """The snapshot of a namespace."""
        return parse(json.loads(self.body(namespace)))

    def body(self, namespace: Namespace) -> bytes:
        """The body of the API's answer for a namespace."""
        return self._snapshots[namespace][1]

    def _api(self, asked: Asked) -> Told:
        if self.service:
            return self.service(asked)
        namespace = Namespace(asked.path.split("/")[-2])
        etag, body = self._changed() if namespace == CHANGING else self._snapshots[namespace]
        headers = {"content-type": "application/json", "etag": etag, "x-correlation-id": "0" * 32}
        if asked.headers.get("if-none-match") == etag:
            return Told(304, headers, b"")
        return Told(200, headers, body)

    def _changed(self) -> tuple[str, bytes]:
        self.counts["changes"] += 1
        revision = self.counts["changes"]
        return f'"{revision}-0a1b"', render(self._changing.sealed._replace(revision=revision)).encode()

    def _aws(self, target: str, asked: Asked) -> Told:
        members = self._operations[target](json.loads(asked.body))
        return Told(
            200,
            {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "0" * 36},
            json.dumps(members).encode(),
        )

    def _by_name(self, asked: Members) -> Members:
        return {"Parameters": [self._parameters[name] for name in asked["Names"]], "InvalidParameters": []}

    def _by_path(self, asked: Members) -> Members:
        first = int(asked.get("NextToken", 0))
        found = self._paths[asked["Path"].rstrip("/")]
        after = first + _PAGE
        more = {"NextToken": str(after)} if after < len(found) else {}
        return {"Parameters": found[first:after], **more}

    def _scan(self, _: Members) -> Members:
        found = [{"name": item["name"], "version": item["version"]} for item in self._items.values()]
        return {"Items": found, "Count": len(found), "ScannedCount": len(found)}

    def _query(self, asked: Members) -> Members:
        (name,) = asked["ExpressionAttributeValues"].values()
        return {"Items": [self._items[name["S"]]], "Count": 1, "ScannedCount": 1}


_VERSION = "3a2b1c0d-0000-4000-8000-000000000000"


def _values(size: int) -> dict[str, str]:
    return {name_of(number): str(number).rjust(64, "v") for number in range(size)}


def _seal(namespace: Namespace, size: int) -> tuple[str, bytes]:
    found = seal_values(_values(size), namespace=namespace)
    return found.etag, render(found.sealed).encode()


def _parameter(size: int, number: int) -> Members:
    name = f"/bench/{size}/{name_of(number)}"
    return {
        "Name": name, "Type": "SecureString", "Value": str(number).rjust(64, "v"), "Version": 1,
        "LastModifiedDate": 1760000000.5, "ARN": f"arn:aws:ssm:eu-central-1:111122223333:parameter{name}",
        "DataType": "text",
    }  # fmt: skip


def _describe(asked: Members) -> Members:
    name = asked["SecretId"]
    return {
        "ARN": f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-AbCdEf", "Name": name,
        "VersionIdsToStages": {_VERSION: ["AWSCURRENT"]}, "VersionStages": ["AWSCURRENT"], "CreatedDate": 1760000000.5,
    }  # fmt: skip


def _decrypt(asked: Members) -> Members:
    blob = from_base64std(asked["CiphertextBlob"])
    opened = FakeKms().decrypt(blob, asked.get("EncryptionContext", {}), asked.get("KeyId"), 0)
    plaintext = to_base64std(opened.plaintext.reveal())
    return {"Plaintext": plaintext, "KeyId": KMS_KEY, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
