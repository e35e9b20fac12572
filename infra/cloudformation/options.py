"""Write the options of a stage that are no parameters into the SAM template: pure functions over dicts."""

from __future__ import annotations

import copy
import re
from typing import Any

from infra.cloudformation import (
    access,
    access_log,
    api_keys,
    canary,
    identities,
    invocation,
    kms_key,
    network,
    published,
    queries,
    scheduled,
)
from infra.cloudformation.template import Template, draw_dashboards
from infra.stage import Stage

_ALARM = {
    "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
    "AlarmActions": [{"Ref": "AlarmTopic"}], "OKActions": [{"Ref": "AlarmTopic"}],
}  # fmt: skip

_OVER = '{ ($.refused = "THROTTLED") || ($.refused = "QUOTA_EXCEEDED") }'
"""Not every 429: the service answers that, too, to a write that is contended, and while the table is busy."""


def with_options(sam: Template, stage: Stage, served: str | None = None) -> Template:
    """The finished SAM template as the stage wants it.

    `served` is the table that the stack serves now. Where the stage names another one the alias moves at once: behind
    a canary some would read and write the one, some the other, and a rollback would forget writes.
    """
    done = copy.deepcopy(sam)
    left = served if stage.table.name and served != stage.table.name else None
    _function(done, stage)
    scheduled.add(done, stage)
    if left is None:
        canary.add(done, stage)
    invocation.add(done, stage)
    _metrics(done, stage)
    _tracing(done, stage)
    api_keys.add(done, stage)
    access.add(done, stage)
    kms_key.add(done, stage)
    network.add(done, stage)
    _table(done, stage)
    draw_dashboards(done)
    done = _use_existing(done, stage)
    if left is not None:
        _read_on(done, left)
    done = _alarm_target(done, stage)
    queries.add(done)
    identities.add(done, stage)
    published.add(done)
    return done


def _function(template: Template, stage: Stage) -> None:
    properties, wanted = template["Resources"]["APIHandler"]["Properties"], stage.function
    properties["MemorySize"] = wanted.memory_mb
    if wanted.reserved_concurrency is not None:
        properties["ReservedConcurrentExecutions"] = wanted.reserved_concurrency
    if wanted.provisioned_concurrency is not None:
        number = wanted.provisioned_concurrency
        properties["ProvisionedConcurrencyConfig"] = {"ProvisionedConcurrentExecutions": number}
    if wanted.snapstart:
        properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}


def _metrics(template: Template, stage: Stage) -> None:
    resources, api = template["Resources"], template["Resources"]["RestAPI"]["Properties"]
    api["MethodSettings"][0]["MetricsEnabled"] = stage.detailed_metrics
    if not stage.access_log:
        return
    log = {name: resources["ApiHandlerLogGroup"][name] for name in ("Type", "DeletionPolicy", "UpdateReplacePolicy")}
    resources["AccessLogGroup"] = log | {"Properties": {"RetentionInDays": {"Ref": "LogRetentionDays"}}}
    template["Outputs"]["AccessLogGroupName"] = {"Value": {"Ref": "AccessLogGroup"}}
    arn = {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}
    api["AccessLogSetting"] = {"DestinationArn": arn, "Format": access_log.FORMAT}
    _count_lines(template, "Throttled", _OVER, "Requests are over the throttle of a key or of the API.")


def _tracing(template: Template, stage: Stage) -> None:
    """Without sampling rules a stack takes nothing of the account's quota, and X-Ray's default rule traces polls."""
    if stage.trace_polls:
        for name in [name for name, each in template["Resources"].items() if each["Type"] == "AWS::XRay::SamplingRule"]:
            del template["Resources"][name]


def _count_lines(template: Template, name: str, pattern: str, about: str) -> None:
    """Add a metric over lines of the access log, and its alarm."""
    metric = {"Fn::Sub": "${AWS::StackName}-" + name}
    counting = {"MetricNamespace": "configsvc", "MetricName": metric, "MetricValue": "1", "Unit": "Count"}
    template["Resources"][name] = {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": "AccessLogGroup"}, "FilterPattern": pattern, "MetricTransformations": [counting],
        },
    }  # fmt: skip
    template["Resources"][f"{name}Alarm"] = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": "${AWS::StackName}-" + name.lower()}, "AlarmDescription": about,
            "Namespace": "configsvc", "MetricName": metric, **_ALARM,
        },
    }  # fmt: skip


def _table(template: Template, stage: Stage) -> None:
    maximum = {
        name: number
        for name, number in (
            ("MaxReadRequestUnits", stage.table.read_maximum), ("MaxWriteRequestUnits", stage.table.write_maximum)
        )
        if number is not None
    }  # fmt: skip
    if maximum:
        template["Resources"]["ConfigTable"]["Properties"]["OnDemandThroughput"] = maximum


def _use_existing(template: Template, stage: Stage) -> Template:
    """Use the existing table and KMS key instead of new ones."""
    if stage.table.name:
        template = _replace_resource(template, "ConfigTable", stage.table.name, _arn(stage.table.name))
        del template["Conditions"]["ProtectTable"], template["Parameters"]["DeletionProtection"]
    if stage.table.kms_key:
        template = _replace_resource(template, "NamespacesKey", stage.table.kms_key, stage.table.kms_key)
    return template


def _read_on(template: Template, table: str) -> None:
    """The role changes before the alias moves: until then the version in use reads on, and writes no more."""
    policy = template["Resources"]["ApiHandlerRole"]["Properties"]["Policies"][0]
    reads = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
    policy["PolicyDocument"]["Statement"].append(access.allow("ReadsWhatIsLeft", reads, _arn(table)))


def _arn(table: str) -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{table}"}


def _alarm_target(template: Template, stage: Stage) -> Template:
    if stage.alarms.email:
        where = {"Protocol": "email", "Endpoint": stage.alarms.email, "TopicArn": {"Ref": "AlarmTopic"}}
        template["Resources"]["AlarmSubscription"] = {"Type": "AWS::SNS::Subscription", "Properties": where}
    if stage.alarms.topic:
        del template["Resources"]["AlarmTopicPolicy"]
        template = _replace_resource(template, "AlarmTopic", stage.alarms.topic, stage.alarms.topic)
    return template


def _replace_resource(template: Template, resource: str, name: str, arn: Any) -> Template:  # noqa: ANN401  # text or a function
    """Drop the resource, and use the name and ARN of the existing one wherever it was referred to."""
    del template["Resources"][resource]
    done: Template = _drop_resource(template, resource, name, arn)
    return done


def _drop_resource(node: Any, resource: str, name: str, arn: Any) -> Any:  # noqa: ANN401  # JSON is any
    if isinstance(node, list):
        return [_drop_resource(part, resource, name, arn) for part in node]
    if not isinstance(node, dict):
        return node
    if node == {"Ref": resource}:
        return name
    if node == {"Fn::GetAtt": [resource, "Arn"]}:
        return arn
    if isinstance(node.get("Fn::Sub"), str):
        return {"Fn::Sub": re.sub(rf"\$\{{{resource}\}}", name, node["Fn::Sub"])}
    return {key: _drop_resource(part, resource, name, arn) for key, part in node.items()}
