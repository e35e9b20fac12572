"""Every output can be read as a parameter of Systems Manager, and none of them is a secret."""

import json
import re
from typing import Any

import pytest

from infra.cloudformation.template import Template
from infra.packaging.service_zip import Package
from infra.stage import Stage
from tests.infra.cloudformation.test_options import EVERYTHING, RESTORED, expanded


@pytest.fixture(scope="session")
def everything(built_package: Package) -> Template:
    return expanded(built_package, EVERYTHING)


def published(template: Template) -> dict[str, Any]:
    found = [each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::SSM::Parameter"]
    return {each["Name"]["Fn::Sub"]: each for each in found}


@pytest.mark.parametrize("stage", [EVERYTHING, RESTORED], ids=lambda stage: stage.name)
def test_every_output_is_published_with_its_value(built_package: Package, stage: Stage) -> None:
    template = expanded(built_package, stage)
    values = {name: each["Value"] for name, each in published(template).items()}
    outputs = template["Outputs"].items()
    assert values == {f"/configsvc/${{AWS::StackName}}/{name}": each["Value"] for name, each in outputs}


def test_no_published_value_is_a_secret(everything: Template) -> None:
    for each in published(everything).values():
        assert each["Type"] == "String"
        text = json.dumps(each["Value"])
        assert "Proof}" not in text
        assert '"GatewayProof"' not in text
        assert "ApiKey.Value" not in text


def test_names_are_as_systems_manager_takes_them(everything: Template) -> None:
    # "Parameter names can't be prefixed with "aws" or "ssm""; at most 15 levels, of letters, digits and . - _
    for name in published(everything):
        assert re.fullmatch(r"/configsvc/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", name.replace("${AWS::StackName}", "aws-x"))
