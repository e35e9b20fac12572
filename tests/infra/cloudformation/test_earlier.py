"""A template that is deployed again: what it serves, and its version under today's settings."""

import copy
import json
from collections.abc import Callable

import pytest

from infra.cloudformation import canary, earlier, template
from infra.cloudformation.earlier import Notes
from infra.cloudformation.options import with_options
from infra.packaging.service_zip import Package
from infra.stage import parse

CANARY = {"stack": "s", "function": {"canary": "Canary10Percent5Minutes"}}
CODE = "a" * 64
THEN = {"GatewayProofSha256": "1" * 64, "LogLevel": "info", "Admins": "a", "ReaderRps": "5"}
NOW = {**THEN, "GatewayProofSha256": "2" * 64}


@pytest.fixture(scope="module")
def locate(built_package: Package) -> Callable[[dict[str, str]], template.Template]:
    """The template of a stage with a canary, as a deployment with these parameters has it."""
    sam = with_options(built_package.template, parse(CANARY))
    return lambda given: template.expand(template.locate(sam, "bucket", f"s/{CODE}.zip", CODE, given))


Locate = Callable[[dict[str, str]], template.Template]


def identify(expanded: template.Template, given: dict[str, str]) -> str:
    return earlier.identify(expanded, {**given, "GatewayProof": None})


def test_a_rotation_of_the_proof_serves_the_same(locate: Locate) -> None:
    assert locate(THEN) != locate(NOW), "another version"
    assert identify(locate(THEN), THEN) == identify(locate(NOW), NOW)


def test_a_canary_and_notes_serve_the_same(locate: Locate) -> None:
    given = locate(THEN)
    noted = earlier.with_notes(given, Notes("abc", 3))
    assert earlier.read_notes(noted) == ("abc", 3)
    assert earlier.with_notes(given, Notes()) == given
    assert identify(canary.at_once(noted), THEN) == identify(given, THEN)


@pytest.mark.parametrize("changed", [{"LogLevel": "debug"}, {"ReaderRps": "6"}])
def test_another_setting_serves_something_else(locate: Locate, changed: dict[str, str]) -> None:
    other = {**THEN, **changed}
    assert identify(locate(other), other) != identify(locate(THEN), THEN)


def test_other_code_serves_something_else(locate: Locate) -> None:
    given = locate(THEN)
    other = copy.deepcopy(given)
    other["Resources"]["APIHandler"]["Properties"]["Code"]["S3Key"] = f"s/{'b' * 64}.zip"
    assert identify(other, THEN) != identify(given, THEN)


def test_with_the_same_settings_a_template_is_redeployed_word_for_word(locate: Locate) -> None:
    assert earlier.release_again(locate(THEN), THEN, {**THEN, "ReaderRps": "9"}) == locate(THEN)


def test_with_another_proof_it_is_what_a_deployment_of_the_code_would_be(locate: Locate) -> None:
    """Lambda refuses to publish the same content under a second name, so both must choose the same."""
    again = earlier.release_again(locate(THEN), THEN, NOW)
    assert again == locate(NOW)
    assert [name for name, _ in earlier.list_versions(again)] != [
        name for name, _ in earlier.list_versions(locate(THEN))
    ]


def test_every_reference_to_a_version_follows_it(locate: Locate) -> None:
    [(old, _)] = earlier.list_versions(locate(THEN))
    assert old not in json.dumps(earlier.release_again(locate(THEN), THEN, NOW))


def test_only_noecho_parameters_are_secrets(locate: Locate) -> None:
    assert earlier.list_secrets(locate(THEN)) == {"GatewayProof"}


def test_the_code_is_found_by_its_key(locate: Locate) -> None:
    assert earlier.list_code(locate(THEN)) == dict.fromkeys(("APIHandler", "Upkeep", "Probe"), f"s/{CODE}.zip")


def test_a_kms_key_keeps_its_policy_of_today(locate: Locate, built_package: Package) -> None:
    shared = parse({**CANARY, "consumer_accounts": ["444455556666"]})
    sam = with_options(built_package.template, shared)
    then = template.expand(template.locate(sam, "bucket", f"s/{CODE}.zip", CODE, THEN))
    assert "444455556666" in json.dumps(then["Resources"]["NamespacesKey"])
    today = locate(THEN)
    done = earlier.with_key_policies(then, today)
    assert done["Resources"]["NamespacesKey"] == today["Resources"]["NamespacesKey"]
    assert {**done["Resources"], "NamespacesKey": 0} == {**then["Resources"], "NamespacesKey": 0}
    assert earlier.with_key_policies(today, today) == today
    without = {"Resources": {name: each for name, each in today["Resources"].items() if name != "NamespacesKey"}}
    assert earlier.with_key_policies(then, without) == then


GROUPED = {"groups": [{"name": "team", "rate": 1, "burst": 1, "generation": 2}]}


def made_with(built: Package, **settings: object) -> template.Template:
    sam = with_options(built.template, parse({**CANARY, **settings}))
    return template.expand(template.locate(sam, "bucket", f"s/{CODE}.zip", CODE, THEN))


@pytest.mark.parametrize("keys", [1, 2])
def test_going_back_keeps_the_api_keys_of_today(built_package: Package, keys: int) -> None:
    then, raised = made_with(built_package), {"rate": 500, "burst": 1000, "generation": 3, "keys": keys}
    today = made_with(built_package, reader=raised)
    assert earlier.with_api_keys(then, today) == today
    assert earlier.with_api_keys(today, then) == then
    assert earlier.with_api_keys(then, then) == then


def test_the_keys_of_a_plan_that_only_one_has_stay_as_they_were(built_package: Package) -> None:
    then, today = made_with(built_package), made_with(built_package, **GROUPED)
    assert earlier.with_api_keys(then, today) == then
    assert earlier.with_api_keys(today, then) == today
