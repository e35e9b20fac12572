"""A release changes when something that a version holds changes, and only then: for every function."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # ships no types
from samtranslator.intrinsics.resolver import IntrinsicsResolver  # type: ignore[import-untyped]  # the same

from infra.cloudformation import options, template
from infra.cloudformation.template import Template, TemplateError
from infra.cloudformation.versions import FUNCTION, NOT_HELD, list_contents, list_releases
from infra.packaging.service_zip import Package
from infra.stage import Stage, parse
from tests.infra.cloudformation.test_options import EVERYTHING
from tests.support.infra.sample import sample

SHA256 = "0" * 64
HELD = {
    "Architectures", "CapacityProviderConfig", "Code", "DeadLetterConfig", "Description", "DurableConfig",
    "Environment", "EphemeralStorage", "FileSystemConfigs", "FunctionScalingConfig", "Handler", "ImageConfig",
    "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "Role", "Runtime", "RuntimeManagementConfig", "SnapStart",
    "Timeout", "TracingConfig", "VpcConfig",
}  # fmt: skip
# The operation that sets what neither UpdateFunctionCode nor UpdateFunctionConfiguration does.
SET_BY = {
    "CodeSigningConfigArn": "PutFunctionCodeSigningConfig",
    "FunctionScalingConfig": "PutFunctionScalingConfig",
    "RecursiveLoop": "PutFunctionRecursionConfig",
    "ReservedConcurrentExecutions": "PutFunctionConcurrency",
    "RuntimeManagementConfig": "PutRuntimeManagementConfig",
    "Tags": "TagResource",
}
READ_BY_A_VERSION = {"Admins", "ChangeLogDays", "GatewayProofMode", "GatewayProofSha256", "LogLevel"}


def list_versions(found: Template) -> set[str]:
    return {name for name, each in found["Resources"].items() if each["Type"] == "AWS::Lambda::Version"}


def expand(sam: Template, parameters: Mapping[str, str] | None = None, sha256: str = SHA256) -> Template:
    return template.expand(template.locate(sam, "bucket", "key", sha256, parameters))


def stage_versions(built: Package, stage: Stage) -> set[str]:
    return list_versions(expand(options.with_options(built.template, stage)))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """CloudFormation's own list of the properties of a function."""
    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", FUNCTION).schema
    return found


def test_every_property_of_a_function_is_known_to_be_held_or_not(schema: dict[str, Any]) -> None:
    assert schema["properties"].keys() == HELD | NOT_HELD.keys()
    assert not HELD & NOT_HELD.keys()


def list_members(operation: str) -> set[str]:
    """The members of a request to Lambda, as botocore knows them."""
    shape = boto3.client("lambda", region_name="us-east-1").meta.service_model.operation_model(operation).input_shape
    return set(shape.members) if shape else set()


def test_what_updates_a_function_is_held_and_what_belongs_to_all_its_versions_is_not(schema: dict[str, Any]) -> None:
    frozen = {each.lower() for each in list_members("UpdateFunctionCode") | list_members("UpdateFunctionConfiguration")}
    replacing = {path.rpartition("/")[2] for path in schema["createOnlyProperties"]}
    shown = {path.split("/")[2] for path in schema["readOnlyProperties"]}
    for name in schema["properties"].keys() - replacing - shown - {"Code", "PublishToLatestPublished"}:
        of_a_version = name in SET_BY and "Qualifier" in list_members(SET_BY[name])
        assert (name in HELD) == (name.lower() in frozen or of_a_version), name
    assert replacing | shown <= NOT_HELD.keys()


@pytest.mark.parametrize("name", sorted(HELD | NOT_HELD.keys()))
def test_a_change_of_a_property_changes_the_release_if_a_version_holds_it(name: str) -> None:
    def release(value: object) -> str:
        function = {"Type": FUNCTION, "Properties": {"Handler": "a", name: value}}
        return list_releases({"Resources": {"F": function}}, {})["F"]

    assert (release({"a": "b"}) != release({"a": "c"})) == (name in HELD)


def test_each_parameter_changes_the_version_if_it_ends_in_it_and_only_then(built_package: Package) -> None:
    sam = options.with_options(built_package.template, EVERYTHING)
    given = {name: about.get("Default", "0") for name, about in sam["Parameters"].items()}
    given = {name: str(value) for name, value in given.items()}
    before = expand(sam, given)
    properties = before["Resources"]["APIHandler"]["Properties"]
    held = {name: value for name, value in properties.items() if name in HELD}

    def resolved(parameters: dict[str, str]) -> object:
        return IntrinsicsResolver(parameters).resolve_parameter_refs(copy.deepcopy(held))

    changes = {name: given | {name: "other"} for name in given}
    changing = {name for name, each in changes.items() if list_versions(expand(sam, each)) != list_versions(before)}
    assert changing == READ_BY_A_VERSION
    assert changing == {name for name, each in changes.items() if resolved(each) != resolved(dict(given))}


@pytest.mark.parametrize(
    "changed",
    [
        {"api": {"rate": 7, "burst": 7}},
        {"reader": {"rate": 7, "burst": 7, "generation": 2}},
        {"groups": [{"name": "team", "rate": 1, "burst": 1}]},
        {"alarms": {"latency_ms": 7, "forbidden": 7, "client_errors": 7, "email": "a@example.com"}},
        {"log_days": 7},
        {"access_log": True, "detailed_metrics": True},
        {"policies": ["payments.*"]},
        {"function": {"reserved_concurrency": 7}},
        {"function": {"provisioned_concurrency": 7}},
        {"function": {"canary": "Canary10Percent5Minutes"}},
        {"function": {"gateway_only": True}},
        {"table": {"read_maximum": 7, "deletion_protection": False}},
        {"network": {"addresses": ["203.0.113.0/24"]}, "probe": {"enabled": False}},
        {"scheduled": False, "upkeep": {"rotation_days": 7}, "probe": {"max_age_minutes": 20}},
    ],
)  # fmt: skip
def test_a_setting_that_no_version_reads_makes_no_version(built_package: Package, changed: dict[str, Any]) -> None:
    plain, other = parse({"stack": "s"}), parse({"stack": "s", **changed})
    found = [
        list_versions(expand(options.with_options(built_package.template, stage), _parameters(stage)))
        for stage in (plain, other)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "changed",
    [
        {"admins": ["arn:aws:iam::111122223333:role/A"]},
        {"log_level": "debug"},
        {"change_log_days": 7},
        {"function": {"memory_mb": 512}},
    ],
)
def test_a_setting_that_a_version_reads_makes_one(built_package: Package, changed: dict[str, Any]) -> None:
    plain, other = parse({"stack": "s"}), parse({"stack": "s", **changed})
    found = [
        list_versions(expand(options.with_options(built_package.template, stage), _parameters(stage)))
        for stage in (plain, other)
    ]
    assert found[0].isdisjoint(found[1])


def _parameters(stage: Stage) -> dict[str, str]:
    proof = {"GatewayProofSha256": SHA256, "GatewayProofMode": "enforce"}
    return stage.parameters() | proof


def test_a_table_by_name_instead_of_by_reference_is_another_release(built_package: Package) -> None:
    named = {"table": {"name": "config", "kms_key": "arn:aws:kms:us-east-1:111122223333:key/a"}}
    plain = stage_versions(built_package, parse({"stack": "s"}))
    assert plain.isdisjoint(stage_versions(built_package, parse({"stack": "s", **named})))


def two_functions() -> Template:
    """The service and a publisher with an environment of its own."""
    sam = template.finish(sample())
    sam["Parameters"] = {"Admins": {"Type": "String", "Default": "a"}, "Bucket": {"Type": "String", "Default": "b"}}
    functions = {"APIHandler": {"ADMINS": {"Ref": "Admins"}}, "Publisher": {"BUCKET": {"Fn::Sub": "${Bucket}-x"}}}
    sam["Resources"]["Publisher"] = copy.deepcopy(sam["Resources"]["APIHandler"])
    for name, variables in functions.items():
        sam["Resources"][name]["Properties"]["Environment"] = {"Variables": variables}
    return sam


@pytest.mark.parametrize(("parameter", "function"), [("Admins", "APIHandler"), ("Bucket", "Publisher")])
def test_a_second_function_has_a_release_of_its_own(parameter: str, function: str) -> None:
    before, after = list_versions(expand(two_functions())), list_versions(expand(two_functions(), {parameter: "other"}))
    assert len(before) == len(after) == 2
    assert {name.partition("Version")[0] for name in before ^ after} == {function}


def test_other_code_is_another_release_of_every_function() -> None:
    before, after = (list_versions(expand(two_functions(), sha256=digit * 64)) for digit in "01")
    assert before.isdisjoint(after)


def test_a_parameter_without_a_known_value_is_refused_where_it_is_deployed() -> None:
    sam = two_functions()
    del sam["Parameters"]["Admins"]["Default"]
    assert expand(sam)
    assert expand(sam, {"Admins": "a"})
    with pytest.raises(TemplateError, match="holds Admins, whose value is not known"):
        expand(sam, {})


def content(value: object, parameters: Mapping[str, str], **sections: Any) -> Any:  # noqa: ANN401  # JSON is any
    function = {"Type": FUNCTION, "Properties": {"Environment": value}}
    declared = {"Parameters": {"P": {"Type": "String"}, "Q": {"Type": "String"}}}
    return list_contents({**declared, **sections, "Resources": {"F": function}}, parameters)["F"].get("Environment")


def test_parameters_count_through_conditions_that_name_conditions() -> None:
    chosen = {"Fn::If": ["Outer", {"Ref": "Q"}, {"Ref": "AWS::NoValue"}]}
    inner = {"Fn::Equals": [{"Ref": "P"}, "yes"]}
    conditions = {"Outer": {"Fn::Not": [{"Condition": "Inner"}]}, "Inner": inner}
    found = [content(chosen, {"P": p, "Q": q}, Conditions=conditions) for p in ("yes", "no") for q in "ab"]
    assert found == [None, None, "a", "b"]  # Q counts where it is chosen, and only there


def test_a_condition_that_only_cloudformation_decides_counts_with_all_that_it_names() -> None:
    condition = {"Fn::And": [{"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "P"}]}, {"Fn::Equals": ["a", "a"]}]}
    conditions = {"Inner": condition, "Outer": {"Fn::Not": [{"Condition": "Inner"}]}}
    for name in conditions:
        chosen = {"Fn::If": [name, "x", {"Ref": "Q"}]}
        assert content(chosen, {"P": "a", "Q": "q"}, Conditions=conditions) != content(
            chosen, {"P": "b", "Q": "q"}, Conditions=conditions
        ), name
    never = {"Fn::And": [condition, {"Fn::Equals": [{"Ref": "Q"}, "z"]}]}
    assert content({"Fn::If": ["C", "x", "y"]}, {"P": "p", "Q": "q"}, Conditions={"C": never}) == "y"


def test_resources_count_by_their_logical_names_and_layers_by_what_they_hold() -> None:
    def release(layer: str, license_info: str) -> str:
        found = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"LicenseInfo": license_info}}
        function = {"Type": FUNCTION, "Properties": {"Layers": [{"Ref": layer}], "Handler": {"Fn::GetAtt": "T.Arn"}}}
        table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": license_info}}
        return list_releases({"Resources": {"F": function, "L": found, "M": found, "T": table}}, {})["F"]

    assert release("L", "a") == release("L", "a")
    assert len({release("L", "a"), release("M", "a"), release("L", "b")}) == 3


def test_one_value_spelled_in_two_ways_is_one_release() -> None:
    spelled = [{"Fn::Sub": "${P}-${AWS::Region}"}, {"Fn::Join": ["-", [{"Ref": "P"}, {"Ref": "AWS::Region"}]]}]
    assert content(spelled[0], {"P": "x"}) == content(spelled[1], {"P": "x"})
    assert content(128, {}) == content("128", {}) == content({"Ref": "P"}, {"P": "128"})
    assert content(True, {}) == content("true", {})  # noqa: FBT003  # a JSON value


def test_a_version_of_a_deployment_that_is_rolled_back_is_deleted(built_package: Package) -> None:
    """Else it stays the newest version, and CloudFormation cannot publish the same release at the next attempt.

    "If the stack operation that created the resource is rolled back, CloudFormation deletes the resource"
    (CloudFormation User Guide, DeletionPolicy attribute). A version that served is kept: a rollback compares its code.
    """
    expanded = template.expand(template.locate(built_package.template, "bucket", "key", "a" * 64))
    versions = [each for each in expanded["Resources"].values() if each["Type"] == "AWS::Lambda::Version"]
    assert [each["DeletionPolicy"] for each in versions] == ["RetainExceptOnCreate"]
