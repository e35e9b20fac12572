"""A deployed service of a test's own, with people, a namespace and sealed values: what may be broken and mended."""

from __future__ import annotations

from typing import NamedTuple

import boto3

from configsvc.model.grants import Grant
from configsvc_client import Config
from configsvc_client.admin import Admin, from_environ
from infra.packaging.service_zip import REGION, Package
from local.clients import Credentials, make_client_arguments
from local.people import ApiKey, Person, Statement, invoke, make_api_key, make_person, use_kms_key
from local.stack import ADMINISTRATOR, LocalStack, deploy_stack
from local.story.terminal import variables
from tests.support.journeys.api import Api
from tests.support.journeys.stage import api_key_principal, iam_principal

NAMESPACE = "payments.prod"
SECRET = "db.password"
CANARY = "canary-hunter2"


class OwnStack(NamedTuple):
    """A stack, an administrator, a writer, a reader's API key; all may read and the writer write `payments.*`."""

    name: str
    stack: LocalStack
    administrator: Person
    writer: Person
    reader: ApiKey

    @property
    def api(self) -> Api:
        return Api(self.stack.url, REGION)

    def admin(self, who: Person, namespace: str = NAMESPACE) -> Admin:
        """The write side in that person's hands."""
        return from_environ(variables(self.stack, who, namespace))

    def resource(self, logical_id: str) -> str:
        """The id that AWS gave a resource of the stack."""
        return find_resource(self.stack.endpoint, self.name, logical_id)

    def config(self, who: Credentials, namespace: str = NAMESPACE) -> Config:
        """A consumer with these AWS credentials, to be closed; it waits for a function that starts."""
        person = Person("consumer", "", who.access_key_id, who.secret_access_key, *self.reader)
        held = variables(self.stack, person, namespace)
        held["CONFIGSVC_REFRESH_SECONDS"] = "30"
        return Config(environ=held | ({"AWS_SESSION_TOKEN": who.session_token} if who.session_token else {}))


def raise_own(endpoint: str, package: Package, name: str) -> OwnStack:
    """Deploy it, make the people, grant, and put what everybody reads."""
    stack = deploy_stack(endpoint, package, lambda _: None, name)
    everything = invoke(stack.api_arn, "*")
    administrator = _person(
        stack, f"{ADMINISTRATOR}-of-{name}", everything, use_kms_key(stack.kms_key_arn, "*", "GenerateDataKey")
    )
    writer = _person(stack, f"{name}-writer", everything, use_kms_key(stack.kms_key_arn, "payments.*", "Decrypt"))
    own = OwnStack(name, stack, administrator, writer, _api_key(stack, f"{name}-reader"))
    _furnish(own)
    return own


def find_resource(endpoint: str, stack: str, logical_id: str) -> str:
    """The id that AWS gave a resource of a stack: a list call would answer one page of what all stacks have."""
    client = boto3.client("cloudformation", **make_client_arguments(endpoint))
    found = client.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def _furnish(own: OwnStack) -> None:
    may = {
        api_key_principal(own.reader): "read",
        api_key_principal(own.writer): "read",
        api_key_principal(own.administrator): "read",
        iam_principal(own.writer): "write",
    }
    with own.admin(own.administrator) as admin:
        for principal, action in may.items():
            admin.grants.set(principal, [Grant((action,), ("payments.*",))])  # type: ignore[arg-type]  # both are actions
        admin.namespaces.create(NAMESPACE)
        admin.data_keys.add(NAMESPACE, own.stack.kms_key_arn)
    with own.admin(own.writer) as writer:
        writer.values.put(NAMESPACE, SECRET, CANARY)


def _person(stack: LocalStack, name: str, *statements: Statement) -> Person:
    arguments = make_client_arguments(stack.endpoint)
    iam, apigateway = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
    return make_person(iam, apigateway, stack.usage_plan, name, list(statements))


def _api_key(stack: LocalStack, name: str) -> ApiKey:
    client = boto3.client("apigateway", **make_client_arguments(stack.endpoint))
    return make_api_key(client, stack.usage_plan, name)
