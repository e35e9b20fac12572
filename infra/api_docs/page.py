"""docs/API.md, made of the document, of an example of each problem, and of what API Gateway answers itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from configsvc.model.errors import ConfigsvcError
from infra.api_docs.examples import resolved

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
    "Base: the URL of the stage. Header on any request: `X-Correlation-Id`. Header on any write: `Idempotency-Key` "
    "(24 hours; the same request is answered as the first and done once), but on upkeep, which may be repeated without."
)
_HEADINGS = {"openapi": "OpenAPI"}
_FIRST_ERROR = "4"
_LINE = 100


def page(document: Json, problems: Json, gateway: Mapping[str, ConfigsvcError]) -> str:
    """The page in Markdown.

    Args:
        document: the OpenAPI document.
        problems: an example object of each error, by code; the document has those that a route names.
        gateway: what API Gateway answers itself, by its response type.
    """
    lines = [
        "# HTTP API", "",
        "Made of `configsvc/web/openapi.json` by `make api-docs`, and that of the code: do not edit.", "",
        document["info"]["description"], "",
        _HEADERS, "",
        "| route | who | |", "|---|---|---|",
    ]  # fmt: skip
    lines += [_row(*each) for each in _operations(document)]
    for tag in document["tags"]:
        lines += ["", f"## {_HEADINGS.get(tag['name'], tag['name'].replace('_', ' ').capitalize())}"]
        for method, path, operation in _operations(document):
            if tag["name"] in operation["tags"]:
                lines += _operation(document, method, path, operation)
    lines += _errors(problems) + _gateway(gateway)
    return "\n".join(lines) + "\n"


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _row(method: str, path: str, operation: Json) -> str:
    anchor = f"{method}-{path}".lower()
    kept = "".join(each for each in anchor if each.isalnum() or each in "-_")
    return f"| [`{method} {path}`](#{kept}) | {_who(operation)} | {operation['summary']} |"


def _who(operation: Json) -> str:
    signed = any("SigV4" in each for each in operation["security"])
    return (
        "API key and IAM"
        if signed and operation["x-configsvc-right"] == "any"
        else _WHO[operation["x-configsvc-right"]]
    )


def _operation(document: Json, method: str, path: str, operation: Json) -> list[str]:
    lines = ["", f"### `{method} {path}`", "", f"{operation['summary']}. Who: {_who(operation)}."]
    if "description" in operation:
        lines += ["", operation["description"]]
    parameters = [_found(document, each) for each in operation["parameters"]]
    shown = [each for each in parameters if each["name"] not in {"X-Correlation-Id", "Idempotency-Key"}]
    if shown:
        lines += ["", "| parameter | in | takes | |", "|---|---|---|---|"]
        lines += [_parameter(each) for each in shown]
    if "requestBody" in operation:
        lines += _body(document, operation["requestBody"])
    return lines + _answers(document, operation)


def _found(document: Json, each: Json) -> Json:
    if "$ref" not in each:
        return each
    _, _, kind, name = each["$ref"].split("/")
    found: Json = document["components"][kind][name]
    return found


def _parameter(parameter: Json) -> str:
    needed = "" if not parameter["required"] or parameter["in"] == "path" else " Required."
    return (
        f"| `{parameter['name']}` | {parameter['in']} | {_takes(parameter['schema'])} | "
        f"{parameter['description']}{needed} |"
    )


def _takes(schema: Json) -> str:
    if schema.get("type") == "array":
        return f"{_takes(schema['items'])}, up to {schema['maxItems']} times"
    if schema.get("type") == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    return _code(schema["pattern"]) if "pattern" in schema else "text"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _body(document: Json, body: Json) -> list[str]:
    content = body["content"]["application/json"]
    schemas = document["components"]["schemas"]
    required = "" if body["required"] else " (may be left out)"
    return ["", f"Body{required}:", "", *_fields(content["schema"], schemas), "", *_json(content["example"])]


def _fields(schema: Json, schemas: Mapping[str, Json]) -> list[str]:
    found = resolved(schema, schemas)
    lines = ["| field | type | |", "|---|---|---|"]
    for name, field in found.get("properties", {}).items():
        needed = "" if name in found.get("required", ()) else "optional; "
        lines.append(f"| `{name}` | {needed}{_type(field)} | {field.get('description', '')} |")
    return lines


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_type(each) for each in schema[several])
    if "enum" in schema:
        return " \\| ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kinds = schema.get("type", "any")
    return " or ".join(_kind(schema, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _kind(schema: Json, kind: str) -> str:
    return f"list of {_type(schema['items'])}" if kind == "array" else kind


def _json(example: object) -> list[str]:
    text = json.dumps(example, ensure_ascii=False)
    return ["```json", text if len(text) <= _LINE else json.dumps(example, ensure_ascii=False, indent=2), "```"]


def _answers(document: Json, operation: Json) -> list[str]:
    lines = list[str]()
    told = list[str]()
    for status, response in operation["responses"].items():
        found = _found(document, response)
        if status >= _FIRST_ERROR:
            told.append(f"{status} {', '.join(f'`{code}`' for code in _codes(found))}")
        elif "content" in found:
            lines += ["", f"Answers {status}:", "", *_json(found["content"]["application/json"]["example"])]
        else:
            lines += ["", f"Answers {status} without a body."]
    return [*lines, "", f"Errors: {'; '.join(told)}."]


def _codes(response: Json) -> Iterable[str]:
    codes: Iterable[str] = response["content"]["application/problem+json"]["examples"].keys()
    return codes


def _errors(problems: Json) -> list[str]:
    lines = [
        "", "## Errors", "",
        "`application/problem+json` (RFC 9457). `code` is stable; `instance` is the request's id.", "",
        "| status | code | | what to do |", "|---|---|---|---|",
    ]  # fmt: skip
    for code, example in problems.items():
        problem = example["value"]
        lines.append(f"| {problem['status']} | `{code}` | {problem['title']} | {example['summary']} |")
    return [*lines, "", *_json(problems["version_claimed"]["value"])]


def _gateway(gateway: Mapping[str, ConfigsvcError]) -> list[str]:
    lines = [
        "", "### What API Gateway answers before the service is reached", "",
        "A path or method that is not there is answered as an unsigned write is. 502 and 504 carry no `status`.", "",
        "| gateway response | status | code | detail |", "|---|---|---|---|",
    ]  # fmt: skip
    return lines + [f"| {kind} | {each.status} | `{each.code}` | {each.detail} |" for kind, each in gateway.items()]
