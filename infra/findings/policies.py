"""The policy documents of a template, as IAM would see them: pure functions over dicts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Template = Mapping[str, Any]

# What CloudFormation would put in place of a reference.
_PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/s/01234567-89ab-cdef-0123-456789abcdef",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
_HERE = "us-east-1:111122223333"
_ARNS = {
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{_HERE}:alarm:{{}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_HERE}:table/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{_HERE}:rule/{{}}",
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role/{}",
    "AWS::KMS::Key": f"arn:aws:kms:{_HERE}:key/01234567-89ab-cdef-0123-456789abcdef",
    "AWS::Lambda::Alias": f"arn:aws:lambda:{_HERE}:function:{{}}:live",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_HERE}:function:{{}}",
    "AWS::Lambda::Version": f"arn:aws:lambda:{_HERE}:function:{{}}:1",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_HERE}:log-group:{{}}:*",
    "AWS::SNS::Topic": f"arn:aws:sns:{_HERE}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_HERE}:{{}}",
}
_REFERS_TO_ITS_ARN = frozenset({"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::SNS::Topic"})
_THIS_KEY = [_ARNS["AWS::KMS::Key"], f"arn:aws:kms:{_HERE}:alias/any"]
_API = f"arn:aws:execute-api:{_HERE}:a1b2c3d4e5/"


class UnknownArn(Exception):
    """A policy names the ARN of a resource of a type whose ARNs have an unknown form."""


class Document(NamedTuple):
    """A policy document.

    Args:
        resource: logical id of the resource that has it.
        path: where it is in the resource.
        content: with every function of CloudFormation resolved.
    """

    resource: str
    path: tuple[str, ...]
    content: dict[str, Any]

    @property
    def is_trust(self) -> bool:
        """Whether it says who may assume a role."""
        return "AssumeRolePolicyDocument" in self.path

    @property
    def statements(self) -> list[dict[str, Any]]:
        """Its statements."""
        held: list[dict[str, Any]] = self.content["Statement"]
        return held


def documents(template: Template) -> list[Document]:
    """List every policy document, wherever it is: roles, managed policies, keys, topics, queues, APIs, functions."""
    resources = template["Resources"]
    found = (each for name, resource in resources.items() for each in _walk(name, (), resource.get("Properties", {})))
    return [Document(name, path, _as_document(_resolve(template, node), path)) for name, path, node in found]


def _walk(name: str, path: tuple[str, ...], node: Any) -> Iterator[tuple[str, tuple[str, ...], Any]]:  # noqa: ANN401  # JSON is any
    if isinstance(node, dict):
        if "Statement" in node:
            yield name, path, node
            return
        for key, part in node.items():
            yield from _walk(name, (*path, key), part)
    elif isinstance(node, list):
        for number, part in enumerate(node):
            yield from _walk(name, (*path, str(number)), part)


def _as_document(node: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """In a key policy `*` is that key, with its aliases."""
    held = [node["Statement"]] if isinstance(node["Statement"], dict) else node["Statement"]
    if "KeyPolicy" in path:
        held = [each | {"Resource": _THIS_KEY} if each["Resource"] == "*" else each for each in held]
    return node | {"Statement": held}


def _resolve(template: Template, node: Any) -> Any:  # noqa: ANN401  # JSON is any
    if isinstance(node, list):
        return [each for part in node if (each := _resolve(template, part)) is not None]
    if isinstance(node, str):
        return node.replace("execute-api:/", _API) if node.startswith("execute-api:/") else node
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        [(function, argument)] = node.items()
        if function == "Ref" or function.startswith("Fn::"):
            return _call(template, function, argument)
    return {key: _resolve(template, part) for key, part in node.items()}


def _call(template: Template, function: str, argument: Any) -> Any:  # noqa: ANN401  # JSON is any
    if function == "Ref":
        return _refer(template, argument)
    if function == "Fn::GetAtt":
        return _attribute(template, *(argument.split(".") if isinstance(argument, str) else argument))
    if function == "Fn::Sub":
        return _substitute(template, argument)
    if function == "Fn::If":
        return _resolve(template, argument[1])
    return f"value-of-{json.dumps(argument, sort_keys=True)}"


def _refer(template: Template, name: str) -> str | None:
    if name == "AWS::NoValue":
        return None
    if name in _PSEUDO:
        return _PSEUDO[name]
    kind = template["Resources"].get(name, {}).get("Type")
    if kind is None and template["Parameters"][name].get("AllowedPattern", "").startswith("arn:[a-z-]+:kms"):
        return _ARNS["AWS::KMS::Key"]
    return _ARNS[kind].format(name) if kind in _REFERS_TO_ITS_ARN else name


def _attribute(template: Template, name: str, attribute: str) -> str:
    if attribute != "Arn":
        return f"{name}.{attribute}"
    kind = template["Resources"][name]["Type"]
    if kind not in _ARNS:
        raise UnknownArn(f"A policy names the ARN of a {kind}, and infra/findings/policies.py does not know its form.")
    return _ARNS[kind].format(name)


def _substitute(template: Template, argument: str | list[Any]) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else argument

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        if name in given:
            return str(_resolve(template, given[name]))
        return _attribute(template, *name.split(".", 1)) if "." in name else str(_refer(template, name))

    return re.sub(r"\$\{([^!}]+)\}", replace, text).replace("${!", "${")
