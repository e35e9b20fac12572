"""The KMS key of a stack that is there stays what it is, and its API's resource policy lets in whom it should."""

from __future__ import annotations

import dataclasses
import http.client
import json
from contextlib import closing
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.cloudformation.options import with_options
from infra.deployment import deploy
from infra.deployment import release as releases
from infra.deployment.stack import Change, StackFailed
from infra.packaging.service_zip import Package
from infra.stage import Stage, parse
from local import clients
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.network.loopback import LOOPBACK
from local.stack import make_target
from tests.support.infra.policy_evaluator import resolve

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

SECONDS = 60.0
NO_PROBE = {"enabled": False}
OWN, FOREIGN = "000000000000", "222222222222"


class Site(NamedTuple):
    """A stack of a test's own, with what was said and the changes that were shown."""

    emulator: Emulator
    stack: str
    said: list[str]
    shown: list[Change]

    def client(self, service: str) -> Any:  # noqa: ANN401  # one of boto3's many
        return boto3.client(service, **make_client_arguments(self.emulator.url))  # type: ignore[call-overload]  # by name

    def release(self, package: Package, **stage: object) -> deploy.Service:
        """Deploy as `make deploy` does."""
        wanted = self.stage(**stage)
        where = make_target(self.emulator.url, self.said.append)
        site = releases.Site(wanted, where, clients.REGION, self.said.append, self.emulator.url)
        return self._apply(releases.for_site(package, site), wanted)

    def deploy_without_looking(self, package: Package, **stage: object) -> deploy.Service:
        """Deploy what the stage file says, whatever the stack's key is."""
        wanted = self.stage(**stage)
        return self._apply(dataclasses.replace(package, template=with_options(package.template, wanted)), wanted)

    def stage(self, **stage: object) -> Stage:
        return parse({"stack": self.stack, "table": {"deletion_protection": False}, **stage})

    def _apply(self, package: Package, stage: Stage) -> deploy.Service:
        where = dataclasses.replace(make_target(self.emulator.url, self.said.append), approve=self._approve)
        return deploy.deploy_service(where, self.stack, package, stage.parameters(), SECONDS, emulator=True)

    def _approve(self, changes: list[Change]) -> bool:
        self.shown[:] = changes
        return True

    def key(self, service: deploy.Service) -> Any:  # noqa: ANN401  # what boto3 answers
        return self.client("kms").describe_key(KeyId=service.kms_key_arn)["KeyMetadata"]


@pytest.fixture
def site(emulator: Emulator, request: pytest.FixtureRequest) -> Site:
    return Site(emulator, f"infra-key-{abs(hash(request.node.name)) % 10**8}", [], [])


def test_a_new_stack_has_a_multi_region_key_that_can_be_replicated(site: Site, built_package: Package) -> None:
    service = site.release(built_package)
    assert site.key(service)["MultiRegion"] is True
    assert ":key/mrk-" in service.kms_key_arn
    site.client("kms").replicate_key(KeyId=service.kms_key_arn, ReplicaRegion="eu-west-1")
    again = site.release(built_package, log_days=7)
    assert again.kms_key_arn == service.kms_key_arn
    assert "NamespacesKey" not in [each.resource for each in site.shown]


def test_the_single_region_key_of_a_stack_is_kept_and_said(site: Site, built_package: Package) -> None:
    before = site.deploy_without_looking(built_package, multi_region=False)
    site.said.clear()
    after = site.release(built_package, multi_region=True, log_days=7)
    assert after.kms_key_arn == before.kms_key_arn
    assert site.key(after)["MultiRegion"] is False
    assert "NamespacesKey" not in [each.resource for each in site.shown]
    [said] = [each for each in site.said if "single-Region" in each]
    assert "multi_region = false" in said


def test_a_multi_region_key_is_kept_where_the_stage_says_single(site: Site, built_package: Package) -> None:
    before = site.release(built_package)
    after = site.release(built_package, multi_region=False, log_days=7)
    assert (after.kms_key_arn, site.key(after)["MultiRegion"]) == (before.kms_key_arn, True)


def test_without_looking_the_update_would_fail(site: Site, built_package: Package) -> None:
    """CloudFormation: "the update request fails, regardless of the value of the UpdateReplacePolicy attribute"."""
    site.deploy_without_looking(built_package, multi_region=False)
    with pytest.raises(StackFailed, match="MultiRegion"):
        site.deploy_without_looking(built_package, multi_region=True)


class Caller(NamedTuple):
    """An IAM user with an API key of the stack."""

    site: Site
    service: deploy.Service
    credentials: Credentials | None

    def call(self, method: str) -> int:
        """The status of a request to whoami, which is signed as POST and unsigned as GET."""
        where = f"/_aws/execute-api/{self.service.rest_api_id}/api/v1/whoami"
        body = None if method == "GET" else b"{}"
        gateway = self.site.client("apigateway")
        key = gateway.get_api_key(apiKey=self.service.reader_key_id, includeValue=True)["value"]
        headers = {"x-api-key": key, "content-type": "application/json"}
        if self.credentials:
            request = AWSRequest(method, self.site.emulator.url + where, data=body, headers=headers)
            SigV4Auth(self.credentials, "execute-api", clients.REGION).add_auth(request)
            headers = dict(request.headers.items())
        with closing(http.client.HTTPConnection(LOOPBACK, self.site.emulator.port, timeout=30)) as connection:
            connection.request(method, where, body, headers)
            return connection.getresponse().status


def caller(site: Site, service: deploy.Service, *, may_call: bool = True) -> Caller:
    """A user of the stack's account; its policy lets it call every API, or nothing."""
    iam, name = site.client("iam"), f"{site.stack}-{may_call}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    if may_call:
        iam.put_user_policy(UserName=name, PolicyName="calls", PolicyDocument=json.dumps({"Statement": [statement]}))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return Caller(site, service, Credentials(made["AccessKeyId"], made["SecretAccessKey"]))


def attach(site: Site, package: Package, service: deploy.Service, **stage: object) -> None:
    """Give the API the template's resource policy, which the emulator does not read from the API's body."""
    body = with_options(package.template, site.stage(**stage))["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    policy = resolve(body["x-amazon-apigateway-policy"], {"AWS::AccountId": OWN, "AWS::Partition": "aws"})
    patch = [{"op": "replace", "path": "/policy", "value": json.dumps(policy)}]
    site.client("apigateway").update_rest_api(restApiId=service.rest_api_id, patchOperations=patch)


def test_naming_another_account_changes_nothing_for_the_own_one(site: Site, built_package: Package) -> None:
    """The emulator finds no API of another account: tests/infra/cloudformation/test_two_accounts.py has those."""
    service = site.release(built_package)
    unsigned, writer = Caller(site, service, None), caller(site, service)
    powerless = caller(site, service, may_call=False)
    for stage in (
        {"consumer_accounts": [FOREIGN]},
        {"consumer_accounts": [FOREIGN, OWN], "consumer_org": "o-a1b2c3d4e5"},
    ):
        attach(site, built_package, service, **stage, network={"addresses": [f"{LOOPBACK}/32"]}, probe=NO_PROBE)
        assert unsigned.call("GET") == writer.call("GET") == writer.call("POST") == 200
        assert unsigned.call("POST") == powerless.call("POST") == 403
        attach(site, built_package, service, **stage, network={"addresses": ["203.0.113.0/24"]}, probe=NO_PROBE)
        assert {each.call(method) for each in (unsigned, writer) for method in ("GET", "POST")} == {403}
