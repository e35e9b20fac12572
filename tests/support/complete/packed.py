"""The service's zip as Lambda would run it: handlers and variables from the template, nothing else of ours in reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import boto3

from local.clients import ROOT, make_client_arguments
from local.runtime.function import Runtime

Template = Mapping[str, Any]


class Zip(NamedTuple):
    """An unpacked zip, and the configuration of its environments.

    Args:
        directory: the unpacked zip.
        template: the SAM template it belongs to.
        variables: those of the service's function, and those that Lambda adds.
        logs: the folder for the logs of the environments.
    """

    directory: Path
    template: Template
    variables: Mapping[str, str]
    logs: Path

    @contextmanager
    def environment(self, name: str, runtime: str | None = None) -> Iterator[Runtime]:
        """Runs one execution environment, with the template's runtime or another. `name` is that of its log."""
        configuration = read_configuration(self.template)
        if runtime:
            configuration["runtime"] = runtime
        with Runtime(
            directory=self.directory, log=self.logs / f"{name}.log", variables=self.variables, **configuration
        ) as running:
            yield running


class Configured(TypedDict):
    """The template's configuration of the service's function, as arguments of Runtime."""

    handler: str
    timeout: float
    runtime: str


def read_configuration(template: Template) -> Configured:
    """Handler, timeout and runtime of the service's function."""
    declared = list_functions(template)["APIHandler"]
    return {"handler": declared["Handler"], "timeout": declared["Timeout"], "runtime": declared["Runtime"]}


def list_functions(template: Template) -> dict[str, dict[str, Any]]:
    """The properties of each function, by logical id."""
    resources = template["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == "AWS::Serverless::Function"}


def build_variables(template: Template, refs: Mapping[str, str]) -> dict[str, str]:
    """The variables of the service's function, with each `Ref` resolved. KeyError if one is not in `refs`."""
    declared = list_functions(template)["APIHandler"]["Environment"]["Variables"]
    return {name: refs[value["Ref"]] if isinstance(value, dict) else str(value) for name, value in declared.items()}


def build_lambda_variables(dynamodb: str) -> dict[str, str]:
    """Credentials and DynamoDB's endpoint. The region and the rest come from the runtime."""
    return {
        "AWS_ACCESS_KEY_ID": ROOT.access_key_id,
        "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
    }


def make_table(endpoint: str, template: Template, name: str) -> None:
    """Creates a table with the keys that the template declares."""
    declared = template["Resources"]["ConfigTable"]["Properties"]
    boto3.client("dynamodb", **make_client_arguments(endpoint)).create_table(
        TableName=name,
        KeySchema=declared["KeySchema"],
        AttributeDefinitions=declared["AttributeDefinitions"],
        BillingMode=declared["BillingMode"],
    )
