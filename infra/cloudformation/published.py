"""The stack's outputs as parameters of Systems Manager, for other stacks, Terraform and programs.

An output can be read by who may describe the stack, and exported to stacks of the same account and region. A parameter
is read by name, by `{{resolve:ssm:/configsvc/<stack>/ApiUrl}}` in a template. No output is a secret, so none of these
is: an API key's id is published, its value is not.
"""

from __future__ import annotations

from typing import Any

from infra.cloudformation.template import Template

FOLDER = "/configsvc/${AWS::StackName}"


def add(template: Template) -> None:
    """Write it into the template."""
    for name, output in template["Outputs"].items():
        template["Resources"][f"Published{name}"] = _parameter(name, output)


def _parameter(name: str, output: dict[str, Any]) -> dict[str, Any]:
    condition = {"Condition": output["Condition"]} if "Condition" in output else {}
    properties = {
        "Name": {"Fn::Sub": f"{FOLDER}/{name}"},
        "Type": "String",
        "Value": output["Value"],
        "Description": {"Fn::Sub": f"output {name} of the stack ${{AWS::StackName}}"},
    }
    return {"Type": "AWS::SSM::Parameter", **condition, "Properties": properties}
