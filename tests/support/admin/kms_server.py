"""A KMS on loopback that keeps no keys: a blob says what it holds, and opens only under its own context."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from configsvc.model.encoding import from_base64std, to_base64std
from local.network.server import Handler, LoopbackServer

KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = "arn:aws:kms:us-east-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab"
FAR_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1111abcd-12ab-34cd-56ef-1234567890ab"
FOREIGN_KEY = "arn:aws:kms:us-east-1:666666666666:key/66666666-66ab-66cd-66ef-666666666666"

Document = Mapping[str, Any]
EVERYTHING: Document = {"Statement": [{"Effect": "Allow", "Action": "*"}]}


class Call(NamedTuple):
    operation: str
    context: Mapping[str, str]


class KmsServer(NamedTuple):
    url: str
    calls: list[Call]
    refused: set[str]
    while_waiting: list[Callable[[], None]]
    policies: dict[str, list[Document]]

    def count(self, operation: str) -> int:
        return sum(1 for call in self.calls if call.operation == operation)


@contextmanager
def kms_server() -> Iterator[KmsServer]:
    """A running one. Operations in `refused` answer AccessDeniedException; `while_waiting` is done before each answer.

    `policies` are the IAM policies of access keys. An access key that is not in it may do everything.
    """
    calls: list[Call] = []
    refused: set[str] = set()
    while_waiting: list[Callable[[], None]] = []
    policies: dict[str, list[Document]] = {}

    class Bound(Handler):
        def answer(self) -> None:
            members = json.loads(self.body())
            operation = str(self.headers["x-amz-target"]).rpartition(".")[2]
            calls.append(Call(operation, members.get("EncryptionContext", {})))
            for each in while_waiting:
                each()
            held = policies.get(_access_key(str(self.headers["authorization"])), [EVERYTHING])
            denied = operation in refused or not _may(held, operation, members)
            elsewhere = _elsewhere(str(self.headers["authorization"]), members)
            status, answer = _denied(operation) if denied else elsewhere or _answer(operation, members)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = LoopbackServer(Bound)
    server.start()
    try:
        yield KmsServer(server.url, calls, refused, while_waiting, policies)
    finally:
        server.stop()


def allows(policies: Iterable[Document], action: str, context: Mapping[str, str]) -> bool:
    """Decides like IAM on policies of actions and encryption contexts: a Deny wins, and without an Allow it denies."""
    effects = [
        statement["Effect"]
        for policy in policies
        for statement in policy["Statement"]
        if _matches(statement, action, context)
    ]
    return "Allow" in effects and "Deny" not in effects


def _matches(statement: Mapping[str, Any], action: str, context: Mapping[str, str]) -> bool:
    actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    conditions = [each for operator in statement.get("Condition", {}).values() for each in operator.items()]
    return any(fnmatchcase(action, each) for each in actions) and all(
        fnmatchcase(context.get(name.removeprefix("kms:EncryptionContext:"), ""), wanted) for name, wanted in conditions
    )


def _may(held: Iterable[Document], operation: str, members: Mapping[str, Any]) -> bool:
    if operation == "ReEncrypt":
        sides = (("From", members["SourceEncryptionContext"]), ("To", members["DestinationEncryptionContext"]))
        return all(allows(held, f"kms:ReEncrypt{side}", context) for side, context in sides)
    return allows(held, f"kms:{operation}", members.get("EncryptionContext", {}))


def _access_key(authorization: str) -> str:
    return authorization.partition("Credential=")[2].partition("/")[0]


def _elsewhere(authorization: str, members: Mapping[str, Any]) -> tuple[int, dict[str, Any]] | None:
    """As KMS in the region that is signed for answers when it is asked for keys of another."""
    region = authorization.split("/")[2]
    named = [members[name] for name in ("KeyId", "SourceKeyId", "DestinationKeyId") if name in members]
    if any(key.split(":")[3] != region for key in named):
        return 400, {"__type": "NotFoundException", "message": f"Invalid arn {named[0].split(':')[3]}"}
    if "CiphertextBlob" in members and _held(members["CiphertextBlob"])[0].split(":")[3] != region:
        return 400, {"__type": "AccessDeniedException", "message": "The ciphertext refers to a key that does not exist"}
    return None


def _denied(operation: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": "AccessDeniedException", "message": f"not authorized to perform kms:{operation}"}


def _answer(operation: str, members: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    context = members.get("EncryptionContext", {})
    match operation:
        case "GenerateDataKey":
            plaintext = to_base64std(os.urandom(32))
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
    key, made_with, plaintext = _held(blob)
    if made_with != context or asked not in (None, key):
        return 400, {"__type": "InvalidCiphertextException", "message": ""}
    return 200, {"KeyId": key, "Plaintext": plaintext}


def _held(blob: str) -> tuple[str, Mapping[str, str], str]:
    key, made_with, plaintext = json.loads(bytes(byte ^ 0x5A for byte in from_base64std(blob)))
    return key, made_with, plaintext


def _blob(members: Mapping[str, Any], plaintext: str) -> dict[str, str]:
    text = json.dumps([members["KeyId"], members.get("EncryptionContext", {}), plaintext])
    return {"CiphertextBlob": to_base64std(bytes(byte ^ 0x5A for byte in text.encode()))}
