"""Who may invoke the function, by policies of the function itself: an option, on AWS only (the emulator has none).

Without it any identity of the account whose IAM policy allows `lambda:InvokeFunction` may invoke the function, which
refuses it because the proof is missing. With it Lambda refuses first. A policy belongs to one function, version or
alias, so each that can be invoked gets one (AWS Lambda developer guide, "Resource-based policies").
"""

from __future__ import annotations

from typing import Any

from infra.cloudformation.template import CALLS_OF_THE_STAGE, Template
from infra.stage import Stage

_ACTION = "lambda:InvokeFunction"
_INVOKED: dict[str, dict[str, Any]] = {
    "Function": {"Fn::GetAtt": ["APIHandler", "Arn"]},
    "Version": {"Ref": "APIHandler.Version"},
    "Alias": {"Ref": "APIHandler.Alias"},
}


def add(template: Template, stage: Stage) -> None:
    """Replace the permission by policies that deny everyone but the stage."""
    if not stage.function.gateway_only:
        return
    del template["Resources"]["APIHandlerInvokePermission"]  # CloudFormation wants either kind for one function
    for name, arn in _INVOKED.items():
        statements = [_deny(arn), *([_allow(arn)] if name == "Alias" else [])]
        template["Resources"][f"Invoke{name}Policy"] = {
            "Type": "AWS::Lambda::ResourcePolicy",
            "Properties": {
                "ResourceArn": arn, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
            },
        }  # fmt: skip


def _allow(arn: dict[str, Any]) -> dict[str, Any]:
    condition = {"ArnLike": {"aws:SourceArn": {"Fn::Sub": CALLS_OF_THE_STAGE}}}
    principal = {"Service": "apigateway.amazonaws.com"}
    return {
        "Sid": "TheStage", "Effect": "Allow", "Principal": principal, "Action": _ACTION, "Resource": arn,
        "Condition": condition,
    }  # fmt: skip


def _deny(arn: dict[str, Any]) -> dict[str, Any]:
    """Also matches a request without `aws:SourceArn`, as IAM's negated operators do."""
    condition = {"ArnNotLike": {"aws:SourceArn": {"Fn::Sub": CALLS_OF_THE_STAGE}}}
    return {
        "Sid": "NobodyElse", "Effect": "Deny", "Principal": "*", "Action": _ACTION, "Resource": arn,
        "Condition": condition,
    }  # fmt: skip
