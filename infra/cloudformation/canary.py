"""The canary: how a new version gets its first requests, and the alarms that judge it.

Each alarm compares the new version with the old one in the same minutes, so a fault that both have stops no deployment,
and neither does a caller who sends bad requests, because CodeDeploy spreads those over both. The old version's numbers
are the alias's minus the new version's: during a shift an alias has exactly these two.

An alarm belongs to one version, which is part of its name: "When you update an existing alarm, its state is left
unchanged" (PutMetricAlarm), so an alarm that an earlier version raised would roll back the next one at once.
"""

from __future__ import annotations

import copy
from typing import Any

from infra.cloudformation import access
from infra.cloudformation.template import Template
from infra.stage import Stage

_WINDOW = 180  # seconds; it slides by the minute, and leaves a canary of five minutes time for late metrics
_SIGMAS = 3  # an excess within what chance explains is none
_SLOWER = 1.5
_LEAST = 10  # calls of the old version, so that its share is known; of the new one, where nothing crashes

_VERSION = {"Fn::GetAtt": ["APIHandler", "Version.Version"]}
_NAME = {"Ref": "APIHandler"}
_SERVICE = {"Name": "service", "Value": _NAME}
_FUNCTION = {"Name": "FunctionName", "Value": _NAME}
_ALIAS = {"Name": "Resource", "Value": {"Fn::Sub": "${APIHandler}:live"}}

_ROLLS_BACK = "While CodeDeploy shifts requests to this version, the alarm returns all of them to the previous one."


def add(template: Template, stage: Stage) -> None:
    """Write the stage's canary, if it has one, into the finished SAM template."""
    if stage.function.canary is None:
        return
    alarms = _alarms()
    template["Resources"].update(alarms)
    template["Resources"]["CanaryRole"] = _role()
    template["Resources"]["APIHandler"]["Properties"]["DeploymentPreference"] = {
        "Type": stage.function.canary,
        "Alarms": [{"Ref": name} for name in alarms],
        "Role": {"Fn::GetAtt": ["CanaryRole", "Arn"]},
    }


def at_once(expanded: Template) -> Template:
    """The expanded template, but its aliases move to new versions at once.

    CodeDeploy's resources and the alarms stay, so the next deployment has its canary again.
    """
    done = copy.deepcopy(expanded)
    for resource in done["Resources"].values():
        resource.get("UpdatePolicy", {}).pop("CodeDeployLambdaAliasUpdate", None)
        if resource.get("UpdatePolicy") == {}:
            del resource["UpdatePolicy"]
    return done


def describe_skipped(stage: Stage) -> str:
    """Say what a deployment that moves the alias at once goes without."""
    if stage.function.canary is None:
        return "This stage has no canary: every deployment moves all requests to the new version at once."
    return (
        f"Without the canary ({stage.function.canary}), all requests move to the new version at once. Its errors, "
        "failures (5xx), refusals (4xx) and latency are not compared with the previous version's, and no alarm rolls "
        f"it back. If it is bad, run make rollback STAGE={stage.name}."
    )


def _role() -> dict[str, Any]:
    function = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-api"
    actions = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
    return access.role(
        "codedeploy.amazonaws.com",
        "canary",
        [
            access.allow("ShiftTheAlias", actions, [{"Fn::Sub": function}, {"Fn::Sub": f"{function}:*"}]),
            # Only `*` allows it: AWS's own AWSCodeDeployRoleForLambdaLimited says the same.
            access.allow("LookAtAlarms", ["cloudwatch:DescribeAlarms"], "*"),
        ],
    )


def _alarms() -> dict[str, Template]:
    """The alarms by logical id. They notify nobody: a rollback is reported by the deployment that it ends."""
    errors = "The new version crashes, does not start or runs into its timeout, and more often than the previous one."
    failures = "The new version answers 5xx, and more often than the previous one."
    refusals = "The new version refuses (4xx) a larger share of its requests than the previous one."
    latency = "The new version is slow, and slower than the previous one."
    own = ("configsvc", [_SERVICE], {"Name": "version", "Value": _VERSION})
    return {
        "CanaryErrorsAlarm": _alarm("errors", errors, _excess("Errors", _LAMBDA, calls=1, bad=2), 0),
        "CanaryFailuresAlarm": _alarm("failures", failures, _excess("Failed", own, calls=3, bad=3), 0.01),
        "CanaryRefusalsAlarm": _alarm("refusals", refusals, _excess("Refused", own, calls=_LEAST, bad=3), 0.05),
        "CanaryLatencyAlarm": _alarm("latency", latency, _latency(), {"Ref": "AlarmLatencyMs"}),
    }


_LAMBDA = ("AWS/Lambda", [_FUNCTION, _ALIAS], {"Name": "ExecutedVersion", "Value": _VERSION})
"""A metric's namespace, its dimensions for all versions of the alias, and the one that separates the new version."""


def _alarm(name: str, about: str, metrics: list[Template], threshold: object) -> Template:
    called = {"Fn::Sub": [f"${{AWS::StackName}}-canary-{name}-${{Version}}", {"Version": _VERSION}]}
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": called,
            "AlarmDescription": f"{about} {_ROLLS_BACK}",
            "Metrics": metrics,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    }


def _excess(metric: str, of: tuple[str, list[Template], Template], calls: int, bad: int) -> list[Template]:
    """By how much the new version's share exceeds the old one's, beyond what chance explains.

    The share is of all invocations (which Lambda counts at no charge, unchanged polls included). Fewer than `calls`, or
    fewer `bad` ones, decide nothing: then it is 0. Without any there is no data, which is not breaching. Chance: the
    standard error of the difference of two shares that are in truth the same.
    """
    chance = f"{_SIGMAS} * (ABS(share * (1 - share) * (1 / newcalls + 1 / oldcalls)) ^ 0.5)"
    enough = f"(newcalls >= {calls}) AND (oldcalls >= {_LEAST}) AND (newbad >= {bad})"
    return [
        *_both("calls", "Invocations", _LAMBDA, "Sum"),
        *_both("bad", metric, of, "Sum"),
        _expression("share", "bad / calls"),
        _expression("oldcalls", "calls - newcalls"),
        _expression("oldshare", "(bad - newbad) / oldcalls"),
        _expression("excess", f"IF({enough}, newbad / newcalls - oldshare - {chance}, 0)", returned=True),
    ]


def _latency() -> list[Template]:
    """p99 of the new version, where its mean is well above the old one's; else 0."""
    slower = f"(newms * (calls - newcalls) >= {_SLOWER} * (ms - newms) * newcalls)"
    enough = f"(newcalls >= {_LEAST})"
    return [
        *_both("calls", "Invocations", _LAMBDA, "Sum"),
        *_both("ms", "Duration", _LAMBDA, "Sum"),
        _both("p99", "Duration", _LAMBDA, "p99")[1],
        _expression("slow", f"IF({enough} AND {slower}, newp99, 0)", returned=True),
    ]


def _both(name: str, metric: str, of: tuple[str, list[Template], Template], statistic: str) -> list[Template]:
    """The metric of all versions as `name`, and of the new version as `new…`."""
    namespace, alias, version = of
    found = {name: alias, f"new{name}": [*alias, version]}
    return [
        {
            "Id": identifier,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions},
                "Period": _WINDOW,
                "Stat": statistic,
            },
        }
        for identifier, dimensions in found.items()
    ]


def _expression(name: str, text: str, *, returned: bool = False) -> Template:
    return {"Id": name, "Expression": text, "ReturnData": returned}
