"""Who may pass: API keys, SigV4 with `execute-api` permissions, and the usage plan. IAM is asked before the API key."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from chalice.app import IAMAuthorizer

from infra.cloudformation.gateway_responses import PROBLEMS
from local.gateway import signature
from local.gateway.event import Matched

_SCOPE = ("us-east-1", "execute-api")


class Identity(NamedTuple):
    """An IAM identity: its secret, who it is, and the routes it may invoke, such as `PUT/v1/namespaces/*`."""

    secret: str
    arn: str
    allowed: Collection[str] = ("*",)
    token: str | None = None

    def __repr__(self) -> str:
        return f"Identity(arn={self.arn!r})"


class Refused(Exception):
    """A gateway response, by its type, with the message that API Gateway has for it."""

    def __init__(self, kind: str, message: str | None = None) -> None:
        super().__init__(kind)
        self.kind, self.message = kind, message
        self.problem = PROBLEMS[kind]


def _all(_key: str) -> bool:
    return True


class Access:
    """Lets requests in.

    Args:
        keys: id of each API key, by its value.
        identities: IAM identities by access key.
        admits: whether the usage plan lets a request of this API key's id through now.
        now: seconds since the epoch, for the age of signatures.
    """

    def __init__(
        self,
        keys: Mapping[str, str],
        identities: Mapping[str, Identity],
        admits: Callable[[str], bool] = _all,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._keys, self._identities = keys, identities
        self._admits, self._now = admits, now

    def identity(self, request: signature.Request, matched: Matched) -> dict[str, str | None]:
        """`requestContext.identity` of a request that may pass.

        Raises:
            Refused
        """
        identity: dict[str, str | None] = {
            "sourceIp": "127.0.0.1",
            "userAgent": "".join(request.headers.get("user-agent", [])) or None,
            "accessKey": None,
            "userArn": None,
        }
        if isinstance(matched.entry.authorizer, IAMAuthorizer):
            identity |= self._signer(request, matched)
        if matched.entry.api_key_required:
            identity |= self._api_key(request)
        return identity

    def _signer(self, request: signature.Request, matched: Matched) -> dict[str, str]:
        if "authorization" not in request.headers:
            raise Refused("MISSING_AUTHENTICATION_TOKEN")
        try:
            signed = signature.read(request.headers["authorization"][-1])
            identity = self._identities[signed.access_key]
            signature.check(request, signed, identity.secret, _SCOPE, self._now)
        except (signature.BadSignature, KeyError):
            raise Refused("INVALID_SIGNATURE") from None
        if request.headers.get("x-amz-security-token", [None])[-1] != identity.token:
            raise Refused("INVALID_SIGNATURE")
        if not any(_covers(allowed, f"{request.method}{matched.path}") for allowed in identity.allowed):
            raise Refused("ACCESS_DENIED", _not_authorised(identity.arn, f"{request.method}{matched.path}"))
        return {"accessKey": signed.access_key, "userArn": identity.arn}

    def _api_key(self, request: signature.Request) -> dict[str, str]:
        value = request.headers.get("x-api-key", [""])[-1]
        if value not in self._keys:
            raise Refused("INVALID_API_KEY")
        if not self._admits(self._keys[value]):
            raise Refused("THROTTLED")
        return {"apiKey": value, "apiKeyId": self._keys[value]}


def _not_authorised(arn: str, route: str) -> str:
    """IAM's words (AWS, "Troubleshoot HTTP 403 errors from API Gateway"); API Gateway masks the account."""
    resource = f"arn:aws:execute-api:{_SCOPE[0]}:********9012:loopback/api/{route}"
    return (
        f"User: {arn} is not authorized to perform: execute-api:Invoke on resource: {resource} because no "
        "identity-based policy allows the execute-api:Invoke action"
    )


def _covers(pattern: str, route: str) -> bool:
    """Whether an `execute-api` resource covers a route: `*` matches anything, `?` one character."""
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, route) is not None
