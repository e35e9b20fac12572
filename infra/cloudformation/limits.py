"""Quotas of AWS that a long stage file exceeds, which CloudFormation would report one by one after minutes.

The numbers are those of "CloudFormation quotas", "IAM and AWS STS quotas", "Lambda quotas" and "AWS KMS resource
quotas". infra/cloudformation/network.py has that of the API's resource policy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infra.cloudformation.template import Template
from infra.stage import StageError

_COUNTS = {"Outputs": 200, "Parameters": 200, "Resources": 500}
_TEMPLATE_BYTES = 1_000_000
_PARAMETER_BYTES = 4_096
_MANAGED_POLICY, _ROLE_POLICIES = 6_144, 10_240  # characters without white space
_ENVIRONMENT_BYTES = 4_096
_KEY_POLICY_BYTES = 32_768
_BY_TAG = (
    "; remove patterns from policies: ReaderByTag and WriterByTag serve any number of namespaces (docs/OPERATIONS.md)"
)
_ATTRIBUTE = "a" * 80  # as long as the ARN of a KMS key
_GIVEN = "a" * 129  # as long as two SHA-256 of the gateway's proof, which the deploy command passes
_VALUES = {
    "AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-1", "AWS::AccountId": "1" * 12,
    "AWS::URLSuffix": "amazonaws.com",
}  # fmt: skip


class _Sized(NamedTuple):
    """A text that AWS limits: what it is, its size, the limit, and what makes it shorter."""

    what: str
    size: int
    limit: int
    advice: str = ""


def refuse(expanded: Template, parameters: Mapping[str, str]) -> None:
    """Check the expanded template, with the parameters of the stage, against all quotas.

    Raises:
        StageError: it exceeds some; all of them are named.
    """
    faults = [
        f"{each.what} {each.size:,}, and AWS takes {each.limit:,}{each.advice}"
        for each in _sizes(expanded, parameters)
        if each.size > each.limit
    ]
    if faults:
        raise StageError("\n  ".join(["The stage asks for more than AWS takes:", *faults]))


def _sizes(expanded: Template, parameters: Mapping[str, str]) -> Iterator[_Sized]:
    for section, limit in _COUNTS.items():
        yield _Sized(f"{section}:", len(expanded.get(section, {})), limit, "" if section == "Parameters" else _BY_TAG)
    body = json.dumps(expanded, separators=(",", ":")).encode()
    yield _Sized("bytes of the template:", len(body), _TEMPLATE_BYTES, _BY_TAG)
    for name, value in parameters.items():
        yield _Sized(f"bytes of the parameter {name}:", len(value.encode()), _PARAMETER_BYTES)
    values = _VALUES | {name: each.get("Default", _GIVEN) for name, each in expanded.get("Parameters", {}).items()}
    for name, resource in expanded["Resources"].items():
        properties = _resolve(resource.get("Properties", {}), {**values, **parameters})
        yield from _resource_sizes(name, resource["Type"], properties)


def _resource_sizes(name: str, kind: str, properties: dict[str, Any]) -> Iterator[_Sized]:
    match kind:
        case "AWS::IAM::ManagedPolicy":
            size = len(_compact(properties["PolicyDocument"]))
            yield _Sized(f"characters of the policy {name}:", size, _MANAGED_POLICY, "; name fewer KMS keys")
        case "AWS::IAM::Role":
            size = sum(len(_compact(each["PolicyDocument"])) for each in properties.get("Policies", []))
            yield _Sized(f"characters of the policies of {name}:", size, _ROLE_POLICIES)
        case "AWS::Lambda::Function":
            size = len(_compact(properties.get("Environment", {}).get("Variables", {})).encode())
            advice = "; name fewer admins, or patterns such as role/Admin*"
            yield _Sized(f"bytes of the environment of {name}:", size, _ENVIRONMENT_BYTES, advice)
        case "AWS::KMS::Key":
            size = len(_compact(properties["KeyPolicy"]).encode())
            yield _Sized(f"bytes of the key policy of {name}:", size, _KEY_POLICY_BYTES, "; name fewer administrators")
        case _:
            pass


def _compact(document: object) -> str:
    """JSON without the white space that AWS does not count."""
    return re.sub(r"\s", "", json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _resolve(node: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON is any
    """Put in values as long as the real ones where a function stands."""
    if isinstance(node, list):
        return [_resolve(each, values) for each in node]
    if not isinstance(node, dict):
        return node
    if "Ref" in node:
        return str(values.get(node["Ref"], _ATTRIBUTE))
    if "Fn::Sub" in node:
        text = node["Fn::Sub"] if isinstance(node["Fn::Sub"], str) else node["Fn::Sub"][0]
        return re.sub(r"\$\{([^}!]+)\}", lambda found: str(values.get(found[1], _ATTRIBUTE)), text)
    if "Fn::GetAtt" in node:
        return _ATTRIBUTE
    return {key: _resolve(each, values) for key, each in node.items()}
