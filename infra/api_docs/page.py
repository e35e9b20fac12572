"""docs/API.md, generated from the document, example problems, and the responses of API Gateway itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from configsvc.model.errors import ConfigsvcError
from infra.api_docs.examples import resolve

Json = Mapping[str, Any]

_WHO = {
    "open": "anyone",
    "any": "any API key",
    "read": "API key with `read`",
    "write": "API key and IAM with `write`",
    "admin": "API key and IAM with `admin`",
    "admin on *": "API key and IAM with `admin` on `*`",
}
_HEADERS = (
    "Base URL: the URL of the stage. Any request may have an `X-Correlation-Id`. Any write except upkeep, which is "
    "safe to repeat, may have an `Idempotency-Key`: for 24 hours, the same request "
    "returns the first response and is done once."
)
_GATEWAY = (
    "API Gateway sends these before a request reaches the service. An unknown path or method gets the same response as "
    "an unsigned write. 502 and 504 have no `status`."
)
_HEADINGS = {"openapi": "OpenAPI"}
_FIRST_ERROR = "4"
_LINE = 100


def render_page(document: Json, problems: Json, gateway: Mapping[str, ConfigsvcError]) -> str:
    """Renders the page in Markdown.

    Args:
        document: the OpenAPI document.
        problems: an example of each error, by code; the document has only those that a route names.
        gateway: the responses of API Gateway itself, by response type.
    """
    lines = [
        "# HTTP API", "",
        "Generated from the code by `make api-docs`, like `configsvc/web/openapi.json`. Do not edit.", "",
        document["info"]["description"], "",
        _HEADERS, "",
        "| route | allowed for | |", "|---|---|---|",
    ]  # fmt: skip
    lines += [_render_row(*each) for each in _list_operations(document)]
    for tag in document["tags"]:
        lines += ["", f"## {_HEADINGS.get(tag['name'], tag['name'].replace('_', ' ').capitalize())}"]
        for method, path, operation in _list_operations(document):
            if tag["name"] in operation["tags"]:
                lines += _render_operation(document, method, path, operation)
    lines += _render_errors(problems) + _render_gateway(gateway)
    return "\n".join(lines) + "\n"


def _list_operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _render_row(method: str, path: str, operation: Json) -> str:
    anchor = f"{method}-{path}".lower()
    kept = "".join(each for each in anchor if each.isalnum() or each in "-_")
    return f"| [`{method} {path}`](#{kept}) | {_describe_caller(operation)} | {operation['summary']} |"


def _describe_caller(operation: Json) -> str:
    signed = any("SigV4" in each for each in operation["security"])
    return (
        "API key and IAM"
        if signed and operation["x-configsvc-right"] == "any"
        else _WHO[operation["x-configsvc-right"]]
    )


def _render_operation(document: Json, method: str, path: str, operation: Json) -> list[str]:
    lines = ["", f"### `{method} {path}`", "", f"{operation['summary']}. Allowed for: {_describe_caller(operation)}."]
    if "description" in operation:
        lines += ["", operation["description"]]
    parameters = [_resolve_component(document, each) for each in operation["parameters"]]
    shown = [each for each in parameters if each["name"] not in {"X-Correlation-Id", "Idempotency-Key"}]
    if shown:
        lines += ["", "| parameter | in | type | |", "|---|---|---|---|"]
        lines += [_render_parameter(each) for each in shown]
    if "requestBody" in operation:
        lines += _render_body(document, operation["requestBody"])
    return lines + _render_answers(document, operation)


def _resolve_component(document: Json, each: Json) -> Json:
    if "$ref" not in each:
        return each
    _, _, kind, name = each["$ref"].split("/")
    found: Json = document["components"][kind][name]
    return found


def _render_parameter(parameter: Json) -> str:
    needed = "" if not parameter["required"] or parameter["in"] == "path" else " Required."
    return (
        f"| `{parameter['name']}` | {parameter['in']} | {_describe_schema(parameter['schema'])} | "
        f"{parameter['description']}{needed} |"
    )


def _describe_schema(schema: Json) -> str:
    if schema.get("type") == "array":
        return f"{_describe_schema(schema['items'])}, up to {schema['maxItems']} times"
    if schema.get("type") == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    return _render_code(schema["pattern"]) if "pattern" in schema else "text"


def _render_code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _render_body(document: Json, body: Json) -> list[str]:
    content = body["content"]["application/json"]
    schemas = document["components"]["schemas"]
    required = "" if body["required"] else " (optional)"
    return [
        "",
        f"Body{required}:",
        "",
        *_render_fields(content["schema"], schemas),
        "",
        *_render_json(content["example"]),
    ]


def _render_fields(schema: Json, schemas: Mapping[str, Json]) -> list[str]:
    found = resolve(schema, schemas)
    lines = ["| field | type | |", "|---|---|---|"]
    for name, field in found.get("properties", {}).items():
        needed = "" if name in found.get("required", ()) else "optional; "
        lines.append(f"| `{name}` | {needed}{_describe_type(field)} | {field.get('description', '')} |")
    return lines


def _describe_type(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_describe_type(each) for each in schema[several])
    if "enum" in schema:
        return " \\| ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kinds = schema.get("type", "any")
    return " or ".join(_describe_kind(schema, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _describe_kind(schema: Json, kind: str) -> str:
    return f"list of {_describe_type(schema['items'])}" if kind == "array" else kind


def _render_json(example: object) -> list[str]:
    text = json.dumps(example, ensure_ascii=False)
    return ["```json", text if len(text) <= _LINE else json.dumps(example, ensure_ascii=False, indent=2), "```"]


def _render_answers(document: Json, operation: Json) -> list[str]:
    lines = list[str]()
    errors = list[str]()
    for status, response in operation["responses"].items():
        found = _resolve_component(document, response)
        if status >= _FIRST_ERROR:
            errors.append(f"{status} {', '.join(f'`{code}`' for code in _list_codes(found))}")
        elif "content" in found:
            lines += ["", f"Response {status}:", "", *_render_json(found["content"]["application/json"]["example"])]
        else:
            lines += ["", f"Response {status} without a body."]
    return [*lines, "", f"Errors: {'; '.join(errors)}."]


def _list_codes(response: Json) -> Iterable[str]:
    codes: Iterable[str] = response["content"]["application/problem+json"]["examples"].keys()
    return codes


def _render_errors(problems: Json) -> list[str]:
    lines = [
        "", "## Errors", "",
        "`application/problem+json` (RFC 9457). `code` is stable; `instance` is the request id.", "",
        "| status | code | | what to do |", "|---|---|---|---|",
    ]  # fmt: skip
    for code, example in problems.items():
        problem = example["value"]
        lines.append(f"| {problem['status']} | `{code}` | {problem['title']} | {example['summary']} |")
    return [*lines, "", *_render_json(problems["version_claimed"]["value"])]


def _render_gateway(gateway: Mapping[str, ConfigsvcError]) -> list[str]:
    lines = [
        "", "### Responses of API Gateway itself", "",
        _GATEWAY, "",
        "| gateway response | status | code | detail |", "|---|---|---|---|",
    ]  # fmt: skip
    return lines + [f"| {kind} | {each.status} | `{each.code}` | {each.detail} |" for kind, each in gateway.items()]
