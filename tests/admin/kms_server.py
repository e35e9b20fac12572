"""A KMS on loopback that keeps no keys: a blob says what it holds, and opens only under its own context."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from configsvc.model.encoding import base64std, from_base64std
from local.server import Handler, LoopbackServer

KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = "arn:aws:kms:us-east-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab"
FOREIGN_KEY = "arn:aws:kms:us-east-1:666666666666:key/66666666-66ab-66cd-66ef-666666666666"


class Call(NamedTuple):
    operation: str
    context: Mapping[str, str]


class KmsServer(NamedTuple):
    url: str
    calls: list[Call]
    refused: set[str]
    meanwhile: list[Callable[[], None]]

    def count(self, operation: str) -> int:
        return sum(1 for call in self.calls if call.operation == operation)


@contextmanager
def kms_server() -> Iterator[KmsServer]:
    """A running one. Operations in `refused` answer AccessDeniedException; `meanwhile` is done before each answer."""
    calls: list[Call] = []
    refused: set[str] = set()
    meanwhile: list[Callable[[], None]] = []

    class Bound(Handler):
        def answer(self) -> None:
            members = json.loads(self.body())
            operation = str(self.headers["x-amz-target"]).rpartition(".")[2]
            calls.append(Call(operation, members.get("EncryptionContext", {})))
            for each in meanwhile:
                each()
            status, answer = _denied(operation) if operation in refused else _answer(operation, members)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = LoopbackServer(Bound)
    server.start()
    try:
        yield KmsServer(server.url, calls, refused, meanwhile)
    finally:
        server.stop()


def _denied(operation: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": "AccessDeniedException", "message": f"not authorized to perform kms:{operation}"}


def _answer(operation: str, members: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    context = members.get("EncryptionContext", {})
    match operation:
        case "GenerateDataKey":
            plaintext = base64std(os.urandom(32))
            return 200, {"KeyId": members["KeyId"], "Plaintext": plaintext} | _blob(members, plaintext)
        case "Encrypt":
            return 200, {"KeyId": members["KeyId"]} | _blob(members, members["Plaintext"])
        case "Decrypt":
            return _opened(members["CiphertextBlob"], context, members.get("KeyId"))
        case "ReEncrypt":
            source, destination = members["SourceEncryptionContext"], members["DestinationEncryptionContext"]
            status, opened = _opened(members["CiphertextBlob"], source, members["SourceKeyId"])
            if status != 200:
                return status, opened
            wanted = {"KeyId": members["DestinationKeyId"], "EncryptionContext": destination}
            return 200, {"KeyId": wanted["KeyId"], "SourceKeyId": opened["KeyId"]} | _blob(wanted, opened["Plaintext"])
    return 400, {"__type": "UnknownOperationException"}


def _opened(blob: str, context: Mapping[str, str], asked: str | None) -> tuple[int, dict[str, Any]]:
    key, made_with, plaintext = json.loads(bytes(byte ^ 0x5A for byte in from_base64std(blob)))
    if made_with != context or asked not in (None, key):
        return 400, {"__type": "InvalidCiphertextException", "message": ""}
    return 200, {"KeyId": key, "Plaintext": plaintext}


def _blob(members: Mapping[str, Any], plaintext: str) -> dict[str, str]:
    text = json.dumps([members["KeyId"], members.get("EncryptionContext", {}), plaintext])
    return {"CiphertextBlob": base64std(bytes(byte ^ 0x5A for byte in text.encode()))}
