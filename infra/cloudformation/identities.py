"""A permissions boundary and a path for each role and policy of the stack, where the organization asks for them."""

from __future__ import annotations

from typing import Any

from infra.cloudformation.template import Template
from infra.stage import Stage

_ROLE, _POLICY = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"


def add(template: Template, stage: Stage) -> None:
    """Write both into the roles and policies of the template, and into the roles that SAM would make for functions."""
    boundary = {"PermissionsBoundary": stage.permissions_boundary} if stage.permissions_boundary else {}
    path = {"Path": stage.iam_path} if stage.iam_path else {}
    for resource in template["Resources"].values():
        if resource["Type"] == _ROLE:
            resource["Properties"] |= boundary | path
        if resource["Type"] == _POLICY:
            resource["Properties"] |= path
    if generated := boundary | ({"RolePath": stage.iam_path} if stage.iam_path else {}):
        shared: dict[str, Any] = template.setdefault("Globals", {}).setdefault("Function", {})
        shared |= generated
