"""The stack's outputs as parameters of Systems Manager, for other stacks, Terraform and programs.

An output can be read by who may describe the stack, and exported to stacks of the same account and region. A parameter
is read by name, by `{{resolve:ssm:/configsvc/<stack>/ApiUrl}}` in a template. No output is a secret, so none of these
is: an API key's id is published, its value is not.
"""

from __future__ import annotations

from typing import Any

from infra.cloudformation.template import Template
from infra.stage import Stage, StageError

FOLDER = "/configsvc/${AWS::StackName}"
_MOST = 480
"""CloudFormation takes 500 resources; the SAM transform adds some."""


def add(template: Template, stage: Stage) -> None:
    """Write it into the template.

    Raises:
        StageError: CloudFormation does not take that many resources.
    """
    for name, output in template["Outputs"].items():
        template["Resources"][f"Published{name}"] = _parameter(name, output)
    if (number := len(template["Resources"])) > _MOST:
        raise StageError(
            f"{stage.stack} would have {number} resources, and CloudFormation takes 500. List fewer policies or "
            "groups: a pattern such as payments.* covers many namespaces."
        )


def _parameter(name: str, output: dict[str, Any]) -> dict[str, Any]:
    condition = {"Condition": output["Condition"]} if "Condition" in output else {}
    properties = {
        "Name": {"Fn::Sub": f"{FOLDER}/{name}"},
        "Type": "String",
        "Value": output["Value"],
        "Description": {"Fn::Sub": f"output {name} of the stack ${{AWS::StackName}}"},
    }
    return {"Type": "AWS::SSM::Parameter", **condition, "Properties": properties}
