"""Cuts botocore's data down to what the service calls: `python -m infra.packaging.dynamo_data` writes it.

Making a client takes 13 ms with these files and 55 ms without: DynamoDB's whole model is 750 KB of JSON, and the
endpoints of every service are as much again. A test holds them against the locked botocore.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.loaders import Loader

from infra.paths import ROOT

OPERATIONS = ("BatchGetItem", "GetItem", "Query", "TransactGetItems", "TransactWriteItems")
API_VERSION = "2012-08-10"
TARGET = ROOT / "configsvc/adapters/dynamo_data"

Json = dict[str, Any]


def files() -> dict[str, str]:
    """The text of each file by its path under the target."""
    loader = Loader()
    model = loader.load_service_model("dynamodb", "service-2", API_VERSION)
    endpoints = loader.load_data("endpoints")
    return {
        f"dynamodb/{API_VERSION}/service-2.json": _text(trim_model(model)),
        "endpoints.json": _text(trim_endpoints(endpoints)),
    }


def trim_model(model: Mapping[str, Any]) -> Json:
    """The model with our operations and the shapes they need, and without documentation."""
    operations = {name: model["operations"][name] for name in OPERATIONS}
    needed: set[str] = set()
    for operation in operations.values():
        for reference in (operation.get("input"), operation.get("output"), *operation.get("errors", [])):
            if reference:
                _collect(model["shapes"], reference["shape"], needed)
    shapes = {name: shape for name, shape in model["shapes"].items() if name in needed}
    trimmed: Json = _drop_documentation({**model, "operations": operations, "shapes": shapes})
    return trimmed


def trim_endpoints(endpoints: Mapping[str, Any]) -> Json:
    """The endpoints of DynamoDB alone, in every partition."""
    partitions = [
        {**partition, "services": {name: found for name, found in partition["services"].items() if name == "dynamodb"}}
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _collect(shapes: Mapping[str, Any], name: str, needed: set[str]) -> None:
    if name in needed:
        return
    needed.add(name)
    shape = shapes[name]
    references = [
        *shape.get("members", {}).values(),
        *(shape[part] for part in ("member", "key", "value") if part in shape),
    ]
    for reference in references:
        _collect(shapes, reference["shape"], needed)


def _drop_documentation(node: Any) -> Any:  # noqa: ANN401  # JSON is any
    if isinstance(node, dict):
        return {
            name: _drop_documentation(value)
            for name, value in node.items()
            if not (name == "documentation" and isinstance(value, str))
        }
    return [_drop_documentation(value) for value in node] if isinstance(node, list) else node


def _text(content: Json) -> str:
    return json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n"


def main() -> None:
    for name, text in files().items():
        path = TARGET / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
