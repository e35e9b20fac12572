"""REST proxy events as API Gateway makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PROOF = "p" * 64
VARIABLES = {"proof": PROOF}
ARN = "arn:aws:sts::123456789012:assumed-role/Deploy/session"


def build_event(
    method: str,
    route: str,
    *,
    parameters: Mapping[str, str] | None = None,
    query: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    identity: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    sent = dict(headers or {})
    return {
        "resource": route,
        "path": route,
        "httpMethod": method,
        "headers": sent or None,
        "multiValueHeaders": {name: [value] for name, value in sent.items()} or None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": {name: list(values) for name, values in (query or {}).items()} or None,
        "pathParameters": dict(parameters) if parameters else None,
        "stageVariables": dict(VARIABLES),
        "requestContext": {
            "resourcePath": route,
            "httpMethod": method,
            "path": f"/api{route}",
            "stage": "api",
            "requestId": "request-1",
            "identity": dict(identity) if identity is not None else {"apiKeyId": "reader1", "sourceIp": "203.0.113.9"},
        },
        "body": body,
        "isBase64Encoded": False,
    }
