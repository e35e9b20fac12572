"""The options of a stage are in its template, which grants least privilege and passes cfn-lint."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.cloudformation import access_log, options, template
from infra.cloudformation.template import Template
from infra.packaging.service_zip import Package
from infra.stage import Stage, parse
from tests.infra.packaging.test_service_zip import lint

ADMIN = "arn:aws:iam::111122223333:role/KeyAdmin"
BOUNDARY = "arn:aws:iam::111122223333:policy/Boundary"
KEY = "arn:aws:kms:us-east-1:111122223333:key/01234567-0123-0123-0123-0123456789ab"
OTHER_KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-0123-0123-0123-0123456789ab"
TOPIC = "arn:aws:sns:us-east-1:111122223333:on-call"
SUBNET, GROUP = "subnet-0123456789abcdef0", "sg-0123456789abcdef0"
WAF = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/a/1"
EVERYTHING = parse(
    {
        "name": "everything",
        "stack": "everything",
        "tags": {"team": "platform"},
        "permissions_boundary": BOUNDARY,
        "iam_path": "/platform/",
        "cloudformation_role": ADMIN,
        "termination_protection": True,
        "access_log": True,
        "detailed_metrics": True,
        "policies": ["*", "payments.*", "orders.prod"],
        "key_administrators": [ADMIN],
        "groups": [{"name": "payments-team", "rate": 10, "burst": 20, "quota_per_day": 5}],
        "reader": {"rate": 10, "burst": 20, "generation": 3},
        "further_kms_keys": [KEY],
        "alarms": {"email": "on-call@example.com"},
        "function": {
            "memory_mb": 512, "reserved_concurrency": 10, "provisioned_concurrency": 2,
            "canary": "Canary10Percent5Minutes", "gateway_only": True,
        },
        "table": {"read_maximum": 10, "write_maximum": 20},
        "network": {"addresses": ["203.0.113.0/24"], "waf_acl": WAF},
        "upkeep": {"rotation_days": 30},
        "probe": {"max_age_minutes": 20, "subnets": [SUBNET], "security_groups": [GROUP]},
        "domain": {
            "name": "config.example.com", "hosted_zone": "Z0123456789",
            "certificate": "arn:aws:acm:us-east-1:111122223333:certificate/01234567-0123-0123-0123-0123456789ab",
        },
    }
)  # fmt: skip
WITHOUT_RESOURCE = ("xray:PutTraceSegments", "cloudwatch:DescribeAlarms", "ec2:DescribeNetworkInterfaces")
RESTORED = parse(
    {
        "name": "restored",
        "stack": "restored",
        "alarms": {"topic": TOPIC},
        "table": {"name": "config-restored", "kms_key": KEY},
        "network": {"vpc_endpoints": ["vpce-0123456789abcdef0"]},
        "probe": {"enabled": False},
    }
)


@pytest.fixture(scope="session")
def everything(built_package: Package) -> dict[str, Any]:
    return resources(built_package, EVERYTHING)


@pytest.fixture(scope="session")
def restored(built_package: Package) -> Template:
    return expanded(built_package, RESTORED)


def expanded(built: Package, stage: Stage, served: str | None = None) -> Template:
    sam = options.with_options(built.template, stage, served)
    return template.expand(template.locate(sam, "bucket", "key", "0" * 64))


def resources(built: Package, stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = expanded(built, stage)["Resources"]
    return found


def properties(found: dict[str, Any], name: str) -> dict[str, Any]:
    wanted: dict[str, Any] = found[name]["Properties"]
    return wanted


def statements(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    wanted: list[dict[str, Any]] = properties(found, name)["PolicyDocument"]["Statement"]
    return wanted


@pytest.mark.slow
def test_both_forms_of_all_that_a_stage_can_ask_for_are_clean(built_package: Package, tmp_path: Path) -> None:
    paths = list[Path]()
    for stage in (EVERYTHING, RESTORED):
        sam = options.with_options(built_package.template, stage)
        for name, form in (
            ("sam", sam),
            ("expanded", template.expand(template.locate(sam, "bucket", "key", "0" * 64))),
        ):
            paths.append(tmp_path / f"{stage.name}.{name}.json")
            paths[-1].write_text(json.dumps(form))
    assert lint(*paths) == []


def test_a_plain_stage_changes_nothing_but_what_it_says(built_package: Package) -> None:
    plain = resources(built_package, parse({"stack": "s"}))
    base = template.expand(template.locate(built_package.template, "bucket", "key", "0" * 64))["Resources"]
    made_for_each = {"AWS::SSM::Parameter", "AWS::Logs::QueryDefinition"}  # of outputs, and of log groups
    added = {name for name in plain.keys() - base.keys() if plain[name]["Type"] not in made_for_each}
    assert added == {"AdministratorPolicy", "ReaderByTag", "WriterByTag"}


def test_the_function_gets_memory_and_concurrency(everything: dict[str, Any]) -> None:
    function, alias = properties(everything, "APIHandler"), properties(everything, "APIHandlerAliaslive")
    assert (function["MemorySize"], function["ReservedConcurrentExecutions"]) == (512, 10)
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}


def test_snapstart_is_set_where_the_stage_wants_it(built_package: Package) -> None:
    stage = parse({"stack": "s", "function": {"snapstart": True}})
    function = properties(resources(built_package, stage), "APIHandler")
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_no_statement_of_any_identity_reaches_everything(everything: dict[str, Any]) -> None:
    kinds = {"AWS::IAM::Role": "Policies", "AWS::IAM::ManagedPolicy": "PolicyDocument"}
    for name, resource in everything.items():
        if resource["Type"] in kinds:
            said = json.dumps(resource["Properties"][kinds[resource["Type"]]])
            # X-Ray has no resources to name, CloudWatch ignores those of DescribeAlarms, and EC2 has none to
            # name for lists, which the probe's role has and denies to the function's code.
            unnamed = sum(said.count(each) for each in WITHOUT_RESOURCE)
            assert said.count('"Resource": "*"') == unnamed, name
            assert '"Action": "*"' not in said, name


def test_a_reader_opens_its_namespaces_and_nothing_else(everything: dict[str, Any]) -> None:
    [opens] = statements(everything, "ReaderOfPaymentsAny")
    assert (opens["Action"], opens["Resource"]) == (["kms:Decrypt"], [{"Fn::GetAtt": ["NamespacesKey", "Arn"]}, KEY])
    assert opens["Condition"] == {"StringLike": {"kms:EncryptionContext:configsvc:namespace": "payments.*"}}
    [exact] = statements(everything, "ReaderOfOrdersProd")
    assert exact["Condition"] == {"StringEquals": {"kms:EncryptionContext:configsvc:namespace": "orders.prod"}}


def test_a_writer_seals_and_writes_its_namespaces_and_administers_none(everything: dict[str, Any]) -> None:
    calls, denied, seals = statements(everything, "WriterOfPaymentsAny")
    [destroys] = denied["Resource"]
    assert (denied["Effect"], denied["Action"]) == ("Deny", ["execute-api:Invoke"])
    assert destroys["Fn::Sub"].endswith("/api/DELETE/v1/namespaces/payments.*/keys/*/versions/*")
    assert seals["Action"] == ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    assert seals["Condition"]["StringLike"]["kms:EncryptionContext:configsvc:namespace"] == "payments.*"
    routes = {each["Fn::Sub"].partition("/api/")[2] for each in calls["Resource"]}
    assert {route.partition("/")[0] for route in routes} == {"POST", "PUT", "DELETE"}
    assert all("/namespaces/payments.*/" in route for route in routes - {"POST/v1/whoami"})
    assert not [route for route in routes if "data-keys" in route or route.endswith("payments.*")]


def test_key_administrators_manage_and_are_denied_the_use(everything: dict[str, Any]) -> None:
    manage, _, denied = properties(everything, "NamespacesKey")["KeyPolicy"]["Statement"]
    assert manage["Principal"] == denied["Principal"] == {"AWS": [ADMIN]}
    assert denied["Effect"] == "Deny"
    assert {"kms:Decrypt", "kms:GenerateDataKey"} <= set(denied["Action"])


def test_policies_cover_both_kms_keys_while_one_takes_the_others_place(built_package: Package) -> None:
    before = {"stack": "s", "policies": ["*"], "further_kms_keys": [KEY]}
    after = before | {"further_kms_keys": [OTHER_KEY], "table": {"kms_key": KEY}}
    own = {"Fn::GetAtt": ["NamespacesKey", "Arn"]}
    for wanted, keys in ((before, [own, KEY]), (after, [KEY, OTHER_KEY])):
        found = resources(built_package, parse(wanted))
        for policy in ("ReaderOfAny", "WriterOfAny", "AdministratorPolicy"):
            assert statements(found, policy)[-1]["Resource"] == keys
    assert {"kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"} <= set(
        statements(found, "AdministratorPolicy")[-1]["Action"]
    )


def test_lambda_itself_denies_everyone_but_the_stage_where_that_is_wanted(everything: dict[str, Any]) -> None:
    assert "APIHandlerInvokePermission" not in everything
    stage = {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${RestAPI}/api/*"}
    policies = {
        json.dumps(each["Properties"]["ResourceArn"]): each["Properties"]["PolicyDocument"]["Statement"]
        for each in everything.values()
        if each["Type"] == "AWS::Lambda::ResourcePolicy"
    }
    [version] = [name for name, each in everything.items() if each["Type"] == "AWS::Lambda::Version"]
    invoked = [{"Fn::GetAtt": ["APIHandler", "Arn"]}, {"Ref": version}, {"Ref": "APIHandlerAliaslive"}]
    assert policies.keys() == {json.dumps(arn) for arn in invoked}
    for [denied, *_] in policies.values():
        assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "lambda:InvokeFunction")
        assert denied["Condition"] == {"ArnNotLike": {"aws:SourceArn": stage}}
    [allowed] = [each for [_, *allowed] in policies.values() for each in allowed]
    assert allowed["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert (allowed["Resource"], allowed["Condition"]) == (invoked[2], {"ArnLike": {"aws:SourceArn": stage}})


def test_without_that_option_the_stage_has_a_permission_and_nothing_is_denied(restored: Template) -> None:
    kinds = [each["Type"] for each in restored["Resources"].values()]
    permissions = {name for name, each in restored["Resources"].items() if each["Type"] == "AWS::Lambda::Permission"}
    schedules = {"UpkeepSchedulePermission", "HeartbeatSchedulePermission"}
    assert permissions == {"APIHandlerInvokePermission", *schedules}
    assert "AWS::Lambda::ResourcePolicy" not in kinds


def test_the_table_has_its_maximums(everything: dict[str, Any]) -> None:
    maximum = properties(everything, "ConfigTable")["OnDemandThroughput"]
    assert maximum == {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20}


def test_whoever_comes_from_elsewhere_is_denied_and_the_policy_lets_nobody_write(everything: dict[str, Any]) -> None:
    body = properties(everything, "RestAPI")["Body"]
    deny, allow = body["x-amazon-apigateway-policy"]["Statement"]
    assert (deny["Effect"], deny["Resource"]) == ("Deny", "execute-api:/*")
    assert deny["Condition"] == {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}
    assert all(each.startswith("execute-api:/api/GET/v1/") for each in allow["Resource"])
    assert "execute-api:/api/GET/v1/namespaces/*/snapshot" in allow["Resource"]
    assert not [each for each in allow["Resource"] if "grants" in each]


def test_the_firewall_is_before_the_stage_and_the_domain_maps_to_it(everything: dict[str, Any]) -> None:
    assert properties(everything, "Firewall")["WebACLArn"].endswith("webacl/a/1")
    assert properties(everything, "DomainMapping")["Stage"] == {"Ref": "RestAPIapiStage"}
    assert properties(everything, "Domain")["SecurityPolicy"] == "TLS_1_2"


def test_the_access_log_is_kept_a_while_and_holds_no_api_key(everything: dict[str, Any]) -> None:
    setting = properties(everything, "RestAPIapiStage")["AccessLogSetting"]
    group = everything["AccessLogGroup"]
    assert setting == {"DestinationArn": {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}, "Format": access_log.FORMAT}
    assert group["Properties"] == {"RetentionInDays": {"Ref": "LogRetentionDays"}}
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert properties(everything, "ThrottledAlarm")["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_routes_are_measured_one_by_one_where_it_is_wanted(built_package: Package, everything: dict[str, Any]) -> None:
    plain = resources(built_package, parse({"stack": "s"}))
    measured = [properties(each, "RestAPIapiStage")["MethodSettings"][0] for each in (plain, everything)]
    assert [each["MetricsEnabled"] for each in measured] == [False, True]


def test_a_restored_table_and_its_key_are_used_everywhere_and_made_nowhere(restored: Template) -> None:
    text = json.dumps(restored)
    assert not {"AWS::DynamoDB::Table", "AWS::KMS::Key"} & {r["Type"] for r in restored["Resources"].values()}
    assert "ConfigTable" not in text.replace("restored-ConfigTable", "")
    variables = properties(restored["Resources"], "APIHandler")["Environment"]["Variables"]
    role = json.dumps(properties(restored["Resources"], "ApiHandlerRole"))
    assert variables["CONFIGSVC_TABLE"] == restored["Outputs"]["TableName"]["Value"] == "config-restored"
    assert ":table/config-restored" in role
    assert restored["Outputs"]["KmsKeyArn"]["Value"] == KEY
    assert "DeletionProtection" not in RESTORED.parameters().keys() | restored["Parameters"].keys()


@pytest.mark.parametrize("served", ["config-restored", "config-lost"])
def test_another_table_has_no_canary_and_both_tables_are_readable(built_package: Package, served: str) -> None:
    stage = RESTORED.model_copy(update={"function": EVERYTHING.function})
    found = expanded(built_package, stage, served)["Resources"]
    reached = {
        each["Resource"]["Fn::Sub"].partition(":table/")[2]: {action.partition(":")[2] for action in each["Action"]}
        for each in properties(found, "ApiHandlerRole")["Policies"][0]["PolicyDocument"]["Statement"]
        if each["Action"][0].startswith("dynamodb:")
    }
    switches = served != "config-restored"
    assert reached.keys() == {"config-restored", served}
    assert not switches or reached[served] == {"BatchGetItem", "GetItem", "Query"}
    assert "PutItem" in reached["config-restored"]
    assert ("UpdatePolicy" not in found["APIHandlerAliaslive"]) is switches


def test_a_topic_that_is_there_gets_the_alarms(restored: Template) -> None:
    alarms = [r["Properties"] for r in restored["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(TOPIC,)}
    assert not [r for r in restored["Resources"].values() if r["Type"].startswith("AWS::SNS::")]


def test_a_private_api_is_reached_by_its_endpoints_only(restored: Template) -> None:
    api = properties(restored["Resources"], "RestAPI")
    deny, _ = api["Body"]["x-amazon-apigateway-policy"]["Statement"]
    assert api["EndpointConfiguration"]["Types"] == ["PRIVATE"]
    assert deny["Condition"] == {"StringNotEquals": {"aws:SourceVpce": ["vpce-0123456789abcdef0"]}}


def test_the_emulator_gets_neither_canary_nor_firewall(built_package: Package) -> None:
    left = template.for_emulator(expanded(built_package, EVERYTHING), "http://127.0.0.1:4566")
    kinds = {resource["Type"] for resource in left["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith(("AWS::CodeDeploy", "AWS::WAFv2"))]
