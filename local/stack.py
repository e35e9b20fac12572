"""The product on the local AWS: the real zip and the real template, and people who may use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import boto3

from infra.deploy import Target, deploy, upload_file
from infra.package import REGION, Package
from infra.template import expand, for_emulator, locate, release_of
from local.clients import client_arguments
from local.people import ApiKey, Person, invoke, make_person, use_kms_key

NAME = "configsvc"
BUCKET = "configsvc-deployments"
_SECONDS = 120.0
_ADMINISTRATOR = "configsvc-administrator"
_DEVELOPER = "configsvc-developer"

Progress = Callable[[str], None]


class LocalStack(NamedTuple):
    """A deployed service: where it is, what it uses, and its first API key."""

    endpoint: str
    url: str
    api_arn: str
    kms_key_arn: str
    table: str
    log_group: str
    function: str
    usage_plan: str
    reader: ApiKey


class People(NamedTuple):
    """Those who write."""

    administrator: Person
    developer: Person


def target(endpoint: str, progress: Progress) -> Target:
    """The local AWS as a place to deploy to."""
    arguments = client_arguments(endpoint)
    return Target(boto3.client("cloudformation", **arguments), boto3.client("s3", **arguments), BUCKET, progress)


def administrators(endpoint: str) -> str:
    """The pattern of the first administrators of this account."""
    account = boto3.client("sts", **client_arguments(endpoint)).get_caller_identity()["Account"]
    return f"arn:aws:iam::{account}:user/{_ADMINISTRATOR}*"


def deploy_stack(endpoint: str, package: Package, progress: Progress, name: str = NAME) -> LocalStack:
    """Deploy the package, or update what is there; the same path as to AWS, less what the emulator lacks."""
    place = target(endpoint, progress)
    key = upload_file(place, name, Path(package.zip))
    # Retained resources are the table and the KMS key; on this computer they go with the state.
    parameters = {"Admins": administrators(endpoint), "DeletionProtection": "false"}
    located = locate(package.template, BUCKET, key, release_of(package.sha256, parameters))
    outputs = deploy(place, name, for_emulator(expand(located)), parameters, _SECONDS).outputs
    return _described(endpoint, outputs)


def _described(endpoint: str, outputs: dict[str, str]) -> LocalStack:
    api = outputs["RestApiId"]
    found = boto3.client("apigateway", **client_arguments(endpoint)).get_api_key(
        apiKey=outputs["ReaderKeyId"], includeValue=True
    )
    return LocalStack(
        endpoint=endpoint,
        url=f"{endpoint}/_aws/execute-api/{api}/api",
        api_arn=f"arn:aws:execute-api:{REGION}:*:{api}/api",
        kms_key_arn=outputs["KmsKeyArn"],
        table=outputs["TableName"],
        log_group=outputs["LogGroupName"],
        function=outputs["FunctionName"],
        usage_plan=outputs["UsagePlanId"],
        reader=ApiKey(found["id"], found["value"]),
    )


def make_people(stack: LocalStack, namespaces: str) -> People:
    """An administrator of everything and a developer of the namespaces (a pattern such as `payments.*`)."""
    administrator = [
        invoke(stack.api_arn, "*"),
        use_kms_key(stack.kms_key_arn, "*", "GenerateDataKey", "Decrypt"),
    ]
    developer = [
        invoke(stack.api_arn, "POST/v1/whoami", f"PUT/v1/namespaces/{namespaces}", f"POST/v1/namespaces/{namespaces}"),
        use_kms_key(stack.kms_key_arn, namespaces, "Decrypt", "Encrypt"),
    ]
    return People(
        _person(stack, _ADMINISTRATOR, administrator),
        _person(stack, _DEVELOPER, developer),
    )


def _person(stack: LocalStack, name: str, statements: list[dict[str, object]]) -> Person:
    arguments = client_arguments(stack.endpoint)
    return make_person(
        boto3.client("iam", **arguments), boto3.client("apigateway", **arguments), stack.usage_plan, name, statements
    )
