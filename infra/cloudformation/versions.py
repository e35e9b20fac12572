"""The content of a function's version, and the release that names it: pure functions over an expanded template.

CloudFormation publishes a version when the logical id of its `AWS::Lambda::Version` is a new one. An id that stays
while something that a version holds has changed would leave the alias on the old settings; a new id without such a
change would be a canary for nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from infra.cloudformation.resolving import Known, list_references, resolve

FUNCTION = "AWS::Lambda::Function"
_VERSION = "AWS::Lambda::Version"
_LAYER = "AWS::Lambda::LayerVersion"

NOT_HELD: Mapping[str, str] = {
    "Arn": "is an output",
    "CodeSigningConfigArn": "belongs to the function (PutFunctionCodeSigningConfig takes no version)",
    "FunctionName": "replaces the function and with it all versions",
    "PackageType": "replaces the function and with it all versions",
    "PublishToLatestPublished": "says what an update does, not what a version is",
    "RecursiveLoop": "belongs to the function (PutFunctionRecursionConfig takes no version)",
    "ReservedConcurrentExecutions": "belongs to the function (PutFunctionConcurrency takes no version)",
    "SnapStartResponse": "is an output",
    "Tags": "belong to the function: a version has none",
    "TenancyConfig": "replaces the function and with it all versions",
}
"""The properties of `AWS::Lambda::Function` that no version holds, with the reason; a version holds all others.

A setting is held if UpdateFunctionCode or UpdateFunctionConfiguration changes it, since PublishVersion freezes both, or
if the operation that sets it takes a version (Lambda API reference).
"""


def list_releases(expanded: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, str]:
    """The release of each function by its logical id: SHA-256 over what a version of it holds, as 64 hex digits."""
    return {name: _hash(content) for name, content in list_contents(expanded, parameters).items()}


def list_contents(expanded: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """The content of a version of each function, by the function's logical id, with the values of parameters."""
    known, resources = Known.of(expanded, parameters), expanded["Resources"]
    return {
        name: _content(resource["Properties"], resources, known)
        for name, resource in resources.items()
        if resource["Type"] == FUNCTION
    }


def keep_published(expanded: Mapping[str, Any]) -> dict[str, Any]:
    """The template without the functions of which it publishes no version: they have no release."""
    resources = expanded["Resources"]
    published = {
        each["Properties"]["FunctionName"]["Ref"] for each in resources.values() if each["Type"] == _VERSION
    }  # fmt: skip
    kept = {name: each for name, each in resources.items() if each["Type"] != FUNCTION or name in published}
    return {**expanded, "Resources": kept}


def list_unknown(expanded: Mapping[str, Any], parameters: Mapping[str, str]) -> set[str]:
    """The parameters that versions hold and whose values are not known."""
    held = list_references(list(list_contents(expanded, parameters).values()))
    return {name for name in held if name in expanded.get("Parameters", {})}


def _content(properties: Mapping[str, Any], resources: Mapping[str, Any], known: Known) -> Any:  # noqa: ANN401  # JSON is any
    held = {name: value for name, value in properties.items() if name not in NOT_HELD}
    content = resolve(held, known)
    # Every change of a layer makes another version of it, whose ARN the function then has.
    named = sorted({*list_references(content.get("Layers", []))} & resources.keys())
    layers = {
        name: resolve(resources[name]["Properties"], known) for name in named if resources[name]["Type"] == _LAYER
    }
    return {**content, "Layers": [content["Layers"], layers]} if layers else content


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
