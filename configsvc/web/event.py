"""What is read off a REST proxy event before anything else (API Gateway developer guide, Lambda proxy integration)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from configsvc.model.text import shown

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
