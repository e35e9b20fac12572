"""Parameters and headers of requests, and headers of responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from configsvc.model import limits
from configsvc.web.description import PATH, NumberParameter, Parameter, Route
from infra.api_docs.portable import portable
from infra.api_docs.schemas import TEXTS

Json = dict[str, Any]

SAFE = "GET"
_REVISION = r'^"[1-9][0-9]{0,15}"$'
_ANY = r"^\*$"


def named(path: str) -> Iterator[Parameter]:
    """The parameters of a path."""
    return (PATH[part.strip("{}")] for part in path.split("/") if part.startswith("{"))


def parameters(route: Route) -> Iterator[Json]:
    """All parameters of a route: of its path, its query, its headers."""
    for parameter in named(route.path):
        yield _parameter(parameter, "path")
    for parameter in route.description.query:
        yield _parameter(parameter, "query")
    yield from _conditions(route)
    if route.description.idempotent:
        yield _shared("IdempotencyKey")
    yield _shared("CorrelationId")


def _shared(parameter: str) -> Json:
    return {"$ref": f"#/components/parameters/{parameter}"}


def _parameter(parameter: Parameter, where: str) -> Json:
    takes = parameter.takes
    schema: Json = (
        portable({"type": "integer", "minimum": takes.least, "maximum": takes.most})
        if isinstance(takes, NumberParameter)
        else {"type": "string", **{name: each for name, each in TEXTS[takes.shape].items() if name != "examples"}}
    )
    example: object = parameter.example
    if parameter.most > 1:
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": parameter.most, "uniqueItems": True}
        example = [example, "shared.prod"]
    return {
        "name": parameter.name, "in": where, "required": parameter.required, "description": parameter.about,
        "schema": schema, "example": example,
    }  # fmt: skip


def _conditions(route: Route) -> Iterator[Json]:
    for condition in route.description.conditions:
        yield _shared(_CONDITIONS[condition, route.method == SAFE])


_CONDITIONS = {
    ("if-match", False): "IfMatch",
    ("if-none-match", False): "IfNoneMatchAny",
    ("if-none-match", True): "IfNoneMatch",
}


def shared_parameters() -> Json:
    """The header parameters that several routes take."""
    text = {"type": "string"}
    return {
        "IfMatch": _taken(
            "If-Match", "The ETag that must still be the last: the revision.", {**text, "pattern": _REVISION},
            '"41"',
        ),
        "IfNoneMatchAny": _taken(
            "If-None-Match", "`*`: the key has no active version yet, or the principal no grants.",
            {**text, "pattern": _ANY}, "*",
        ),
        "IfNoneMatch": _taken("If-None-Match", "The ETags that you hold: 304 when one is current.", text, '"41-9f3c"'),
        "IdempotencyKey": _taken(
            "Idempotency-Key",
            "The same request with the same key within 24 hours is answered as the first and done once.",
            {
                **text, "minLength": 1, "maxLength": limits.IDEMPOTENCY_KEY,
                "pattern": r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
            },
            "0f1b6f0a-7a55-4b7a-9a53-0c6f0a0d9a11",
        ),
        "CorrelationId": _taken(
            "X-Correlation-Id", "Is logged and answered; made where it is missing or not sane.", text, "deploy-1234"
        ),
    }  # fmt: skip


def shared_headers() -> Json:
    """The headers of answers."""
    text = {"type": "string"}
    return {
        "X-Correlation-Id": _header("That of the request.", text),
        "Cache-Control": _header("What may be kept on the way.", text),
        "ETag": _header("A strong ETag.", {**text, "pattern": '^"[^"]+"$'}),
        "Retry-After": _header("Seconds to wait.", {"type": "integer", "minimum": 0}),
    }


def _taken(name: str, about: str, schema: Json, example: str) -> Json:
    return {"name": name, "in": "header", "required": False, "description": about, "schema": schema, "example": example}


def _header(about: str, schema: Json) -> Json:
    return {"description": about, "required": True, "schema": schema}
