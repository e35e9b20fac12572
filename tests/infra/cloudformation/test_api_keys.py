"""One or two API keys of the reader and of each group, by `generation` and `keys`."""

import json
from typing import Any

import pytest

from infra.cloudformation import options
from infra.cloudformation.template import Template
from infra.packaging.service_zip import Package
from infra.stage import StageError, parse
from tests.infra.cloudformation.test_options import everything, expanded, properties

__all__ = ["everything"]


def template_of(built: Package, **consumers: int) -> Template:
    limits = {"rate": 1, "burst": 1, **consumers}
    stage: dict[str, Any] = {"stack": "s", "reader": limits, "groups": [{"name": "team", **limits}]}
    return expanded(built, parse({**stage, "probe": {"enabled": False}}))  # which has a key of its own


def joined(found: Template) -> dict[str, tuple[str, str]]:
    """The usage plan and the logical id of each key's place in it, by the key's logical id."""
    return {
        each["Properties"]["KeyId"]["Ref"]: (each["Properties"]["UsagePlanId"]["Ref"], name)
        for name, each in found["Resources"].items()
        if each["Type"] == "AWS::ApiGateway::UsagePlanKey"
    }


def outputs(found: Template, *names: str) -> list[str | None]:
    return [found["Outputs"][name]["Value"]["Ref"] if name in found["Outputs"] else None for name in names]


@pytest.mark.parametrize(
    ("consumers", "numbers"),
    [
        ({}, [""]),
        ({"keys": 1}, [""]),
        ({"keys": 2}, ["", "0"]),
        ({"generation": 2}, ["2", ""]),
        ({"generation": 2, "keys": 2}, ["2", ""]),
        ({"generation": 2, "keys": 1}, ["2"]),
        ({"generation": 3}, ["3", "2"]),
        ({"generation": 3, "keys": 1}, ["3"]),
    ],
)
def test_generation_and_keys_decide_which_keys_there_are(
    built_package: Package, consumers: dict[str, int], numbers: list[str]
) -> None:
    found = template_of(built_package, **consumers)
    keys = {name for name, each in found["Resources"].items() if each["Type"] == "AWS::ApiGateway::ApiKey"}
    readers, teams = ([f"{stem}{each}" for each in numbers] for stem in ("ReaderKey", "TeamApiKey"))
    assert keys == {*readers, *teams} == joined(found).keys()
    newest_and_previous = [*readers, None][:2], [*teams, None][:2]
    assert outputs(found, "ReaderKeyId", "PreviousReaderKeyId") == newest_and_previous[0]
    assert outputs(found, "ApiKeyIdOfTeam", "PreviousApiKeyIdOfTeam") == newest_and_previous[1]


def test_keys_side_by_side_are_in_the_same_usage_plan(built_package: Package) -> None:
    assert joined(template_of(built_package, generation=2)) == {
        "ReaderKey": ("UsagePlan", "ReaderPlanKey"), "ReaderKey2": ("UsagePlan", "ReaderPlanKey2"),
        "TeamApiKey": ("TeamUsagePlan", "TeamPlanKey"), "TeamApiKey2": ("TeamUsagePlan", "TeamPlanKey2"),
    }  # fmt: skip


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_a_raise_leaves_the_newest_key_as_it_is(built_package: Package, generation: int) -> None:
    before, after = (template_of(built_package, generation=each) for each in (generation, generation + 1))
    [newest, kept] = outputs(before, "ReaderKeyId", "ApiKeyIdOfTeam")
    assert outputs(after, "PreviousReaderKeyId", "PreviousApiKeyIdOfTeam") == [newest, kept]
    for name in (newest, kept, *(joined(before)[str(each)][1] for each in (newest, kept))):
        assert after["Resources"][name] == before["Resources"][name]


def test_keys_of_a_stack_have_names_of_their_own(built_package: Package) -> None:
    for consumers in ({"keys": 2}, {"generation": 2}):
        found = template_of(built_package, **consumers)["Resources"].values()
        named = [json.dumps(each["Properties"]["Name"]) for each in found if each["Type"] == "AWS::ApiGateway::ApiKey"]
        assert len(set(named)) == len(named) == 4


@pytest.mark.parametrize("consumers", [{}, {"generation": 2}])
def test_the_stacks_first_api_key_is_the_templates(built_package: Package, consumers: dict[str, int]) -> None:
    sam = json.loads(json.dumps(built_package.template))
    said = sam["Resources"]["ReaderKey"]
    said["Properties"]["Description"] = "as the template says"
    reader = {"rate": 1, "burst": 1, **consumers}
    assert options.with_options(sam, parse({"stack": "s", "reader": reader}))["Resources"]["ReaderKey"] == said


def test_both_key_ids_are_published_and_no_key(built_package: Package) -> None:
    found = template_of(built_package, generation=2)["Resources"]
    for name in ("ReaderKeyId", "PreviousReaderKeyId", "ApiKeyIdOfTeam", "PreviousApiKeyIdOfTeam"):
        assert properties(found, f"Published{name}")["Name"] == {"Fn::Sub": f"/configsvc/${{AWS::StackName}}/{name}"}


def test_a_group_has_a_key_and_limits_of_its_own(everything: dict[str, Any]) -> None:
    plan = properties(everything, "PaymentsTeamUsagePlan")
    assert (plan["Throttle"], plan["Quota"]) == ({"RateLimit": 10, "BurstLimit": 20}, {"Limit": 5, "Period": "DAY"})
    assert properties(everything, "PaymentsTeamPlanKey")["KeyId"] == {"Ref": "PaymentsTeamApiKey"}


@pytest.mark.parametrize("number", [0, 3, True])
def test_a_stack_has_one_or_two_keys(number: object) -> None:
    with pytest.raises(StageError, match=r"reader\.keys"):
        parse({"stack": "s", "reader": {"rate": 1, "burst": 1, "keys": number}})
