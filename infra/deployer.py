"""The least-privilege IAM policies of whoever deploys: `python -m infra.deployer STAGE ACCOUNT REGION` writes them.

The policies are separate, because accounts that use a CloudFormation service role attach them to different identities
(docs/OPERATIONS.md, In an enterprise account). infra/policies has those of the stage `prod` in an example account.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from infra.aws_values import partition_of
from infra.cloudformation.scheduled import name_function
from infra.deployer_rules import (
    ADDS,
    API_RESOURCES,
    DEPLOYS,
    DESTROYS,
    FUNCTION_RESOURCES,
    PLANS,
    READS,
    ROLE_RESOURCES,
    SCHEDULED_RESOURCES,
    Rule,
)
from infra.paths import ROOT
from infra.stage import Stage, StageError, load_unfinished
from infra.stage_rules import place_faults

_PREFIX = 20
"""CloudFormation shortens a long stack's name in the names that it makes up, to no less than this."""
_BOUNDARY = "{boundary}"
_MOST = 6_144  # characters of a managed policy without white space ("IAM and AWS STS quotas")
_ARGUMENTS = 3

Document = dict[str, Any]


def make_policies(stage: Stage, account: str, region: str) -> dict[str, Document]:
    """Make the policies by file name."""
    place = _place(stage, account, region)
    policies = {
        "planner": _document([*READS, *PLANS, *ADDS], place),
        "deployer": _document([*READS, *PLANS, *DEPLOYS], place),
        "destroyer": _document(DESTROYS, place),
        "cloudformation-api": _document(API_RESOURCES, place),
        "cloudformation-function": _document(FUNCTION_RESOURCES, place),
        "cloudformation-roles": _document(ROLE_RESOURCES, place),
        "cloudformation-scheduled": _document(SCHEDULED_RESOURCES, place),
    }
    if stage.cloudformation_role:
        policies["pass-role"] = _document([_pass_role(stage.cloudformation_role)], place)
    return policies


def find_too_long(policies: Mapping[str, Document]) -> list[str]:
    """Find the policies that are longer than IAM takes, by file name."""
    lengths = {name: len(re.sub(r"\s", "", json.dumps(each))) for name, each in policies.items()}
    return [
        f"{name}.json has {length:,} characters, and IAM takes {_MOST:,}: shorten iam_path or permissions_boundary"
        for name, length in lengths.items()
        if length > _MOST
    ]


def _place(stage: Stage, account: str, region: str) -> dict[str, str | None]:
    partition = partition_of(region)
    made = f"{stage.stack}-" if len(stage.stack) <= _PREFIX else f"{stage.stack[:_PREFIX]}*-"
    return {
        "partition": partition, "account": account, "region": region, "stack": stage.stack,
        "made": made, "path": stage.iam_path or "/",
        "zone": stage.domain.hosted_zone if stage.domain else None, "waf": stage.network.waf_acl,
        "boundary": stage.permissions_boundary,
        "topic": stage.alarms.topic or f"arn:{partition}:sns:{region}:{account}:{made}*",
        "upkeep": name_function(stage.stack, "Upkeep") or f"{made}Upkeep-*",
        "probe": name_function(stage.stack, "Probe") or f"{made}Probe-*",
        "vpc": "*" if stage.probe.subnets else None,  # EC2 knows no resource for these lists
    }  # fmt: skip


def _pass_role(role: str) -> Rule:
    to = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    return Rule("PassTheServiceRole", "iam:PassRole", (role,), to)


def _document(rules: Iterable[Rule], place: Mapping[str, str | None]) -> Document:
    adapted = (_without_boundary(each) if not place["boundary"] else each for each in rules)
    statements = [_statement(each, place) for each in adapted if _is_filled(each, place)]
    return {"Version": "2012-10-17", "Statement": statements}


def _without_boundary(rule: Rule) -> Rule:
    """The same rule for a stage without a boundary: there is none to compare with, or to set."""
    if _BOUNDARY not in json.dumps(rule.condition):
        return rule
    return Rule("ManageRoles", rule.actions.replace("PutRolePermissionsBoundary ", ""), rule.resources)


def _is_filled(rule: Rule, place: Mapping[str, str | None]) -> bool:
    names = {name for text in rule.resources for _, name, _, _ in Formatter().parse(text) if name}
    return all(place[name] for name in names)


def _statement(rule: Rule, place: Mapping[str, str | None]) -> Document:
    service, _, rest = rule.actions.partition(":")
    resources = [each.format(**place) for each in rule.resources]
    statement: Document = {
        "Sid": rule.sid, "Effect": "Allow", "Action": [f"{service}:{each}" for each in rest.split()],
        "Resource": resources[0] if len(resources) == 1 else resources,
    }  # fmt: skip
    return statement | ({"Condition": _fill(rule.condition, place)} if rule.condition else {})


def _fill(node: Any, place: Mapping[str, str | None]) -> Any:  # noqa: ANN401  # JSON is any
    if isinstance(node, str):
        return node.format(**place)
    if isinstance(node, list):
        return [_fill(each, place) for each in node]
    return {key: _fill(each, place) for key, each in node.items()}


def write(folder: Path, policies: Mapping[str, Document]) -> None:
    """Write each policy to a file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in policies.items():
        (folder / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")


def load_for(name: str, account: str, region: str) -> Stage:
    """Load the stage, for this account and region.

    Raises:
        StageError: it does not fit there, or either is wrong.
    """
    stage = load_unfinished(name)
    faults = [] if re.fullmatch("[0-9]{12}", account) else [f"{account!r} is not the id of an account"]
    try:
        faults += place_faults(stage, region, account)
    except ValueError as error:
        faults.append(str(error))
    if faults:
        raise StageError("; ".join(faults))
    return stage


def main(arguments: list[str]) -> int:
    if len(arguments) != _ARGUMENTS:
        print("usage: python -m infra.deployer STAGE ACCOUNT REGION", file=sys.stderr)
        return 2
    name, account, region = arguments
    try:
        stage = load_for(name, account, region)
    except StageError as error:
        print(error, file=sys.stderr)
        return 1
    policies = make_policies(stage, account, region)
    if faults := find_too_long(policies):
        print("\n".join(faults), file=sys.stderr)
        return 1
    write(ROOT / "build" / "policies" / name, policies)
    print(f"The policies are in build/policies/{name}. docs/OPERATIONS.md says who needs which.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
