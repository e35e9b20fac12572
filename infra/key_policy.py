"""`python -m infra.key_policy STACK`: print the KMS key's policy as the stack's template has it, as JSON.

To write it again after somebody changed it (docs/OPERATIONS.md, "The KMS key was changed"). It reads the deployed
template and its parameters, not the stage file, so it prints what the last deployment set.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import aws
from infra.cloudformation.resolving import Known, list_references, resolve
from infra.escaping import escape

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_KEY = "NamespacesKey"


class NoPolicy(Exception):
    """The stack has no KMS key, or its policy names what only CloudFormation knows."""


def read_policy(client: CloudFormationClient, stack: str, pseudo: dict[str, str | list[str]]) -> dict[str, Any]:
    """Return the policy.

    Args:
        client: of the stack's region.
        stack: its name.
        pseudo: the values of `AWS::AccountId` and `AWS::Partition`.

    Raises:
        NoPolicy: the template has no key of its own, or its policy refers to another resource.
        botocore.exceptions.ClientError: there is no such stack, or it may not be read.
    """
    body: object = client.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    template: dict[str, Any] = json.loads(body if isinstance(body, str) else json.dumps(body))
    if _KEY not in template["Resources"]:
        raise NoPolicy(f"The stack {stack} did not make its KMS key, so it has no policy for it. Ask the key's owner.")
    described = client.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
    given = {each["ParameterKey"]: each.get("ParameterValue", "") for each in described}
    known = Known.of(template, given)
    known = known._replace(parameters={**known.parameters, **pseudo})
    policy: dict[str, Any] = resolve(template["Resources"][_KEY]["Properties"]["KeyPolicy"], known)
    if left := sorted(set(list_references(policy))):
        raise NoPolicy(f"The policy refers to {', '.join(left)}. Write it by hand, from the stack's template.")
    return policy


def main(arguments: list[str]) -> int:
    """Print it; 1 after an error message."""
    if len(arguments) != 1:
        print("Usage: python -m infra.key_policy STACK", file=sys.stderr)
        return 2
    try:
        session, account, arn = aws.sign_in(None)
        pseudo: dict[str, str | list[str]] = {"AWS::AccountId": account, "AWS::Partition": arn.split(":")[1]}
        policy = read_policy(session.client("cloudformation"), arguments[0], pseudo)
    except (NoPolicy, aws.Unreachable) as error:
        print(escape(error), file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(escape(aws.explain(error)), file=sys.stderr)
        return 1
    print(json.dumps(policy, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
