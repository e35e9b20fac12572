"""API Gateway's log line of a request: who asked, and why API Gateway itself refused.

The variables are those of "Variables for access logging for API Gateway" for REST APIs. Some of them are secret:
`identity.apiKey` is the key itself, and the messages of `error` and `authenticate` quote the signed headers of a
request whose signature is wrong, the API key and the session token with them. `error.responseType` says why without.

What callers write freely comes last. API Gateway escapes quotes in JSON lines, but does not document that it does: a
line that they break still begins with everything else.
"""

from __future__ import annotations

import json

MOST = 3072
"""Bytes of a format (API Gateway quotas, "Access log template size")."""

_LINE = {
    "request_id": "requestId", "gateway_id": "extendedRequestId", "time": "requestTimeEpoch",
    "method": "httpMethod", "route": "resourcePath", "status": "status",
    "integration": "integration.status", "lambda": "integration.integrationStatus",
    "refused": "error.responseType", "authorized": "authorize.status",
    "waf": "wafResponseCode", "waf_error": "waf.error",
    "api_key": "identity.apiKeyId", "principal": "identity.userArn",
    "source_ip": "identity.sourceIp", "vpc_endpoint": "identity.vpceId",
    "ms": "responseLatency", "bytes": "responseLength",
    "fault": "integration.error", "path": "path", "user_agent": "identity.userAgent",
}  # fmt: skip

FORMAT = json.dumps({member: f"$context.{name}" for member, name in _LINE.items()}, separators=(",", ":"))
"""The line, in which API Gateway writes - for what a request does not have. `request_id` is chosen by the caller if it
is a UUID; `gateway_id` is not."""
