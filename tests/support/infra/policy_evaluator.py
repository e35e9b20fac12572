"""Asks the emulator's own policy evaluator, with documents and callers of any two accounts.

The emulator keeps each account's keys to itself, so no request of one account reaches a key of another: this is the
evaluator without that data plane. `decide` runs this file under the emulator's interpreter (standard library and
ministack only), which reads requests from standard input and writes a decision for each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, TypedDict

ANONYMOUS = "*"
"""The caller of a request without a signature."""

Document = dict[str, Any]


class Asked(TypedDict):
    """One request, and the policies that decide about it.

    `identity` are the caller's policies; `resource` belongs to the account `owner`, and for a KMS key (`required`) it
    must allow even the owner's own identities. `keys` are condition keys of the request.
    """

    caller: str
    identity: list[Document]
    resource: Document
    owner: str
    required: bool
    action: str
    arn: str
    keys: dict[str, str]


def decide(python: str, requests: Sequence[Asked]) -> list[str]:
    """Return Allow, Deny or ImplicitDeny for each request."""
    ran = subprocess.run(
        [python, __file__], input=json.dumps(requests), capture_output=True, text=True, check=True, timeout=60
    )
    found: list[str] = json.loads(ran.stdout)
    return found


def resolve(node: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401  # JSON is any
    """Return the document as CloudFormation would resolve it, with values by name (`AWS::AccountId`)."""
    if isinstance(node, list):
        return [resolve(part, values) for part in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Ref"}:
        return values[node["Ref"]]
    if set(node) == {"Fn::Sub"}:
        text = node["Fn::Sub"]
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text
    return {key: resolve(part, values) for key, part in node.items()}


def _answer(asked: Asked) -> str:
    core = import_module("ministack.core.iam_evaluator")
    keys = {name.lower(): value for name, value in asked["keys"].items()}
    context = core.EvalContext(
        principal_arn=asked["caller"],
        principal_type="AssumedRole",
        principal_account="" if asked["caller"] == ANONYMOUS else asked["caller"].split(":")[4],
        action=asked["action"],
        resource_arn=asked["arn"],
        region="eu-west-1",
        source_ip=keys.get("aws:sourceip", "192.0.2.1"),
        service_context=keys,
    )
    if asked["caller"] == ANONYMOUS:  # as the emulator's API Gateway decides about a method without authorization
        return str(core.evaluate_resource_policy(asked["resource"], context).decision)
    policies = [core.parse_policy_document(each) for each in asked["identity"]]
    identity = core.evaluate(context, policies)
    decided = core.combine_resource_policy(
        identity, context, asked["resource"], asked["owner"], required=asked["required"]
    )
    return str(decided.decision)


if __name__ == "__main__":
    json.dump([_answer(each) for each in json.load(sys.stdin)], sys.stdout)
