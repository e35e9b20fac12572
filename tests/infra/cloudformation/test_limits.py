"""A stage that asks for more than AWS takes is refused before anything is uploaded, with all reasons."""

import re

import pytest

from infra.cloudformation import limits
from infra.packaging.service_zip import Package
from infra.stage import Stage, StageError, parse
from tests.infra.cloudformation.test_options import EVERYTHING, RESTORED, expanded
from tests.support.infra.schemas import schema_of

KEY = "arn:aws:kms:eu-west-1:111122223333:key/01234567-0123-0123-0123-"
# The longest name that a stage file takes for a stack.
LONGEST = "s" * 60


def check(built: Package, content: dict[str, object]) -> str:
    """Return the refusal, or nothing."""
    stage = parse({"stack": "s", **content})
    try:
        limits.refuse(expanded(built, stage), stage.parameters())
    except StageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("stage", [EVERYTHING, RESTORED], ids=["everything", "restored"])
def test_all_that_a_stage_can_ask_for_fits(built_package: Package, stage: Stage) -> None:
    limits.refuse(expanded(built_package, stage), stage.parameters())


def test_more_policies_than_outputs_advise_the_policies_by_tag(built_package: Package) -> None:
    refused = check(built_package, {"policies": [f"team{number}.*" for number in range(100)]})
    assert re.search(r"Outputs: 2\d\d, and AWS takes 200; .*ReaderByTag and WriterByTag", refused)


def test_all_that_does_not_fit_is_named_at_once(built_package: Package) -> None:
    refused = check(
        built_package,
        {
            "policies": [f"team{number}.*" for number in range(250)],
            "further_kms_keys": [f"{KEY}{number:012d}" for number in range(5)],
            "admins": [f"arn:aws:iam::111122223333:role/Admin{number:040d}" for number in range(50)],
            "key_administrators": [f"arn:aws:iam::111122223333:role/Key{number:040d}" for number in range(300)],
        },
    )
    for named in (
        "Outputs: ", "Resources: ", "bytes of the environment of APIHandler: ",
        "bytes of the key policy of NamespacesKey: ",
    ):  # fmt: skip
        assert named in refused


@pytest.mark.parametrize("name", ["ReaderByTag", "WriterByTag"])
def test_a_policy_that_names_too_many_keys_is_refused(built_package: Package, name: str) -> None:
    made = expanded(built_package, parse({"stack": "s"}))
    for statement in made["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]:
        statement["Resource"] = [f"{KEY}{number:012d}" for number in range(80)]
    with pytest.raises(StageError, match=f"characters of the policy {name}: "):
        limits.refuse(made, {})


def test_seventy_groups_are_no_more_resources_than_a_stack_takes(built_package: Package) -> None:
    groups = [{"name": f"g{number}", "rate": 1, "burst": 1} for number in range(70)]
    assert "Resources" not in check(built_package, {"groups": groups})


NAMED = {
    "AWS::Lambda::Function": "FunctionName", "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::CloudWatch::Dashboard": "DashboardName", "AWS::KMS::Alias": "AliasName", "AWS::ApiGateway::ApiKey": "Name",
    "AWS::ApiGateway::UsagePlan": "UsagePlanName", "AWS::ApiGateway::RestApi": "Name", "AWS::SNS::Topic": "DisplayName",
    "AWS::SSM::Parameter": "Name", "AWS::Events::Rule": "Name",
}  # fmt: skip
# Limits that the schemas do not have: Lambda, CloudWatch and SNS API references.
UNWRITTEN = {"FunctionName": 64, "AlarmName": 255, "DashboardName": 255, "DisplayName": 100}


def test_the_longest_name_of_a_stack_fits_every_name_made_of_it(built_package: Package) -> None:
    resources = expanded(built_package, EVERYTHING.model_copy(update={"stack": LONGEST}))["Resources"]
    for name, resource in resources.items():
        option = NAMED.get(resource["Type"])
        if not option or option not in resource["Properties"]:
            continue
        made = fill(resource["Properties"][option])
        limit = schema_of(resource["Type"])["properties"][option].get("maxLength", UNWRITTEN.get(option, 1024))
        assert len(made) <= min(limit, UNWRITTEN.get(option, limit)), (name, made)


def fill(name: object) -> str:
    text = name["Fn::Sub"] if isinstance(name, dict) and "Fn::Sub" in name else name
    if text == {"Ref": "AWS::StackName"}:
        return LONGEST
    text = text[0] if isinstance(text, list) else text
    assert isinstance(text, str)
    return text.replace("${AWS::StackName}", LONGEST)


def test_the_bucket_of_the_longest_region_has_a_name_that_s3_takes() -> None:
    longest = "ap-southeast-10-isolated"  # longer than any region
    assert len(f"configsvc-deployments-{'1' * 12}-{longest}") <= 63
