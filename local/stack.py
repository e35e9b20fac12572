"""The product on the local AWS: the real zip and the real template, and people who may use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import boto3

from infra.deployment.deploy import Service, Target, deploy_service
from infra.deployment.pace import EMULATOR
from infra.deployment.proof import MODE, OBSERVE
from infra.deployment.release import for_stage, keep_key
from infra.deployment.stack import Outcome, Stack
from infra.deployment.whole_stack import WholeStack
from infra.packaging.service_zip import REGION, Package
from infra.stage import load
from infra.stage_rules import name_pattern
from local.clients import make_client_arguments
from local.errors import NotReady
from local.people import ApiKey, Person, make_person, make_user

NAME = "configsvc"
BUCKET = "configsvc-deployments"
_SECONDS = 120.0
ADMINISTRATOR = "configsvc-administrator"
_DEVELOPER = "configsvc-developer"
_READER = "configsvc-reader"

Progress = Callable[[str], None]


class LocalStack(NamedTuple):
    """A deployed service: its address, resources, first API key, and ready-made IAM policies by output.

    The names of upkeep and probe are empty if the stack was deployed without them.
    """

    endpoint: str
    url: str
    api_arn: str
    kms_key_arn: str
    table: str
    log_group: str
    function: str
    upkeep: str
    probe: str
    usage_plan: str
    reader: ApiKey
    policies: Mapping[str, str]


class People(NamedTuple):
    """The three people of the local AWS. The reader is a function: its IAM identity may only open values."""

    administrator: Person
    developer: Person
    reader: Person


def make_target(endpoint: str, progress: Progress) -> Target:
    """Describe the local AWS as a place to deploy to."""
    arguments = make_client_arguments(endpoint)
    return Target(
        boto3.client("cloudformation", **arguments), boto3.client("s3", **arguments),
        boto3.client("lambda", **arguments), BUCKET, progress, whole=WholeStack(load("local").tags), pace=EMULATOR,
        gateway=boto3.client("apigateway", **arguments), topics=boto3.client("sns", **arguments),
    )  # fmt: skip


def administrators(endpoint: str) -> str:
    """The pattern of the first administrators of this account."""
    account = boto3.client("sts", **make_client_arguments(endpoint)).get_caller_identity()["Account"]
    return f"arn:aws:iam::{account}:user/{ADMINISTRATOR}*"


def deploy_stack(endpoint: str, package: Package, progress: Progress, name: str = NAME) -> LocalStack:
    """Deploy the package or update the stack, as on AWS except for what the emulator lacks."""
    stage = load("local").model_copy(update={"admins": (administrators(endpoint),)})
    where = make_target(endpoint, progress)
    built = for_stage(package, keep_key(stage, where.stack(name), progress))
    service = deploy_service(where, name, built, stage.parameters(), _SECONDS, emulator=True)
    if (where.stack(name).parameters(_SECONDS) or {}).get(MODE) == OBSERVE:
        service = deploy_service(where, name, built, stage.parameters(), _SECONDS, emulator=True)
    return _describe(endpoint, service, where.stack(name).outputs())


def find_stack(endpoint: str, name: str = NAME) -> LocalStack:
    """Find a stack that was deployed before.

    Raises:
        NotReady: no stack has that name.
    """
    outputs = Stack(boto3.client("cloudformation", **make_client_arguments(endpoint)), name, print).outputs()
    if not outputs:
        raise NotReady(f"There is no stack {name} at {endpoint}. `make run` deploys it.")
    return _describe(endpoint, Service.of(Outcome.UNCHANGED, outputs), outputs)


def _describe(endpoint: str, service: Service, outputs: Mapping[str, str]) -> LocalStack:
    found = boto3.client("apigateway", **make_client_arguments(endpoint)).get_api_key(
        apiKey=service.reader_key_id, includeValue=True
    )
    return LocalStack(
        endpoint=endpoint,
        url=f"{endpoint}/_aws/execute-api/{service.rest_api_id}/api",
        api_arn=f"arn:aws:execute-api:{REGION}:*:{service.rest_api_id}/api",
        kms_key_arn=service.kms_key_arn,
        table=service.table_name,
        log_group=service.log_group_name,
        function=service.function_name,
        upkeep=outputs.get("UpkeepFunctionName", ""),
        probe=outputs.get("ProbeFunctionName", ""),
        usage_plan=service.usage_plan_id,
        reader=ApiKey(found["id"], found["value"]),
        policies={name: arn for name, arn in outputs.items() if ":policy/" in arn},
    )


def make_people(stack: LocalStack, *namespaces: str) -> People:
    """Make an administrator, and a developer and a reader of the namespaces, with the stage's ready-made policies.

    `namespaces` are patterns of the local stage's `policies`.
    """
    names = [name_pattern(each) for each in namespaces]
    return People(
        _person(stack, ADMINISTRATOR, "AdministratorPolicy"),
        _person(stack, _DEVELOPER, *(f"WriterOf{each}" for each in names)),
        _reader(stack, *(f"ReaderOf{each}" for each in names)),
    )


def _person(stack: LocalStack, name: str, *policies: str) -> Person:
    arguments = make_client_arguments(stack.endpoint)
    iam, apigateway = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
    return make_person(iam, apigateway, stack.usage_plan, name, policies=[stack.policies[each] for each in policies])


def _reader(stack: LocalStack, *policies: str) -> Person:
    """Its API key is the one that the stack has for readers."""
    iam = boto3.client("iam", **make_client_arguments(stack.endpoint))
    user = make_user(iam, _READER, policies=[stack.policies[each] for each in policies])
    return Person(_READER, user.arn, user.access_key, user.secret_key, *stack.reader)
