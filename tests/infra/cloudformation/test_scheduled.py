"""Upkeep and the probe in the template: when they run, what they may do, and what a stage changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.cloudformation.template import Template, for_emulator
from infra.packaging.service_zip import Package
from infra.stage import Stage, parse
from tests.infra.cloudformation.test_options import EVERYTHING, GROUP, RESTORED, SUBNET, expanded

FUNCTIONS = ("Upkeep", "Probe")
RULES = {"UpkeepSchedule": "upkeep", "HeartbeatSchedule": "heartbeat", "ProbeSchedule": "probe"}
PLAIN = parse({"stack": "s"})


@pytest.fixture(scope="module")
def plain(built_package: Package) -> Template:
    return expanded(built_package, PLAIN)


@pytest.fixture(scope="module")
def everything(built_package: Package) -> Template:
    return expanded(built_package, EVERYTHING)


@pytest.fixture(scope="module")
def restored(built_package: Package) -> Template:
    return expanded(built_package, RESTORED)


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def variables(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = properties(template, name)["Environment"]["Variables"]
    return found


def statements(template: Template, role: str) -> dict[str, dict[str, Any]]:
    [policy] = properties(template, role)["Policies"]
    return {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}


def test_both_run_the_code_of_the_zip_untraced_and_without_versions(plain: Template) -> None:
    api = properties(plain, "APIHandler")
    for name in FUNCTIONS:
        found = properties(plain, name)
        assert found["Handler"] == f"configsvc.scheduled.{name.lower()}.handler"
        assert [found[each] for each in ("Code", "Runtime", "Architectures")] == [
            api[each] for each in ("Code", "Runtime", "Architectures")
        ]
        assert "TracingConfig" not in found
        assert "0" * 64 not in found["Description"]  # no release
    kinds = [each["Type"] for each in plain["Resources"].values()]
    assert kinds.count("AWS::Lambda::Version") == kinds.count("AWS::Lambda::Alias") == 1


def test_each_rule_sends_its_task_and_nothing_else(plain: Template) -> None:
    for rule, task in RULES.items():
        [target] = properties(plain, rule)["Targets"]
        assert json.loads(target["Input"]) == {"task": task}
        assert properties(plain, rule)["State"] == "ENABLED"


def test_a_late_probe_is_dropped_and_upkeep_is_tried_again(plain: Template) -> None:
    probe, upkeep = (properties(plain, f"{name}Invocations") for name in ("Probe", "Upkeep"))
    assert (probe["MaximumRetryAttempts"], probe["MaximumEventAgeInSeconds"]) == (0, 60)
    assert (upkeep["MaximumRetryAttempts"], upkeep["MaximumEventAgeInSeconds"]) == (2, 3600)


def test_upkeep_may_do_to_the_table_what_the_api_may(plain: Template) -> None:
    held = statements(plain, "UpkeepRole")
    assert set(held) == {"ItsTableOnly", "ItsLog", "ItsEvents"}
    service = statements(plain, "ApiHandlerRole")["ItsTableOnly"]
    assert set(held["ItsTableOnly"]["Action"]) == set(service["Action"])
    assert held["ItsTableOnly"]["Resource"] == service["Resource"]
    assert held["ItsEvents"]["Condition"] == {"StringEquals": {"events:source": "configsvc"}}
    assert held["ItsEvents"]["Resource"]["Fn::Sub"].endswith(":event-bus/default")


def test_the_probe_may_read_one_api_key_and_write_its_log(plain: Template) -> None:
    held = statements(plain, "ProbeRole")
    assert set(held) == {"ItsApiKeyOnly", "ItsLog"}
    assert held["ItsApiKeyOnly"]["Action"] == ["apigateway:GET"]
    assert held["ItsApiKeyOnly"]["Resource"]["Fn::Sub"].endswith("::/apikeys/${ProbeKey}")


def test_the_probe_asks_at_the_url_of_consumers(plain: Template, everything: Template) -> None:
    for found in (plain, everything):
        assert variables(found, "Probe")["CONFIGSVC_URL"] == found["Outputs"]["ApiUrl"]["Value"]
    assert variables(everything, "Probe")["CONFIGSVC_URL"] == "https://config.example.com"


def test_both_know_the_probe_s_key_and_the_days_of_the_stage(plain: Template, everything: Template) -> None:
    for name in FUNCTIONS:
        assert variables(plain, name)["CONFIGSVC_PROBE_API_KEY_ID"] == {"Ref": "ProbeKey"}
    ages = [variables(each, "Probe")["CONFIGSVC_PROBE_MAX_AGE_SECONDS"] for each in (plain, everything)]
    days = [variables(each, "Upkeep")["CONFIGSVC_ROTATION_DAYS"] for each in (plain, everything)]
    assert (ages, days) == (["900", "1200"], ["14", "30"])


def test_a_probe_in_a_vpc_makes_interfaces_and_its_code_none(everything: Template) -> None:
    network = properties(everything, "Probe")["VpcConfig"]
    assert network == {"SecurityGroupIds": [GROUP], "SubnetIds": [SUBNET]}
    assert "VpcConfig" not in properties(everything, "Upkeep")
    held = statements(everything, "ProbeRole")
    denied = held["ItsCodeMakesNone"]
    grants = [held[each] for each in ("LambdaLooks", "LambdaMakesInterfaces", "LambdaDeletesThem")]
    assert "ec2:DeleteNetworkInterface" in grants[2]["Action"]
    assert grants[2]["Resource"][-1]["Fn::Sub"].endswith(":${AWS::AccountId}:*/*"), "all ids, as Lambda wants them"
    allowed = {action for each in grants for action in each["Action"]}
    assert (denied["Effect"], set(denied["Action"])) == ("Deny", allowed)
    assert set(denied["Condition"]["ArnLike"]) == {"lambda:SourceFunctionArn"}


def test_without_a_probe_nothing_of_it_is_left(plain: Template, restored: Template) -> None:
    left = json.dumps({**restored, "Resources": {**restored["Resources"], "Upkeep": None}})
    gone = plain["Resources"].keys() - restored["Resources"].keys()
    assert {"Probe", "ProbeRole", "ProbeKey", "ProbePlan", "ProbeSchedule", "ProbeAlarm", "ProbeLogGroup"} <= gone
    assert not [name for name in gone if f'"{name}"' in left or f"${{{name}" in left]
    assert variables(restored, "Upkeep")["CONFIGSVC_PROBE_API_KEY_ID"] == ""
    assert not [name for name in restored["Outputs"] if name.startswith("Probe")]


def test_upkeep_serves_a_table_that_was_restored(restored: Template) -> None:
    assert variables(restored, "Upkeep")["CONFIGSVC_TABLE"] == "config-restored"
    table = statements(restored, "UpkeepRole")["ItsTableOnly"]["Resource"]
    assert table["Fn::Sub"].endswith(":table/config-restored")


def test_a_stage_without_schedules_has_the_functions_and_waits_for_nobody(built_package: Package) -> None:
    found = expanded(built_package, parse({"stack": "s", "scheduled": False}))
    assert [properties(found, rule)["State"] for rule in RULES] == ["DISABLED"] * len(RULES)
    assert set(FUNCTIONS) <= found["Resources"].keys()
    for alarm in ("ProbeAlarm", "UpkeepFailedAlarm", "UpkeepOverdueAlarm"):
        assert properties(found, alarm)["TreatMissingData"] == "notBreaching"


def test_a_stage_may_have_neither_schedules_nor_probe(built_package: Package) -> None:
    found = expanded(built_package, parse({"stack": "s", "scheduled": False, "probe": {"enabled": False}}))
    assert properties(found, "UpkeepOverdueAlarm")["TreatMissingData"] == "notBreaching"
    assert [properties(found, rule)["State"] for rule in RULES if rule != "ProbeSchedule"] == ["DISABLED"] * 2


@pytest.mark.parametrize("length", [57, 58, 60])
def test_a_function_has_a_name_of_its_own_as_long_as_lambda_takes_it(built_package: Package, length: int) -> None:
    stage: Stage = parse({"stack": "s" * length})
    for name in FUNCTIONS:
        named = properties(expanded(built_package, stage), name).get("FunctionName")
        fits = len(f"{stage.stack}-{name.lower()}") <= 64
        assert named == ({"Fn::Sub": f"${{AWS::StackName}}-{name.lower()}"} if fits else None)


def test_upkeep_knows_the_stack_whatever_its_function_is_called(plain: Template) -> None:
    assert variables(plain, "Upkeep")["CONFIGSVC_STACK"] == {"Ref": "AWS::StackName"}


def test_the_emulator_judges_the_same_roles_as_aws(everything: Template) -> None:
    done = for_emulator(everything, "http://127.0.0.1:4566")
    for role in ("UpkeepRole", "ProbeRole", "ApiHandlerRole"):
        assert done["Resources"][role] == everything["Resources"][role]


def test_no_group_of_consumers_takes_a_place_of_the_probe(built_package: Package, plain: Template) -> None:
    limits = {"rate": 1, "burst": 1}
    found = expanded(built_package, parse({"stack": "s", "groups": [{"name": "probe", **limits}]}))
    for name in ("ProbeKey", "ProbePlan", "ProbePlanMember"):
        assert properties(found, name) == properties(plain, name)
    assert {"ProbeApiKey", "ProbeUsagePlan"} <= found["Resources"].keys()


def test_the_emulator_serves_the_probe_at_its_own_address(everything: Template) -> None:
    done = for_emulator(everything, "http://127.0.0.1:4566")
    url = variables(done, "Probe")["CONFIGSVC_URL"]
    assert url == {"Fn::Sub": "http://127.0.0.1:4566/_aws/execute-api/${RestAPI}/api"}
    assert "AWS::XRay::SamplingRule" not in {each["Type"] for each in done["Resources"].values()}
