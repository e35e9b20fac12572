"""Explain why API Gateway refused a request, and what to do. Loaded with the first refusal.

API Gateway names the kind of refusal in the header `x-amzn-ErrorType` (AWS, "How do I troubleshoot HTTP 403 errors from
API Gateway?"), and our gateway responses in the member `gateway`. Only IAM's message is shown: the one about a
signature quotes every signed header, including the API key and the session token.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from configsvc.model.errors import ConfigsvcError, ErrorMember
from configsvc_client._aws import refusals
from configsvc_client._wording import join_sentences

if TYPE_CHECKING:
    from configsvc_client._transport.response import Response
    from configsvc_client._transport.url import Url

_TYPES = {
    "AccessDeniedException": "ACCESS_DENIED",
    "ExpiredTokenException": "EXPIRED_TOKEN",
    "ForbiddenException": "FORBIDDEN",
    "IncompleteSignatureException": "INVALID_SIGNATURE",
    "InvalidClientTokenIdException": "UNKNOWN_CREDENTIALS",
    "InvalidSignatureException": "INVALID_SIGNATURE",
    "LimitExceededException": "QUOTA_EXCEEDED",
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
    "TooManyRequestsException": "THROTTLED",
    "UnrecognizedClientException": "UNKNOWN_CREDENTIALS",
    "WAFBlockedException": "WAF_FILTERED",
}
_MESSAGES = (
    ("security token included in the request is invalid", "UNKNOWN_CREDENTIALS"),
    ("security token included in the request is expired", "EXPIRED_TOKEN"),
    ("signature expired", "CLOCK"),
    ("signature not yet current", "CLOCK"),
    ("request signature we calculated does not match", "INVALID_SIGNATURE"),
    ("is not authorized to perform: execute-api:invoke", "ACCESS_DENIED"),
    ("missing authentication token", "MISSING_AUTHENTICATION_TOKEN"),
    ("limit exceeded", "QUOTA_EXCEEDED"),
    ("too many requests", "THROTTLED"),
    ("forbidden", "FORBIDDEN"),
)
_EXACT = frozenset({"FORBIDDEN", "THROTTLED", "QUOTA_EXCEEDED", "MISSING_AUTHENTICATION_TOKEN"})
_NOT_AUTHORISED = re.compile(
    r"User: (arn:[\w+=,.@:/-]{1,400}|anonymous) is not authorized to perform: execute-api:Invoke\b", re.ASCII
)
_ROUTE = re.compile(r"/v1/(namespaces|grants|whoami)(?:/([a-z0-9][a-z0-9._-]{0,63}))?(/.*)?")
_WRITES = re.compile(r"PUT /keys/[^/]+|DELETE /keys/[^/]+|POST /keys/[^/]+/activate|POST /changes")
_SKEW_SECONDS = 300.0
_API_KEY = (
    "It is missing, unknown, disabled, or in no usage plan of this stage. CONFIGSVC_API_KEY must be the value of a "
    "key, not its id; an administrator gives you one. Run configsvc doctor to see where it is set."
)
_TEXTS = {
    "INVALID_API_KEY": f"API Gateway refused the API key. {_API_KEY}",
    "FORBIDDEN": (
        "API Gateway refused the API key: it is missing, unknown, disabled, or in no usage plan of this stage. "
        "CONFIGSVC_API_KEY must be the value of a key, not its id. If the key is right, {where} is not a stage of an "
        "API, or a firewall (AWS WAF) refused the request. Run configsvc doctor to see where both are set."
    ),
    "MISSING_AUTHENTICATION_TOKEN": (
        "An API Gateway answers at {where}, but it has no route {route}. Check CONFIGSVC_URL: it must end with the "
        "stage, like https://….amazonaws.com/api, without /v1. Run configsvc doctor to see where it is set."
    ),
    "EXPIRED_TOKEN": "Your AWS credentials have expired. Get new ones, for example with aws sso login, and try again.",
    "UNKNOWN_CREDENTIALS": (
        "AWS does not know your AWS credentials: the access key is wrong, deleted, or lacks its session token. "
        "Run configsvc doctor to see where they are set."
    ),
    "WAF_FILTERED": (
        "A web application firewall (AWS WAF) in front of {where} refused {route}. Ask the people who manage it to let "
        "your network call the API. Grants and IAM policies do not change this."
    ),
    "QUOTA_EXCEEDED": (
        "This API key has used up its daily quota. Ask an operator to raise quota_per_day in the stage file."
    ),
    "THROTTLED": "Too many requests: API Gateway limits how many this API key or the stage may send at once.",
}


class DeniedCall(NamedTuple):
    """The request that was refused.

    Args:
        method: as sent.
        path: without the stage, like `/v1/namespaces/payments.prod/changes`.
        signed: whether the request was signed.
        ahead: seconds by which this clock is ahead of the Date of the answer; None if it has none.
    """

    method: str
    path: str
    signed: bool = False
    ahead: float | None = None


class _Needs(NamedTuple):
    """The needs of a route: the service's action, the namespace, and the role whose IAM policy allows the call."""

    action: str | None
    namespace: str | None
    role: str


def explain_denial(error: ConfigsvcError, response: Response, url: Url, asked: DeniedCall) -> ConfigsvcError:
    """Explains a refusal of API Gateway and what to do. Returns the error as it is if the service itself refused."""
    message = _find_message(error, response)
    kind = _classify(error, response, message)
    if kind is None:
        return error
    needs = _find_needs(asked)
    members: dict[str, ErrorMember] = {**error.members, "gateway": kind}
    members.pop("gateway_message", None)
    if kind == "ACCESS_DENIED":
        members |= {"action": needs.action, "namespace": needs.namespace, "lacks": "iam"}
    text = _render_explanation(kind, asked, url, needs, message)
    return type(error)(text or error.detail, **members)


def _classify(error: ConfigsvcError, response: Response, message: str) -> str | None:
    """Finds the kind of refusal from header, member and message; None if it was not the gateway that refused."""
    header = _TYPES.get(response.headers.get("x-amzn-errortype", "").partition(":")[0].rpartition("#")[2])
    member = error.members.get("gateway")
    named = next((kind for text, kind in _MESSAGES if _matches_text(message, text, kind)), None)
    if named in ("UNKNOWN_CREDENTIALS", "EXPIRED_TOKEN", "CLOCK"):  # more precise than the header
        return named
    if header and not (header == "FORBIDDEN" and member):
        return header
    return str(member) if isinstance(member, str) else named


def _matches_text(message: str, text: str, kind: str) -> bool:
    return message.strip().lower() == text if kind in _EXACT else text in message.lower()


def _find_message(error: ConfigsvcError, response: Response) -> str:
    """Finds API Gateway's own message: in the member of our gateway response, otherwise in its plain body."""
    member = error.members.get("gateway_message")
    if isinstance(member, str):
        return member
    if "json" not in response.headers.get("content-type", ""):
        return ""
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError) as fault:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(fault)
        return ""
    message = (found.get("message") or found.get("Message")) if isinstance(found, dict) else None
    return message if isinstance(message, str) else ""


def _find_needs(asked: DeniedCall) -> _Needs:
    found = _ROUTE.fullmatch(asked.path)
    subject, namespace, rest = found.groups() if found else (None, None, None)
    if subject == "grants":
        return _Needs("admin", "*", "administrator")
    if subject != "namespaces" or namespace is None:
        return _Needs(None, None, "writer")
    if asked.method == "GET":
        return _Needs("read", namespace, "writer")
    if _WRITES.fullmatch(f"{asked.method} {rest or ''}"):
        return _Needs("write", namespace, "writer")
    return _Needs("admin", namespace, "administrator")


def _render_explanation(kind: str, asked: DeniedCall, url: Url, needs: _Needs, message: str) -> str:
    """Renders the explanation; empty if the answer explains itself."""
    route = f"{asked.method} {asked.path}"
    if kind == "ACCESS_DENIED":
        return _explain_iam(route, needs, message, signed=asked.signed)
    if kind in ("INVALID_SIGNATURE", "CLOCK"):
        return _explain_signature(asked, clock=kind == "CLOCK")
    return _TEXTS.get(kind, "").format(where=f"{url.origin}{url.path}", route=route)


def _explain_iam(route: str, needs: _Needs, message: str, *, signed: bool) -> str:
    """Explains a refusal by IAM: who was refused, by which kind of policy, and the command that prints a policy."""
    found = _NOT_AUTHORISED.search(message)
    who = found.group(1) if found and found.group(1) != "anonymous" else "your AWS identity"
    if not signed:
        return (
            f"The API's resource policy refused {route}. Reads are not signed, so the policy decides by the network "
            "that you call from. Ask the people who manage the API."
        )
    allow = (
        f"configsvc iam-policy --for {needs.role}{f' -n {_quote_pattern(needs.namespace)}' if needs.namespace else ''}"
    )
    action = f"the action execute-api:Invoke on {route}"
    if refusals.is_explicit(message):
        return join_sentences(
            f"IAM denies {who} {action}: an explicit deny in {refusals.name_policy(message)}",
            "No other policy overrides it, so it has to be changed",
            f"The call also needs the policy that this prints: {allow}",
        )
    kind = refusals.find_policy_kind(message)
    return join_sentences(
        f"IAM does not allow {who} {action}{f': no {kind} allows it' if kind else ''}",
        refusals.describe_obstacle(message, of_resource="resource policy of the API"),
        f"This prints the policy: {allow}",
    )


def _quote_pattern(pattern: str) -> str:
    return "'*'" if pattern == "*" else pattern


def _explain_signature(asked: DeniedCall, *, clock: bool) -> str:
    ahead = asked.ahead if asked.ahead is not None and abs(asked.ahead) >= _SKEW_SECONDS else None
    if clock or ahead is not None:
        by = "off" if ahead is None else f"{abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}"
        return f"AWS refused the signature because your clock is {by}. Set it (NTP): AWS allows 5 minutes."
    return (
        "AWS refused the signature: the secret access key does not belong to the access key, or AWS_REGION is not the "
        "API's region. Run configsvc doctor to see where both are set."
    )
