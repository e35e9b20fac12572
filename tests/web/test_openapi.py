"""The OpenAPI document and docs/API.md match the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate

from configsvc.bootstrap import app, build_app
from configsvc.model import errors, grants, names
from configsvc.web.routes.service import DOCUMENT
from infra.api_docs.advice import ADVICE
from infra.api_docs.files import render_files
from infra.api_docs.schemas import TEXTS
from infra.cloudformation.gateway_responses import CATCH_ALLS, PROBLEMS
from tests.support.web.apps import ask_for_proof, refuse_ports
from tests.support.web.events import build_event
from tests.support.web.lines import Lines

DOCUMENTED: dict[str, Any] = json.loads(DOCUMENT.read_text())
OPERATIONS = [
    pytest.param(path, method, id=f"{method} {path}")
    for path, methods in DOCUMENTED["paths"].items()
    for method in methods
]


def is_valid(value: object, schema: dict[str, Any]) -> bool:
    whole = {**schema, "components": DOCUMENTED["components"]}
    return Draft202012Validator(whole).is_valid(value)


@pytest.mark.parametrize(("path", "text"), [pytest.param(*each, id=each[0].name) for each in render_files().items()])
def test_the_committed_files_match_the_code(path: Any, text: str) -> None:  # noqa: ANN401  # a Path
    assert path.read_text(encoding="utf-8") == text, "Run `make api-docs`."


def test_the_document_is_openapi() -> None:
    validate(DOCUMENTED)


def test_the_document_has_every_route_and_its_access() -> None:
    secured = {(): "open", ("ApiKey",): "key", ("ApiKey", "SigV4"): "signed"}
    told = {
        (method.upper(), path): secured[tuple(key for each in operation["security"] for key in each)]
        for path, methods in DOCUMENTED["paths"].items()
        for method, operation in methods.items()
    }
    assert told == {(route.method, route.path): route.access for route in app.described}
    assert told.keys() == {(method, path) for path, methods in app.routes.items() for method in methods}


def test_the_document_is_served_to_anyone_without_the_store() -> None:
    made = build_app(refuse_ports, Lines(), ask_for_proof)(build_event("GET", "/v1/openapi.json", identity={}), None)
    assert made["statusCode"] == 200
    assert json.loads(made["body"]) == DOCUMENTED


def test_every_error_is_documented_with_advice() -> None:
    assert list(ADVICE) == [kind.code for kind in errors.SENT]
    assert DOCUMENTED["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"] == sorted(ADVICE)
    assert DOCUMENTED["components"]["examples"].keys() == ADVICE.keys() - {"method_not_allowed"}  # no route returns it


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_operation_documents_the_responses_of_api_gateway(path: str, method: str) -> None:
    statuses = DOCUMENTED["paths"][path][method]["responses"].keys()
    every = {"ACCESS_DENIED", "INVALID_API_KEY", "THROTTLED", "INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE"}
    assert {str(PROBLEMS[kind].status) for kind in every} <= statuses
    assert {"502", "504"} <= statuses
    assert CATCH_ALLS["DEFAULT_5XX"].code in json.dumps(DOCUMENTED["components"]["responses"]["internal"])


def _list_examples() -> list[Any]:
    found = []
    for path, methods in DOCUMENTED["paths"].items():
        for method, operation in methods.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            contents = [body["content"]["application/json"] for body in bodies if "content" in body]
            found += [
                pytest.param(each["schema"], each["example"], id=f"{method} {path} {number}")
                for number, each in enumerate(contents)
            ]
    return found


@pytest.mark.parametrize(("schema", "example"), _list_examples())
def test_every_example_fits_its_schema(schema: dict[str, Any], example: object) -> None:
    assert is_valid(example, schema)
    assert not is_valid([], schema)


def test_every_problem_fits_its_schema() -> None:
    schema = {"$ref": "#/components/schemas/Problem"}
    for example in DOCUMENTED["components"]["examples"].values():
        assert is_valid(example["value"], schema)
        assert is_valid({**example["value"], "code": "of_a_later_release"}, schema)
        assert not is_valid({**example["value"], "code": 7}, schema)


def test_no_schema_is_only_null_and_large_integers_have_64_bits() -> None:
    for schema in _list_schemas(DOCUMENTED["components"]["schemas"]):
        assert schema.get("type") != "null"
        if "integer" in (schema.get("type"), *schema.get("type", ())):
            assert schema.get("format") == "int64" or schema["maximum"] < 2**31


def _list_schemas(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  # JSON
    """Every schema of a member, an element or a body, except null in a union with a reference."""
    if isinstance(node, list):
        for each in node:
            yield from _list_schemas(each)
    elif isinstance(node, dict):
        for name, each in node.items():
            if isinstance(each, dict):
                yield from each.values() if name == "properties" else (each,)
            yield from _list_schemas(each)


_MAKES = {
    "Namespace": names.parse_namespace,
    "Key": names.parse_key,
    "Kid": names.parse_kid,
    "Principal": grants.parse_principal,
}


@pytest.mark.parametrize("shape", _MAKES)
@given(data=st.data())
def test_the_documents_name_patterns_match_the_parsers(shape: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(TEXTS[shape]["pattern"].replace("$", r"\Z")))
    assert _MAKES[shape](text) == text
