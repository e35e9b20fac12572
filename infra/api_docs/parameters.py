"""Parameters and headers of requests, and headers of responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from configsvc.model import limits
from configsvc.web.description import PATH, NumberParameter, Parameter, Route
from infra.api_docs.portable import make_portable
from infra.api_docs.schemas import TEXTS

Json = dict[str, Any]

SAFE = "GET"
_REVISION = r'^"[1-9][0-9]{0,15}"$'
_ANY = r"^\*$"


def list_path_parameters(path: str) -> Iterator[Parameter]:
    """The parameters in a path."""
    return (PATH[part.strip("{}")] for part in path.split("/") if part.startswith("{"))


def build_parameters(route: Route) -> Iterator[Json]:
    """Builds all parameters of a route: path, query and headers."""
    for parameter in list_path_parameters(route.path):
        yield _build_parameter(parameter, "path")
    for parameter in route.description.query:
        yield _build_parameter(parameter, "query")
    yield from _build_conditions(route)
    if route.description.idempotent:
        yield _refer_to_shared("IdempotencyKey")
    yield _refer_to_shared("CorrelationId")


def _refer_to_shared(parameter: str) -> Json:
    return {"$ref": f"#/components/parameters/{parameter}"}


def _build_parameter(parameter: Parameter, where: str) -> Json:
    takes = parameter.takes
    schema: Json = (
        make_portable({"type": "integer", "minimum": takes.least, "maximum": takes.most})
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


def _build_conditions(route: Route) -> Iterator[Json]:
    for condition in route.description.conditions:
        yield _refer_to_shared(_CONDITIONS[condition, route.method == SAFE])


_CONDITIONS = {
    ("if-match", False): "IfMatch",
    ("if-none-match", False): "IfNoneMatchAny",
    ("if-none-match", True): "IfNoneMatch",
}


def build_shared_parameters() -> Json:
    """Builds the header parameters that several routes share."""
    text = {"type": "string"}
    return {
        "IfMatch": _build_header_parameter(
            "If-Match", "The ETag that must still be current: the revision.", {**text, "pattern": _REVISION},
            '"41"',
        ),
        "IfNoneMatchAny": _build_header_parameter(
            "If-None-Match", "`*`: the key must not have an active version yet, or the principal no grants.",
            {**text, "pattern": _ANY}, "*",
        ),
        "IfNoneMatch": _build_header_parameter(
            "If-None-Match", "The ETags that you have: 304 if one is current.", text, '"41-9f3c"',
        ),
        "IdempotencyKey": _build_header_parameter(
            "Idempotency-Key",
            "Within 24 hours, the same request with the same key returns the first response and is done once.",
            {
                **text, "minLength": 1, "maxLength": limits.IDEMPOTENCY_KEY,
                "pattern": r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
            },
            "0f1b6f0a-7a55-4b7a-9a53-0c6f0a0d9a11",
        ),
        "CorrelationId": _build_header_parameter(
            "X-Correlation-Id", "Logged and returned. Generated if it is missing or invalid.", text, "deploy-1234"
        ),
    }  # fmt: skip


def build_shared_headers() -> Json:
    """Builds the response headers."""
    text = {"type": "string"}
    return {
        "X-Correlation-Id": _build_header("The correlation id of the request.", text),
        "Cache-Control": _build_header("Whether caches may store the response.", text),
        "ETag": _build_header("A strong ETag.", {**text, "pattern": '^"[^"]+"$'}),
        "Retry-After": _build_header("Seconds to wait.", {"type": "integer", "minimum": 0}),
    }


def _build_header_parameter(name: str, about: str, schema: Json, example: str) -> Json:
    return {"name": name, "in": "header", "required": False, "description": about, "schema": schema, "example": example}


def _build_header(about: str, schema: Json) -> Json:
    return {"description": about, "required": True, "schema": schema}
