"""Promises of the deployed template, as Chalice and we write it and as AWS executes it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from configsvc.adapters import metrics
from infra.cloudformation.template import Template, expand, locate
from infra.packaging.service_zip import Package
from tests.support.infra.alarm import Metric, metrics_of

OPEN = {"/v1/health", "/v1/openapi.json"}
READS = {"get"}
USES = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
# Who may read grants is an IAM question, and so is who one is when one signs.
SIGNED_READS = {"/v1/grants"}


@pytest.fixture(scope="session")
def sam(built_package: Package) -> Template:
    return built_package.template


@pytest.fixture(scope="session")
def expanded(sam: Template) -> Template:
    return expand(locate(sam, "bucket", "code.zip", "0" * 64))


@pytest.fixture(scope="session")
def table(expanded: Template) -> dict[str, Any]:
    [found] = of_type(expanded, "AWS::DynamoDB::Table")
    return found


def of_type(template: Template, kind: str) -> list[dict[str, Any]]:
    return [resource for resource in template["Resources"].values() if resource["Type"] == kind]


def statements(template: Template) -> Iterator[dict[str, Any]]:
    for role in of_type(template, "AWS::IAM::Role"):
        for policy in role["Properties"].get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]
    for policy in of_type(template, "AWS::IAM::Policy") + of_type(template, "AWS::IAM::ManagedPolicy"):
        yield from policy["Properties"]["PolicyDocument"]["Statement"]


def actions(statement: dict[str, Any]) -> list[str]:
    named = statement["Action"]
    return [named] if isinstance(named, str) else list(named)


def methods(template: Template) -> Iterator[tuple[str, str, dict[str, Any]]]:
    [api] = of_type(template, "AWS::ApiGateway::RestApi")
    for path, item in api["Properties"]["Body"]["paths"].items():
        yield from ((path, method, operation) for method, operation in item.items())


def schemes(operation: dict[str, Any]) -> set[str]:
    return {name for entry in operation.get("security", []) for name in entry}


def test_no_role_has_a_kms_permission_or_a_managed_policy(expanded: Template) -> None:
    assert list(statements(expanded))
    assert not [s for s in statements(expanded) if any(a.lower().startswith(("kms:", "*")) for a in actions(s))]
    assert not [role for role in of_type(expanded, "AWS::IAM::Role") if role["Properties"].get("ManagedPolicyArns")]


def test_the_services_role_reaches_its_table_its_log_and_traces_only(expanded: Template) -> None:
    [policy] = expanded["Resources"]["ApiHandlerRole"]["Properties"]["Policies"]
    held = policy["PolicyDocument"]["Statement"]
    reached = {json.dumps(s["Resource"]): {a.split(":")[0] for a in actions(s)} for s in held}
    # A version that was published before the log group had a generated name still writes during a canary.
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/${AWS::StackName}-api:*"
    assert reached == {
        json.dumps({"Fn::Sub": group}): {"logs"},
        json.dumps({"Fn::GetAtt": ["ConfigTable", "Arn"]}): {"dynamodb"},
        json.dumps({"Fn::GetAtt": ["ApiHandlerLogGroup", "Arn"]}): {"logs"},
        '"*"': {"xray"},
    }


def test_no_action_is_a_wildcard(expanded: Template) -> None:
    assert not [action for s in statements(expanded) for action in actions(s) if "*" in action]


def test_no_principal_is_everyone(sam: Template, expanded: Template) -> None:
    for template in (sam, expanded):
        text = json.dumps(template)
        assert '"Principal": "*"' not in text
        assert '{"AWS": "*"}' not in text


def test_who_administers_the_kms_key_is_not_thereby_allowed_to_use_it(expanded: Template) -> None:
    manage, use = key_policy(expanded)
    assert not set(actions(manage)) & USES
    assert set(actions(use)) == USES
    assert not [action for action in actions(manage) if "*" in action or "CreateGrant" in action]
    assert {"kms:ReplicateKey", "kms:UpdatePrimaryRegion"} <= set(actions(manage))


def test_the_kms_key_is_used_only_for_a_named_namespace(expanded: Template) -> None:
    _, use = key_policy(expanded)
    assert use["Condition"] == {"Null": {"kms:EncryptionContext:configsvc:namespace": "false"}}
    assert use["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}


def key_policy(template: Template) -> list[dict[str, Any]]:
    [key] = of_type(template, "AWS::KMS::Key")
    assert key["Properties"]["EnableKeyRotation"] is True
    found: list[dict[str, Any]] = key["Properties"]["KeyPolicy"]["Statement"]
    return found


def test_every_alarm_has_advice_and_notifies_the_topic_both_ways(expanded: Template) -> None:
    alarms = [alarm["Properties"] for alarm in of_type(expanded, "AWS::CloudWatch::Alarm")]
    watched = {(each.namespace, each.name) for alarm in alarms for each in metrics_of(alarm)}
    assert {(namespace, name) for namespace, name in watched if not name.startswith("{")} == {
        ("AWS/ApiGateway", "5XXError"), ("AWS/ApiGateway", "Latency"), ("AWS/ApiGateway", "4XXError"),
        ("AWS/Events", "FailedInvocations"),
        ("AWS/DynamoDB", "ReadThrottleEvents"), ("AWS/DynamoDB", "WriteThrottleEvents"), ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"), ("configsvc", "Contended"), ("configsvc", "Denied"),
        ("configsvc", "Unproven"), ("configsvc", "ProbeFailed"), ("configsvc", "UpkeepAge"),
        ("configsvc", "CertificateDays"),
    }  # fmt: skip
    for alarm in alarms:
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}], alarm["AlarmName"]
        silence = "breaching" if alarm.get("MetricName") == "ProbeFailed" else "notBreaching"
        assert alarm["TreatMissingData"] == silence, alarm["AlarmName"]
        assert alarm["AlarmDescription"].count(".") >= 1


def test_alarms_on_the_log_look_at_what_the_log_counts(expanded: Template) -> None:
    found = {name: alarm["Properties"] for name, alarm in expanded["Resources"].items() if name.endswith("Alarm")}
    [counted] = of_type(expanded, "AWS::Logs::MetricFilter")
    [metric] = counted["Properties"]["MetricTransformations"]
    lines = found["ErrorLinesAlarm"]
    assert (lines["Namespace"], lines["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    assert counted["Properties"]["LogGroupName"] == {"Ref": "ApiHandlerLogGroup"}
    of_service = json.dumps([{"Name": metrics.SERVICE, "Value": {"Ref": "APIHandler"}}])
    watched = {"ForbiddenAlarm": metrics.DENIED, "UnprovenAlarm": metrics.UNPROVEN, "ContendedAlarm": metrics.CONTENDED}
    for name, metric_name in watched.items():
        assert metrics_of(found[name]) == [Metric(metrics.NAMESPACE, metric_name, of_service)]
    assert (found["UnprovenAlarm"]["Threshold"], found["ContendedAlarm"]["EvaluationPeriods"]) == (1, 3)
    # Problems and denials are logged as warnings, cold starts at any level: all must be written.
    assert expanded["Parameters"]["LogLevel"]["AllowedValues"] == ["debug", "info"]


def test_only_cloudwatch_of_this_account_and_the_key_s_rule_publish_to_the_topic(expanded: Template) -> None:
    [policy] = of_type(expanded, "AWS::SNS::TopicPolicy")
    alarms, changes = policy["Properties"]["PolicyDocument"]["Statement"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert changes["Principal"] == {"Service": "events.amazonaws.com"}
    assert changes["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["KmsKeyRule", "Arn"]}}}
    assert {alarms["Action"], changes["Action"]} == {"sns:Publish"}


def test_the_dashboard_shows_every_alarm_and_only_existing_resources(expanded: Template) -> None:
    [board] = of_type(expanded, "AWS::CloudWatch::Dashboard")
    text = board["Properties"]["DashboardBody"]["Fn::Sub"]
    names = set(re.findall(r"\$\{(?!AWS::)(\w+)", text))
    alarms = {name for name, r in expanded["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert json.loads(text)["widgets"]
    assert alarms <= names <= expanded["Resources"].keys()


def test_the_table_is_keyed_and_paid_as_designed(table: dict[str, Any]) -> None:
    keys = [(key["AttributeName"], key["KeyType"]) for key in table["Properties"]["KeySchema"]]
    assert keys == [("pk", "HASH"), ("sk", "RANGE")]
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_the_table_can_be_restored_and_is_encrypted(table: dict[str, Any]) -> None:
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}


def test_idempotency_records_expire_and_the_stream_carries_new_images(table: dict[str, Any]) -> None:
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


def test_the_table_is_protected_unless_told_otherwise(table: dict[str, Any], expanded: Template) -> None:
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectTable", True, False]}
    assert expanded["Parameters"]["DeletionProtection"]["Default"] == "true"


def test_data_and_the_key_that_opens_it_survive_the_stack(expanded: Template) -> None:
    # A protected table cannot be taken back by a rollback; a key that has wrapped nothing can.
    kept = {"AWS::DynamoDB::Table": "Retain", "AWS::KMS::Key": "RetainExceptOnCreate"}
    for kind, policy in kept.items():
        [resource] = of_type(expanded, kind)
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (policy, "Retain")


def test_every_integration_and_the_permission_name_the_alias(expanded: Template) -> None:
    for path, method, operation in methods(expanded):
        uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        assert uri[1] == {"Alias": {"Ref": "APIHandlerAliaslive"}}, (path, method)
        assert "${Alias}/invocations" in uri[0]
    permission = expanded["Resources"]["APIHandlerInvokePermission"]
    assert permission["Properties"]["FunctionName"] == {"Ref": "APIHandlerAliaslive"}


def test_there_is_one_stage_traced_and_throttled(expanded: Template) -> None:
    [stage] = of_type(expanded, "AWS::ApiGateway::Stage")
    [settings] = stage["Properties"]["MethodSettings"]
    assert stage["Properties"]["StageName"] == "api"
    assert stage["Properties"]["TracingEnabled"] is True
    assert settings["ThrottlingRateLimit"] == {"Ref": "StageRps"}
    assert not [d for d in of_type(expanded, "AWS::ApiGateway::Deployment") if "StageName" in d["Properties"]]


def test_the_proof_is_known_to_the_stage_only_and_shown_by_nothing(sam: Template, expanded: Template) -> None:
    for template in (sam, expanded):
        assert template["Parameters"]["GatewayProof"]["NoEcho"] is True
        assert "Default" not in template["Parameters"]["GatewayProof"]
        assert json.dumps(template).count(json.dumps({"Ref": "GatewayProof"})) == 1
        assert "${GatewayProof}" not in json.dumps(template)
    [stage] = of_type(expanded, "AWS::ApiGateway::Stage")
    assert stage["Properties"]["Variables"] == {"proof": {"Ref": "GatewayProof"}}


def test_no_request_is_logged_whole_because_the_log_would_show_the_proof(expanded: Template) -> None:
    [stage] = of_type(expanded, "AWS::ApiGateway::Stage")
    assert [each["DataTraceEnabled"] for each in stage["Properties"]["MethodSettings"]] == [False]
    assert "stageVariables" not in json.dumps(expanded)


def test_the_api_is_regional_compresses_and_answers_problems(expanded: Template) -> None:
    [api] = of_type(expanded, "AWS::ApiGateway::RestApi")
    assert api["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["Properties"]["MinimumCompressionSize"] == 1024
    assert "INVALID_API_KEY" in api["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]


def test_every_write_asks_for_iam_and_an_api_key(expanded: Template) -> None:
    writes = [(p, m, o) for p, m, o in methods(expanded) if m not in READS or p.startswith(tuple(SIGNED_READS))]
    assert writes
    assert not [(path, method) for path, method, operation in writes if schemes(operation) != {"api_key", "sigv4"}]


def test_every_read_asks_for_an_api_key_but_health_and_openapi(expanded: Template) -> None:
    reads = [(p, o) for p, m, o in methods(expanded) if m in READS and not p.startswith(tuple(SIGNED_READS))]
    without = {path for path, operation in reads if schemes(operation) != {"api_key"}}
    assert without <= OPEN
    assert not [path for path, operation in reads if path in OPEN and schemes(operation)]
    assert {path for path, _ in reads} - OPEN


def test_the_log_is_bounded_and_outlives_the_stack_under_a_name_that_is_never_taken(
    sam: Template, expanded: Template
) -> None:
    for group in of_type(expanded, "AWS::Logs::LogGroup"):
        assert group["Properties"] == {"RetentionInDays": {"Ref": "LogRetentionDays"}}
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    logs = {
        name: each["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        for name, each in expanded["Resources"].items()
        if each["Type"] == "AWS::Lambda::Function"
    }
    assert logs == {"APIHandler": "ApiHandlerLogGroup", "Upkeep": "UpkeepLogGroup", "Probe": "ProbeLogGroup"}
    assert "${ApiHandler}" not in json.dumps(sam)


def test_the_function_is_traced_and_knows_its_table_and_administrators(expanded: Template) -> None:
    function = expanded["Resources"]["APIHandler"]
    assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}
    assert function["Properties"]["Environment"]["Variables"] == {
        "CONFIGSVC_TABLE": {"Ref": "ConfigTable"},
        "CONFIGSVC_ADMINS": {"Ref": "Admins"},
        "CONFIGSVC_LOG_LEVEL": {"Ref": "LogLevel"},
        "CONFIGSVC_CHANGE_LOG_DAYS": {"Ref": "ChangeLogDays"},
        "CONFIGSVC_PROOF_SHA256": {"Ref": "GatewayProofSha256"},
        "CONFIGSVC_PROOF_MODE": {"Ref": "GatewayProofMode"},
    }
    assert expanded["Parameters"]["Admins"]["Default"] == ""


def test_api_keys_are_throttled_and_a_quota_is_only_an_option(expanded: Template) -> None:
    plan = expanded["Resources"]["UsagePlan"]
    assert plan["Properties"]["Throttle"] == {"RateLimit": {"Ref": "ReaderRps"}, "BurstLimit": {"Ref": "ReaderBurst"}}
    assert plan["Properties"]["Quota"]["Fn::If"][0] == "HasQuota"
    assert expanded["Parameters"]["ReaderQuotaPerDay"]["Default"] == 0


def test_the_outputs_locate_every_resource(sam: Template) -> None:
    assert sam["Outputs"].keys() == {
        "AlarmTopicArn", "ApiUrl", "DashboardUrl", "FunctionName", "KmsKeyArn", "LogGroupName",
        "ProbeFunctionName", "ProbeKeyId", "ProbeLogGroupName", "ProofGeneration", "ReaderKeyId", "RestApiId",
        "TableName", "UpkeepFunctionName", "UpkeepLogGroupName", "UsagePlanId",
    }  # fmt: skip
