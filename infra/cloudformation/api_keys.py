"""The stack's API keys: one or two side by side for its reader and for each group, with their usage plans.

References: API Gateway developer guide, "Usage plans and API keys for REST APIs"; CloudFormation user guide,
AWS::ApiGateway::ApiKey, AWS::ApiGateway::UsagePlanKey.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from infra.cloudformation.template import Template
from infra.stage import Consumers, Group, Stage
from infra.stage_rules import camel


class Family(NamedTuple):
    """The keys of one usage plan.

    Args:
        name: what the stage file calls their consumers.
        key, joined: how the logical ids of a key, and of its place in the plan, begin; the key's number follows.
        plan: the logical id of the usage plan.
        newest, previous: the outputs with the ids of the keys.
    """

    name: str
    key: str
    joined: str
    plan: str
    newest: str
    previous: str


READER = Family("reader", "ReaderKey", "ReaderPlanKey", "UsagePlan", "ReaderKeyId", "PreviousReaderKeyId")


def family_of(group: Group) -> Family:
    """The keys of a group."""
    name = camel(group.name)
    outputs = f"ApiKeyIdOf{name}", f"PreviousApiKeyIdOf{name}"
    return Family(group.name, f"{name}ApiKey", f"{name}PlanKey", f"{name}UsagePlan", *outputs)


def families(stage: Stage) -> list[Family]:
    """The keys of the reader, then those of each group."""
    return [READER, *map(family_of, stage.groups)]


def list_numbers(consumers: Consumers) -> list[int]:
    """The numbers of the keys, the newest first.

    Without `keys`, a raised generation keeps the key before it. Number 0 is the second key beside the first one.
    """
    two = consumers.generation > 1 if consumers.keys is None else consumers.keys > 1
    return [consumers.generation, consumers.generation - 1] if two else [consumers.generation]


def list_ids(family: Family, consumers: Consumers) -> list[str]:
    """The logical ids of the keys, the newest first."""
    return [f"{family.key}{_suffix(number)}" for number in list_numbers(consumers)]


def add(template: Template, stage: Stage) -> None:
    """Write it into the template, which has the reader's first key and usage plan."""
    numbers = list_numbers(stage.reader)
    if 1 not in numbers:
        del template["Resources"][READER.key], template["Resources"][READER.joined]
    _add_keys(template, READER, numbers)
    for group in stage.groups:
        family = family_of(group)
        template["Resources"][family.plan] = _usage_plan(group)
        _add_keys(template, family, list_numbers(group))


def _usage_plan(group: Group) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "UsagePlanName": {"Fn::Sub": f"${{AWS::StackName}}-{group.name}"},
        "ApiStages": [{"ApiId": {"Ref": "RestAPI"}, "Stage": {"Ref": "RestAPI.Stage"}}],
        "Throttle": {"RateLimit": group.rate, "BurstLimit": group.burst},
    }
    if group.quota_per_day:
        plan["Quota"] = {"Limit": group.quota_per_day, "Period": "DAY"}
    return {"Type": "AWS::ApiGateway::UsagePlan", "Properties": plan}


def _add_keys(template: Template, family: Family, numbers: list[int]) -> None:
    """A number is another resource: CloudFormation makes a key that is new here, and deletes one that is not."""
    resources = template["Resources"]
    for output, number in zip((family.newest, family.previous), map(_suffix, numbers), strict=False):
        key = f"{family.key}{number}"
        resources.setdefault(key, _api_key(family.name, number))
        resources.setdefault(f"{family.joined}{number}", _join(key, family.plan))
        template["Outputs"][output] = {"Value": {"Ref": key}}


def _api_key(name: str, number: str) -> dict[str, Any]:
    called = {"Fn::Sub": "-".join(filter(None, ("${AWS::StackName}", name, number)))}
    return {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Name": called, "Enabled": True}}


def _join(key: str, plan: str) -> dict[str, Any]:
    joined = {"KeyId": {"Ref": key}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": plan}}
    return {"Type": "AWS::ApiGateway::UsagePlanKey", "Properties": joined}


def _suffix(number: int) -> str:
    """The first one has none."""
    return "" if number == 1 else str(number)
