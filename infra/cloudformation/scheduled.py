"""Upkeep and the probe as a stage wants them: whether it runs, the probe's URL and network, or no probe at all.

References: Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC" (the role's actions,
and the Deny that keeps them from the function's own code); "Lambda quotas" (64 characters of a function's name).
"""

from __future__ import annotations

from typing import Any

from infra.cloudformation.access import Statement, allow
from infra.cloudformation.template import Template
from infra.stage import Stage

PROBE_KEY = "ProbeKey"
"""The logical id of the probe's API key, which has no other user: it may go and come with the probe."""
_LONGEST_NAME = 64
_SCHEDULES = ("UpkeepSchedule", "HeartbeatSchedule", "ProbeSchedule")
_PROBE = (
    "Probe", "ProbeRole", "ProbeLogGroup", "ProbeInvocations", "ProbeSchedule", "ProbeSchedulePermission", PROBE_KEY,
    "ProbePlan", "ProbePlanMember", "ProbeAlarm", "CertificateAlarm",
)  # fmt: skip
_PROBE_OUTPUTS = ("ProbeFunctionName", "ProbeLogGroupName", "ProbeKeyId")
_LOOKS = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
_CHANGES = ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
_DELETES = ["ec2:DeleteNetworkInterface"]

Json = dict[str, Any]


def add(template: Template, stage: Stage) -> None:
    """Write it into the template."""
    resources: Json = template["Resources"]
    variables = resources["Upkeep"]["Properties"]["Environment"]["Variables"]
    variables["CONFIGSVC_ROTATION_DAYS"] = str(stage.upkeep.rotation_days)
    _set_schedules(resources, runs=stage.scheduled)
    if stage.probe.enabled:
        _adapt_probe(resources, stage)
    else:
        _remove_probe(template, watched=stage.scheduled)
    _shorten_names(resources, stage.stack)


def _set_schedules(resources: Json, *, runs: bool) -> None:
    """Without schedules the probe reports nothing, and that must raise no alarm."""
    if runs:
        return
    for name in _SCHEDULES:
        resources[name]["Properties"]["State"] = "DISABLED"
    resources["ProbeAlarm"]["Properties"]["TreatMissingData"] = "notBreaching"


def _adapt_probe(resources: Json, stage: Stage) -> None:
    function, wanted = resources["Probe"]["Properties"], stage.probe
    variables = function["Environment"]["Variables"]
    variables["CONFIGSVC_PROBE_MAX_AGE_SECONDS"] = str(60 * wanted.max_age_minutes)
    if stage.domain:
        variables["CONFIGSVC_URL"] = f"https://{stage.domain.name}"
    if wanted.subnets:
        groups, subnets = list(wanted.security_groups), list(wanted.subnets)
        function["VpcConfig"] = {"SecurityGroupIds": groups, "SubnetIds": subnets}
        [policy] = resources["ProbeRole"]["Properties"]["Policies"]
        policy["PolicyDocument"]["Statement"] += _interfaces([*groups, *subnets])


def _interfaces(places: list[str]) -> list[Statement]:
    """Lambda itself makes the interfaces, with the role of the function, and their ids are not known before.

    Subnets may be another account's that shares them. For deleting, Lambda wants all ids of the account, spelled as
    here ("Giving Lambda functions access to resources in an Amazon VPC", the note on DeleteNetworkInterface). IAM's own
    spelling, of which linters know, is there as well.
    """
    here = "arn:${AWS::Partition}:ec2:${AWS::Region}"
    kinds = {"sg": "security-group", "subnet": "subnet"}
    named = [f"{here}:*:{kinds[each.partition('-')[0]]}/{each}" for each in places]
    made = [{"Fn::Sub": each} for each in (f"{here}:${{AWS::AccountId}}:network-interface/*", *named)]
    code = {"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"}
    every = {"Fn::Sub": f"{here}:${{AWS::AccountId}}:*/*"}
    actions = [*_CHANGES, *_DELETES, *_LOOKS]
    denied: Statement = {"Sid": "ItsCodeMakesNone", "Effect": "Deny", "Action": actions, "Resource": "*"}
    return [
        allow("LambdaLooks", _LOOKS, "*"),
        allow("LambdaMakesInterfaces", _CHANGES, made),
        allow("LambdaDeletesThem", _DELETES, [made[0], every]),
        denied | {"Condition": {"ArnLike": {"lambda:SourceFunctionArn": code}}},
    ]


def _remove_probe(template: Template, *, watched: bool) -> None:
    resources: Json = template["Resources"]
    for name in _PROBE:
        del resources[name]
    for name in _PROBE_OUTPUTS:
        del template["Outputs"][name]
    resources["Upkeep"]["Properties"]["Environment"]["Variables"]["CONFIGSVC_PROBE_API_KEY_ID"] = ""
    if watched:  # no probe sees that heartbeats stop, so this alarm must
        resources["UpkeepOverdueAlarm"]["Properties"]["TreatMissingData"] = "breaching"


def name_function(stack: str, logical_id: str) -> str | None:
    """The name of a function, after the stack; None if that is too long, and CloudFormation makes up a name."""
    name = f"{stack}-{logical_id.lower()}"
    return name if len(name) <= _LONGEST_NAME else None


def _shorten_names(resources: Json, stack: str) -> None:
    for function in ("Upkeep", "Probe"):
        if function in resources and name_function(stack, function) is None:
            del resources[function]["Properties"]["FunctionName"]
