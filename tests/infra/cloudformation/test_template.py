"""The builder refuses what it does not know, and changes what it must."""

import json

import pytest

from infra.cloudformation import template
from infra.cloudformation.template import TemplateError
from tests.support.infra.sample import sample

RELEASE = "0" * 64
ENDPOINT = "http://127.0.0.1:4566"


def expanded() -> template.Template:
    return template.expand(template.locate(template.finish(sample()), "bucket", "code.zip", RELEASE))


def test_the_given_template_is_left_alone() -> None:
    given = sample()
    template.for_emulator(template.expand(template.locate(template.finish(given), "b", "k", RELEASE)), ENDPOINT)
    assert given == sample()


def test_integrations_and_permission_name_the_alias() -> None:
    resources = template.finish(sample())["Resources"]
    integration = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]["/v1/health"]["get"]
    text, names = integration["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    assert "functions/${Alias}/invocations" in text
    assert names == {"Alias": {"Ref": "APIHandler.Alias"}}
    assert resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] == {"Ref": "APIHandler.Alias"}


def test_a_template_without_the_expected_integration_is_refused() -> None:
    given = sample()
    path = given["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]["/v1/health"]["get"]
    path["x-amazon-apigateway-integration"]["uri"] = "arn:aws:lambda:elsewhere"
    with pytest.raises(TemplateError, match="No integration"):
        template.finish(given)


def test_an_unqualified_function_anywhere_is_refused() -> None:
    given = sample()
    given["Resources"]["RestAPI"]["Properties"]["Description"] = "calls ${APIHandler.Arn}"
    with pytest.raises(TemplateError, match="still in the template"):
        template.finish(given)


def test_the_log_group_that_chalice_misspells_is_refused() -> None:
    given = sample()
    name = {"Fn::Sub": "/aws/lambda/${ApiHandler}"}
    given["Resources"]["Logs"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}
    with pytest.raises(TemplateError, match="ApiHandler"):
        template.finish(given)


def test_a_second_stage_is_refused() -> None:
    given = sample()
    del given["Globals"]
    with pytest.raises(TemplateError, match="One stage"):
        template.expand(template.locate(template.finish(given), "b", "k", RELEASE))


def test_without_an_alias_it_is_refused() -> None:
    given = sample()
    del given["Resources"]["APIHandler"]["Properties"]["AutoPublishAlias"]
    with pytest.raises(TemplateError, match="alias"):
        template.expand(template.locate(template.finish(given), "b", "k", RELEASE))


def test_outputs_are_named_once() -> None:
    assert set(template.finish(sample())["Outputs"]) == {"ApiUrl"}


def test_other_code_publishes_another_version() -> None:
    finished = template.finish(sample())
    one, two = (template.expand(template.locate(finished, "b", "k", digit * 64)) for digit in "01")
    assert _versions(one).isdisjoint(_versions(two))


def test_the_same_code_in_another_place_publishes_none() -> None:
    finished = template.finish(sample())
    one, two = (template.expand(template.locate(finished, bucket, bucket, RELEASE)) for bucket in ("b", "c"))
    assert _versions(one) == _versions(two)


def _versions(done: template.Template) -> set[str]:
    return {name for name, resource in done["Resources"].items() if resource["Type"] == "AWS::Lambda::Version"}


def test_the_emulator_gets_no_codedeploy() -> None:
    given = expanded()
    given["Resources"]["Group"] = {"Type": "AWS::CodeDeploy::DeploymentGroup"}
    given["Resources"]["APIHandlerAliaslive"]["UpdatePolicy"] = {"CodeDeployLambdaAliasUpdate": {"x": "Group"}}
    assert "CodeDeploy" not in json.dumps(template.for_emulator(given, ENDPOINT))


def test_the_emulator_gets_no_alarm_on_metric_math_and_every_other() -> None:
    given = expanded()
    given["Resources"]["Math"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}}
    given["Resources"]["Plain"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
    board = {"widgets": [{"properties": {"alarms": ["${Math.Arn}", "${Plain.Arn}"]}}, {"properties": {}}]}
    body = {"DashboardBody": {"Fn::Sub": json.dumps(board)}}
    given["Resources"]["Board"] = {"Type": "AWS::CloudWatch::Dashboard", "Properties": body}
    done = template.for_emulator(given, ENDPOINT)["Resources"]
    assert "Plain" in done
    assert "Math" not in done
    shown = json.loads(done["Board"]["Properties"]["DashboardBody"]["Fn::Sub"])
    assert shown == {"widgets": [{"properties": {"alarms": ["${Plain.Arn}"]}}, {"properties": {}}]}


def test_the_emulator_gets_an_alarm_that_fills_in_zeros_as_one_on_the_metric() -> None:
    metric = {"Namespace": "configsvc", "MetricName": "Denied", "Dimensions": [{"Name": "service", "Value": "s"}]}
    queries = [
        {"Id": "denied", "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}},
        {"Id": "filled", "ReturnData": True, "Expression": "FILL(denied, 0)"},
    ]
    given = expanded()
    given["Resources"]["Filled"] = {
        "Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": queries, "Threshold": 20},
    }  # fmt: skip
    assert template.for_emulator(given, ENDPOINT)["Resources"]["Filled"]["Properties"] == {
        **metric, "Period": 300, "Statistic": "Sum", "Threshold": 20,
    }  # fmt: skip
    queries[1]["Expression"] = "FILL(denied, 0) * 2"
    assert "Filled" not in template.for_emulator(given, ENDPOINT)["Resources"]


def test_the_emulator_gets_gateway_responses_as_resources_before_the_deployment() -> None:
    resources = template.for_emulator(expanded(), ENDPOINT)["Resources"]
    made = {name for name, item in resources.items() if item["Type"] == "AWS::ApiGateway::GatewayResponse"}
    deployment = next(item for item in resources.values() if item["Type"] == "AWS::ApiGateway::Deployment")
    body = resources["RestAPI"]["Properties"]["Body"]
    assert made <= set(deployment["DependsOn"])
    assert "x-amazon-apigateway-gateway-responses" not in body
    assert {resources[name]["Properties"]["ResponseType"] for name in made} >= {"THROTTLED", "INVALID_API_KEY"}


def test_the_emulator_gets_everything_else_as_it_is() -> None:
    given = expanded()
    done = template.for_emulator(given, ENDPOINT)
    changed = {"RestAPI"} | {n for n, r in given["Resources"].items() if r["Type"] == "AWS::ApiGateway::Deployment"}
    untouched = given["Resources"].keys() - changed
    assert {name: done["Resources"][name] for name in untouched} == {
        name: given["Resources"][name] for name in untouched
    }
