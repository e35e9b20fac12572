"""Why KMS refused, and what to do. Loaded with the first refusal.

Codes: AWS KMS API reference, Common Errors, Decrypt, GenerateDataKey. What KMS says of a signature is never shown: AWS
quotes the headers that were signed there, and the session token is one of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from configsvc_client import _iam_words
from configsvc_client._sentences import sentences

DENIED = "AccessDeniedException"
NOBODY = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException",
    "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
"""What KMS says of credentials that are wrong, incomplete or too old."""

_SIGNATURES = frozenset({
    "IncompleteSignature", "IncompleteSignatureException", "InvalidSignatureException", "SignatureDoesNotMatch",
})  # fmt: skip
_CLOCK = re.compile(r"Signature (?:expired|not yet current)|Request has expired", re.IGNORECASE)
_SCOPE = re.compile(r"scoped to a valid region", re.IGNORECASE)
_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:[\w/-]{1,200}", re.ASCII)
_WHO = re.compile(r"User: arn:aws[a-z-]*:[a-z]+::([0-9]{12}):", re.ASCII)
_ROLES = {"Decrypt": "reader", "Encrypt": "writer", "GenerateDataKey": "writer"}
_CONTEXT = "configsvc:namespace"
_UNKEYED = "the KMS key"

_ALTERED = "It was encrypted for another namespace or key, or altered since. Tell an administrator of the namespace."
_NEXT = {
    "DisabledException": "Enable the key, or ask the people who manage it: aws kms enable-key --key-id {key}",
    "IncorrectKeyException": _ALTERED,
    "InvalidCiphertextException": _ALTERED,
    "InvalidKeyUsageException": "A data key takes a symmetric KMS key for encryption (SYMMETRIC_DEFAULT).",
    "KMSInvalidStateException": "To see the state of the key: aws kms describe-key --key-id {key}",
    "KeyUnavailableException": "Wait a little, then repeat.",
    "NotFoundException": "Is AWS_REGION the region of the KMS key? If it is, the key does not exist.",
}
_PENDING_DELETION = (
    "What is sealed under the key is lost once it is deleted. To keep the key: aws kms cancel-key-deletion --key-id "
    "{key} && aws kms enable-key --key-id {key}"
)
_CREDENTIALS = "Your AWS credentials are wrong or have expired. configsvc doctor shows where they come from."


def explained(operation: str, code: str, message: str, members: Mapping[str, object]) -> str:
    """What KMS refused, in its words where they are safe, and what to do about it.

    Args:
        operation: such as Decrypt.
        code: KMS's error code.
        message: KMS's own.
        members: those of the request; only the key's ARN and the namespace of the encryption context are shown.
    """
    said = "" if code in _SIGNATURES else message
    return sentences(f"KMS refused {operation} with {code}", said, _next(operation, code, message, members))


def _next(operation: str, code: str, message: str, members: Mapping[str, object]) -> str:
    if code == DENIED:
        return _denied(operation, message, members)
    if _CLOCK.search(message):
        return "Is your clock right? AWS allows 5 minutes: set it (NTP)."
    if code in _SIGNATURES and _SCOPE.search(message):
        return "AWS_REGION is not the region of the KMS endpoint. configsvc doctor shows where it is set."
    if code in NOBODY:
        return _CREDENTIALS
    text = _PENDING_DELETION if "pending deletion" in message.lower() else _NEXT.get(code, "")
    key = _key(message, members)
    return text.format(key="KEY" if key == _UNKEYED else key)


def _denied(operation: str, message: str, members: Mapping[str, object]) -> str:
    """The right that is missing, on what, and what gives it: the policy to print, or the one that stands in the way."""
    context = members.get("EncryptionContext") or members.get("SourceEncryptionContext")
    namespace = str(context.get(_CONTEXT, "")) if isinstance(context, dict) else ""
    key = _key(message, members)
    actions = "kms:ReEncryptFrom and kms:ReEncryptTo" if operation == "ReEncrypt" else f"kms:{operation}"
    under = f" under the encryption context {_CONTEXT}={namespace}" if namespace else ""
    role = _ROLES.get(operation, "administrator")
    also = " (if it writes too, with writer in place of reader)" if role == "reader" else ""
    prints = "What the call needs besides" if _iam_words.is_explicit(message) else f"This prints the policy{also}"
    return sentences(
        f"Your AWS identity needs {actions} on {key}{under}",
        _elsewhere(message, key),
        _iam_words.obstacle(message, of_resource="key policy of the KMS key"),
        f"{prints}: configsvc iam-policy --for {role}{f' -n {namespace}' if namespace else ''}",
    )


def _elsewhere(message: str, key: str) -> str:
    """What else can be the cause: a key of another account, whose policy decides too, or one of another region."""
    who, account = _WHO.search(message), key.split(":")[4:5]
    if who and account and account != [who.group(1)]:
        return f"The key is of another account, {account[0]}, so its key policy has to allow yours too"
    if "not exist in this region" in message.lower():
        return "Or the key is not in AWS_REGION"
    return ""


def _key(message: str, members: Mapping[str, object]) -> str:
    named = _ARN.search(message)
    return str(members.get("KeyId") or members.get("SourceKeyId") or (named and named.group()) or _UNKEYED)
