"""KMS errors: why KMS refused and what to do. Loaded with the first refusal.

Codes: AWS KMS API reference, Common Errors, Decrypt, GenerateDataKey. KMS's messages about signatures are never shown:
they quote the signed headers, including the session token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from configsvc.model.errors import CannotOpen, ConfigsvcError, Internal, Unavailable
from configsvc_client._pin import is_key_arn, parse_region
from configsvc_client._wording import join_sentences, sanitize

DENIED = "AccessDeniedException"
BAD_CREDENTIALS = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException",
    "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
"""Codes for credentials that are wrong, incomplete or too old."""

_REPEATABLE = re.compile(r"Throttling|LimitExceeded|KMSInternal|DependencyTimeout|ServiceUnavailable|InternalFailure")
_EXPIRED = re.compile(r"ExpiredToken|RequestExpired|InvalidSignatureException Signature expired")
_LENGTH = 100

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
    "InvalidKeyUsageException": "A data key needs a symmetric KMS key for encryption (SYMMETRIC_DEFAULT).",
    "KMSInvalidStateException": "To see the state of the key: aws kms describe-key --key-id {key}",
    "KeyUnavailableException": "Wait a moment, then try again.",
}
_PENDING_DELETION = (
    "Values sealed under the key are lost once it is deleted. To keep the key: aws kms cancel-key-deletion --key-id "
    "{key} && aws kms enable-key --key-id {key}"
)
_OTHER_ENDPOINT = (
    "The KMS endpoint is not in {region}, which the request was signed for. Correct AWS_ENDPOINT_URL_KMS, the region "
    "in CONFIGSVC_KMS_KEYS, or AWS_REGION. configsvc doctor shows where they are set."
)
_NOT_FOUND = "NotFoundException"
_CREDENTIALS = "Your AWS credentials are wrong or have expired. configsvc doctor shows where they come from."


def is_expired(said: Mapping[str, object]) -> bool:
    """Whether KMS found the credentials or the signature too old: a newly signed request may succeed."""
    return _EXPIRED.search(_format_reason(said)) is not None


def make_refusal_error(
    operation: str, status: int, said: Mapping[str, object], asked: Mapping[str, object], region: str = ""
) -> ConfigsvcError:
    """Makes the error for a KMS response. KMS's code and message contain no plaintext.

    Args:
        operation: such as Decrypt.
        status: the status of the response.
        said: the members of the response.
        asked: the members of the request.
        region: the region that was called.
    """
    code, _, message = _format_reason({"__type": status, **said}).partition(" ")
    detail = explain_refusal(operation, code, message, asked, region)
    if status >= Internal.status or _REPEATABLE.search(code):
        return Unavailable(detail, reason=code)
    return CannotOpen(detail, reason=code)


def _format_reason(members: Mapping[str, object]) -> str:
    """Joins KMS's code and message, cut and without control characters."""
    code = _to_text(members.get("__type")).rpartition("#")[2].replace(" ", "")
    return f"{sanitize(code, _LENGTH)} {sanitize(_to_text(members.get('message') or members.get('Message')))}"


def _to_text(found: object) -> str:
    return str(found) if isinstance(found, str | int) else ""


def explain_refusal(operation: str, code: str, message: str, members: Mapping[str, object], region: str = "") -> str:
    """Explains what KMS refused, in its own words if they are safe to show, and what to do.

    Args:
        operation: such as Decrypt.
        code: the KMS error code.
        message: the KMS error message.
        members: of the request; only the key's ARN and the namespace of the encryption context are shown.
        region: the region that was called.
    """
    said, where = "" if code in _SIGNATURES else message, f" in {region}" if region else ""
    following = _suggest_fix(operation, code, message, members, region)
    return join_sentences(f"KMS{where} refused {operation} with {code}", said, following)


def _suggest_fix(operation: str, code: str, message: str, members: Mapping[str, object], region: str) -> str:
    if code == DENIED:
        return _explain_denial(operation, message, members, region)
    if _CLOCK.search(message):
        return "Is your clock right? AWS allows 5 minutes: set it (NTP)."
    if code in _SIGNATURES and _SCOPE.search(message):
        return _OTHER_ENDPOINT.format(region=region or "the region")
    if code in BAD_CREDENTIALS:
        return _CREDENTIALS
    if code == _NOT_FOUND:
        return _explain_missing_key(members, region)
    text = _PENDING_DELETION if "pending deletion" in message.lower() else _NEXT.get(code, "")
    key = _find_key(message, members)
    return text.format(key="KEY" if key == _UNKEYED else key)


def _explain_missing_key(members: Mapping[str, object], region: str) -> str:
    """Explains why a key was not found: it is in another region, unless its ARN names the region that was called."""
    named = str(members.get("KeyId") or members.get("SourceKeyId"))
    if region and is_key_arn(named) and parse_region(named) == region:
        return "The key does not exist. Is its ARN right?"
    return (
        f"Is {region or 'AWS_REGION'} the region of the KMS key? If not, name the key's ARN in "
        "CONFIGSVC_KMS_KEYS or set AWS_REGION. If it is, the key does not exist."
    )


def _explain_denial(operation: str, message: str, members: Mapping[str, object], region: str) -> str:
    """Explains which permission is missing, on what, and which policy grants it or blocks it."""
    context = members.get("EncryptionContext") or members.get("SourceEncryptionContext")
    namespace = str(context.get(_CONTEXT, "")) if isinstance(context, dict) else ""
    key = _find_key(message, members)
    actions = "kms:ReEncryptFrom and kms:ReEncryptTo" if operation == "ReEncrypt" else f"kms:{operation}"
    under = f" under the encryption context {_CONTEXT}={namespace}" if namespace else ""
    role = _ROLES.get(operation, "administrator")
    also = " (if it also writes, use writer instead of reader)" if role == "reader" else ""
    prints = (
        "The call also needs the policy that this prints" if is_explicit(message) else f"This prints the policy{also}"
    )
    return join_sentences(
        f"Your AWS identity needs {actions} on {key}{under}",
        _explain_other_place(message, key, region),
        describe_obstacle(message, of_resource="key policy of the KMS key"),
        f"{prints}: configsvc iam-policy --for {role}{f' -n {namespace}' if namespace else ''}",
    )


def _explain_other_place(message: str, key: str, region: str) -> str:
    """Explains other causes: a key in another account, whose policy must allow it too, or in another region."""
    who, account = _WHO.search(message), key.split(":")[4:5]
    if who and account and account != [who.group(1)]:
        return f"The key belongs to another account, {account[0]}, so its key policy must also allow yours"
    if "not exist in this region" in message.lower():
        return f"Or the key is not in {region or 'AWS_REGION'}"
    return ""


def _find_key(message: str, members: Mapping[str, object]) -> str:
    named = _ARN.search(message)
    return str(members.get("KeyId") or members.get("SourceKeyId") or (named and named.group()) or _UNKEYED)


_POLICIES = ("service control policy", "resource control policy", "permissions boundary", "session policy",
             "VPC endpoint policy", "resource-based policy", "identity-based policy")  # fmt: skip
_OWN = "identity-based policy"
_OF_RESOURCE = "resource-based policy"


def name_policy(message: str) -> str:
    """Names the kind of policy that refused, with its article; `a policy` if AWS names none."""
    kind = find_policy_kind(message) or "policy"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def find_policy_kind(message: str) -> str:
    """Finds the kind of policy that refused; empty if AWS names none."""
    return next((each for each in _POLICIES if each.lower() in message.lower()), "")


def is_explicit(message: str) -> bool:
    """Whether a policy denies it explicitly, which no other policy can override."""
    return "explicit deny" in message.lower()


def describe_obstacle(message: str, of_resource: str) -> str:
    """Describes what must change in addition to the caller's own policy; empty if only that must change.

    Args:
        message: the message of AWS.
        of_resource: the name of the resource's policy.
    """
    kind = find_policy_kind(message)
    if is_explicit(message):
        by = name_policy(message)
        return f"An explicit deny in {by} refuses it. No other policy overrides it, so it has to be changed"
    if kind in ("", _OWN) or "resource-based policies" in message:
        return ""
    return f"The {of_resource if kind == _OF_RESOURCE else kind} must allow it too, in addition to your own policy"
