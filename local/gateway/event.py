"""The REST proxy event, version 1.0, that API Gateway makes of a request.

API Gateway developer guide, "Input format of a Lambda function for proxy integration". Path parameters stay
percent-encoded, as a REST API leaves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from chalice.app import RouteEntry

from local.gateway.signature import Request

Routes = Mapping[str, Mapping[str, RouteEntry]]
Event = dict[str, Any]


class Matched(NamedTuple):
    """A route of the app's own table, and the path's part in it."""

    resource: str
    path: str
    parameters: dict[str, str]
    entry: RouteEntry


def match(routes: Routes, method: str, path: str) -> Matched | None:
    """The route of a path without its stage; a fixed part goes before a variable one, a trailing slash is ignored."""
    parts = path.rstrip("/").split("/")
    for resource in sorted(routes):
        parameters = _parameters(resource.split("/"), parts)
        if parameters is not None and method in routes[resource]:
            return Matched(resource, path, parameters, routes[resource][method])
    return None


def _parameters(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    found: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{") and part:
            found[wanted.strip("{}")] = part
        elif wanted != part:
            return None
    return found


class StageOf(NamedTuple):
    """The stage that a request came through: its name and its variables, the proof among them."""

    name: str
    variables: Mapping[str, str]

    def __repr__(self) -> str:
        return f"StageOf({self.name})"


def make_event(
    request: Request, matched: Matched, identity: Mapping[str, str | None], stage: StageOf, request_id: str
) -> Event:
    """The event; a body that is not UTF-8 gets replacement characters, as without binary media types."""
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return {
        "resource": matched.resource,
        "path": matched.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in request.headers.items()},
        "multiValueHeaders": dict(request.headers),
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": matched.parameters or None,
        "stageVariables": dict(stage.variables),
        "requestContext": {
            "resourcePath": matched.resource,
            "httpMethod": request.method,
            "path": f"/{stage.name}{matched.path}",
            "stage": stage.name,
            "requestId": request_id,
            "protocol": "HTTP/1.1",
            "identity": dict(identity),
        },
        "body": request.body.decode(errors="replace") if request.body else None,
        "isBase64Encoded": False,
    }
