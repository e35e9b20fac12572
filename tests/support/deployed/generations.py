"""The API keys of a stack's reader: deploy the stack with another `[reader]`, and look its keys up."""

from __future__ import annotations

from typing import NamedTuple

import boto3

from infra.deployment.deploy import deploy_service
from infra.deployment.release import Site, for_site
from infra.deployment.two_keys import advise
from infra.packaging.service_zip import REGION, Package
from infra.stage import Consumers, load
from local.clients import make_client_arguments
from local.people import ApiKey
from local.stack import administrators, make_target
from tests.support.deployed.own_stack import OwnStack

_SECONDS = 120.0


class Generations(NamedTuple):
    """A stack of a test's own, and the package that it is deployed from."""

    own: OwnStack
    package: Package

    def deploy(self, **reader: int) -> tuple[dict[str, str], list[str]]:
        """Deploy the stack with this `[reader]`; returns its outputs, and what `make deploy` advises."""
        endpoint, name = self.own.stack.endpoint, self.own.name
        consumers = Consumers.model_validate({"rate": 500, "burst": 1000, **reader})
        changed = {"stack": name, "admins": (administrators(endpoint),), "reader": consumers}
        stage, where = load("local").model_copy(update=changed), make_target(endpoint, lambda _: None)
        built = for_site(self.package, Site(stage, where, REGION, lambda _: None, endpoint))
        deploy_service(where, name, built, stage.parameters(), _SECONDS, emulator=True)
        outputs = where.stack(name).outputs()
        return outputs, advise(stage, outputs)

    def key(self, identifier: str) -> ApiKey:
        """An API key by its id."""
        client = boto3.client("apigateway", **make_client_arguments(self.own.stack.endpoint))
        return ApiKey(identifier, client.get_api_key(apiKey=identifier, includeValue=True)["value"])
