"""A route as an operation of the document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from configsvc.model import errors
from configsvc.model.errors import ConfigsvcError
from configsvc.web import reply
from configsvc.web.description import Route, TextParameter
from infra.api_docs import examples
from infra.api_docs.parameters import SAFE, build_parameters, list_path_parameters
from infra.api_docs.schemas import NAMES, refer_to

Json = dict[str, Any]
Kind = type[ConfigsvcError]

_SECURITY: dict[str, list[Json]] = {"open": [], "key": [{"ApiKey": []}], "signed": [{"ApiKey": [], "SigV4": []}]}
_EVERY: tuple[Kind, ...] = (
    errors.InvalidRequest, errors.Forbidden, errors.Throttled, errors.Contended, errors.Internal, errors.Unavailable,
)  # fmt: skip
_BROKEN = (502, 504)


def build_operation(route: Route, schemas: Mapping[str, Json]) -> Json:
    """Builds the operation object of a route."""
    description = route.description
    made: Json = {
        "operationId": route.name,
        "tags": [route.subject],
        "summary": description.about,
        "security": _SECURITY[route.access],
        "x-configsvc-right": description.right,
        "parameters": list(build_parameters(route)),
        "responses": _build_responses(route, schemas),
    }
    if description.details:
        made["description"] = description.details
    if description.body:
        content = {
            "schema": refer_to(description.body),
            "example": examples.build_body(schemas[description.body], schemas),
        }
        made["requestBody"] = {"required": description.body_required, "content": {reply.JSON: content}}
    return made


def list_errors(route: Route) -> list[Kind]:
    """The errors that a route may return, in the order of the tree."""
    description = route.description
    found = {*_EVERY, *description.errors}
    names = [*list_path_parameters(route.path), *description.query]
    if description.body or any(isinstance(each.takes, TextParameter) and each.takes.shape in NAMES for each in names):
        found.add(errors.InvalidName)
    if any(parameter.name == "namespace" for parameter in names):
        found.add(errors.NotFound)
    if route.method != SAFE:
        found |= {errors.TooLarge, errors.UnsupportedMediaType}
        found |= {errors.PreconditionFailed} if description.conditions else set()
    if description.idempotent:
        found.add(errors.IdempotencyMismatch)
    return [kind for kind in errors.SENT if kind in found]


def group_by_status(kinds: Iterable[Kind]) -> dict[str, list[Kind]]:
    """Groups errors by status."""
    found: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        found[str(kind.status)].append(kind)
    return found


def name_response(kinds: Iterable[Kind]) -> str:
    """Names the component of a response with these codes."""
    return "-".join(kind.code for kind in kinds)


def build_problem_response(kinds: list[Kind]) -> Json:
    """Builds the response for a status with these codes."""
    shown = {kind.code: {"$ref": f"#/components/examples/{kind.code}"} for kind in kinds}
    made: Json = {
        "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
        "content": {reply.PROBLEM: {"schema": refer_to("Problem"), "examples": shown}},
    }
    if errors.has_retry_after(kinds[0].status):
        made["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return made


def _build_responses(route: Route, schemas: Mapping[str, Json]) -> Json:
    found = {
        str(status): _build_success(route, status, name, schemas) for status, name in route.description.answers.items()
    }
    for code, kinds in group_by_status(list_errors(route)).items():
        found[code] = {"$ref": f"#/components/responses/{name_response(kinds)}"}
    for status in _BROKEN:
        found[str(status)] = {"$ref": f"#/components/responses/{name_response([errors.Internal])}"}
    return dict(sorted(found.items()))


def _build_success(route: Route, status: int, name: str | None, schemas: Mapping[str, Json]) -> Json:
    headers = ["X-Correlation-Id", "Cache-Control"]
    if (route.method == SAFE and route.description.conditions) or (route.description.idempotent and name):
        headers.append("ETag")
    made: Json = {
        "description": HTTPStatus(status).phrase,
        "headers": {each: {"$ref": f"#/components/headers/{each}"} for each in headers},
    }
    if name:
        example = examples.build_answer(schemas[name], schemas)
        made["content"] = {reply.JSON: {"schema": refer_to(name), "example": example}}
    return made
