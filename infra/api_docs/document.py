"""The OpenAPI 3.1 document, generated from routes, models and errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from configsvc.model import errors
from configsvc.web.description import Route
from infra.api_docs.advice import ADVICE
from infra.api_docs.operation import (
    build_operation,
    build_problem_response,
    group_by_status,
    list_errors,
    name_response,
)
from infra.api_docs.parameters import build_shared_headers, build_shared_parameters
from infra.api_docs.schemas import build_components

_ABOUT = (
    "Config and secrets for fleets of functions. Authors seal values and readers open them; the service cannot read "
    "them. Reads need an API key; writes need an API key and a signature (AWS Signature Version 4, service "
    "`execute-api`). Unknown fields, query parameters and preconditions are errors. Responses may gain members. "
    "Anything that you may not read looks absent."
)
_REQUEST = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def build_document(routes: Sequence[Route]) -> dict[str, Any]:
    """Builds the document."""
    schemas = build_components(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = build_operation(route, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "configsvc", "version": "1", "description": _ABOUT, "contact": _CONTACT, "license": _LICENSE,
        },
        "servers": [_SERVER],
        "tags": [{"name": name} for name in dict.fromkeys(route.subject for route in routes)],
        "paths": paths,
        "components": {
            "securitySchemes": _SECURITY,
            "parameters": build_shared_parameters(),
            "headers": build_shared_headers(),
            "responses": _build_responses(routes),
            "examples": _select_examples(routes),
            "schemas": schemas,
        },
    }  # fmt: skip


_CONTACT = {"name": "configsvc", "url": errors.SITE}
_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_SERVER = {
    "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
    "variables": {
        "api": {"default": "abcde12345"}, "region": {"default": "eu-central-1"}, "stage": {"default": "api"},
    },
}  # fmt: skip
_SECURITY = {
    "ApiKey": {
        "type": "apiKey", "in": "header", "name": "x-api-key", "description": "A key of the API's usage plan.",
    },
    "SigV4": {
        "type": "apiKey", "in": "header", "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "AWS Signature Version 4, service execute-api, by an IAM identity that may invoke the route.",
    },
}  # fmt: skip


def _build_responses(routes: Sequence[Route]) -> dict[str, Any]:
    found = {}
    for route in routes:
        for kinds in group_by_status(list_errors(route)).values():
            found[name_response(kinds)] = build_problem_response(kinds)
    return dict(sorted(found.items()))


def build_problem_examples() -> dict[str, Any]:
    """Examples of all errors that the service sends, with advice, by code."""
    return {kind.code: {"summary": ADVICE[kind.code], "value": _build_example(kind)} for kind in errors.SENT}


def _select_examples(routes: Sequence[Route]) -> dict[str, Any]:
    used = {kind.code for route in routes for kind in list_errors(route)}
    return {code: each for code, each in build_problem_examples().items() if code in used}


def _build_example(kind: type[errors.ConfigsvcError]) -> dict[str, object]:
    return errors.to_problem(kind(ADVICE[kind.code].replace("`", "")), _REQUEST)
