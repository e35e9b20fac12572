"""Who asks, by what API Gateway says of the request and by nothing that the request says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from configsvc.model import grants
from configsvc.model.errors import InvalidName
from configsvc.model.text import shown
from configsvc.service.ports import Caller
from configsvc.web.event import Event, Headers, context_of, correlation_id

_USER_AGENT = 256
_SOURCE_IP = 64  # an IPv6 address has at most 45 characters


def caller_of(event: Event, headers: Headers) -> Caller:
    """The caller: reads are judged by the API key's id, writes by the IAM principal of the signature."""
    identity: Mapping[str, Any] = context_of(event).get("identity") or {}
    arn = str(identity.get("userArn") or "")
    return Caller(
        api_key=_api_key(identity.get("apiKeyId")),
        principal=grants.normalised(arn) if arn else None,
        arn=arn,
        source_ip=shown(str(identity.get("sourceIp") or "")[:_SOURCE_IP]),
        user_agent=shown(str(identity.get("userAgent") or "")[:_USER_AGENT]),
        correlation_id=correlation_id(event, headers),
    )


@lru_cache(256)
def _api_key(identifier: str | None) -> str | None:
    """The same few keys ask again and again."""
    try:
        return grants.of_api_key(identifier) if identifier else None
    except InvalidName:
        return None
