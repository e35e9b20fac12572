"""The parts of a REST proxy event that every request needs: context, headers, ids, and the caller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from configsvc.model import grants
from configsvc.model.errors import InvalidName
from configsvc.model.text import shown
from configsvc.service.engine.ports import Caller

_LONGEST_USER_AGENT = 256
_LONGEST_SOURCE_IP = 64  # an IPv6 address has at most 45 characters


def caller_of(event: Event, headers: Headers) -> Caller:
    """The caller: reads are judged by the API key's id, writes by the IAM principal of the signature."""
    identity: Mapping[str, Any] = context_of(event).get("identity") or {}
    arn = str(identity.get("userArn") or "")
    return Caller(
        api_key=_api_key(identity.get("apiKeyId")),
        principal=grants.normalised(arn) if arn else None,
        arn=arn,
        source_ip=shown(str(identity.get("sourceIp") or "")[:_LONGEST_SOURCE_IP]),
        user_agent=shown(str(identity.get("userAgent") or "")[:_LONGEST_USER_AGENT]),
        correlation_id=correlation_id(event, headers),
    )


@lru_cache(256)
def _api_key(identifier: str | None) -> str | None:
    """The same few keys ask again and again."""
    try:
        return grants.of_api_key(identifier) if identifier else None
    except InvalidName:
        return None


Event = Mapping[str, Any]
Headers = Mapping[str, list[str]]

_REQUEST_ID = 128  # they have 36 characters
_CORRELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=+@-]{0,127}")


def context_of(event: Event) -> Mapping[str, Any]:
    """The request context, empty where there is none."""
    return event.get("requestContext") or {}


def headers_of(event: Event) -> Headers:
    """Header values by lower-case name. API Gateway sends both forms; either may be null, as in a console's test."""
    many: Mapping[str, list[str]] | None = event.get("multiValueHeaders")
    if many is None:
        many = {name: [value] for name, value in (event.get("headers") or {}).items()}
    found: dict[str, list[str]] = {}
    for name, values in many.items():
        lower = name.lower()
        found[lower] = [*found[lower], *values] if lower in found else values
    return found


def request_id(event: Event) -> str:
    """API Gateway's id of the request. Cut, because a log line that somebody made too long would count nothing."""
    return shown(str(context_of(event).get("requestId") or "")[:_REQUEST_ID])


def correlation_id(event: Event, headers: Headers) -> str:
    """The caller's `x-correlation-id` where it is sane, else the request's id."""
    sent = headers.get("x-correlation-id", [""])[-1]
    return sent if _CORRELATION.fullmatch(sent) else request_id(event)
