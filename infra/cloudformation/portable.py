"""A stage's expanded template for tools other than `make deploy`, such as Terraform: pure functions over dicts."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from infra.cloudformation.template import Template

BUCKET, KEY = "CodeBucket", "CodeKey"


def with_defaults(sam: Template, parameters: Mapping[str, str]) -> Template:
    """The template with the stage's values as defaults, so that only what no file holds is left to pass."""
    done = copy.deepcopy(sam)
    for name, value in parameters.items():
        parameter = done["Parameters"][name]
        parameter["Default"] = int(value) if parameter["Type"] == "Number" else value  # as its AllowedValues are
    return done


def with_code_parameters(expanded: Template) -> Template:
    """The expanded template with parameters for where the zip was uploaded."""
    done = copy.deepcopy(expanded)
    for resource in done["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"S3Bucket": {"Ref": BUCKET}, "S3Key": {"Ref": KEY}}
    texts = {
        BUCKET: "The bucket of the deployment zip.",
        KEY: "The key of the deployment zip. Use a new one each time.",
    }
    done["Parameters"] |= {name: {"Type": "String", "Description": text} for name, text in texts.items()}
    return done
