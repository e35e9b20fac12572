"""Releases on the emulator: which deployment publishes a version, and that the alias serves it."""

from __future__ import annotations

import copy
import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import boto3
import pytest

from configsvc.adapters import metrics
from infra.cloudformation import template
from infra.cloudformation.options import with_options
from infra.deployment import bucket, deploy
from infra.deployment.stack import Outcome
from infra.packaging.service_zip import Package
from infra.stage import Stage, parse
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.network.loopback import LOOPBACK
from local.stack import make_target

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

SECONDS = 60.0
CANARY = {"function": {"canary": "Canary10Percent5Minutes"}, "api": {"rate": 10, "burst": 10}}


class Site(NamedTuple):
    """A stack of a test's own."""

    emulator: Emulator
    stack: str

    def deployed(self, built: Package, **settings: Any) -> deploy.Service:  # noqa: ANN401  # as TOML has them
        stage: Stage = parse({"stack": self.stack, **CANARY, **settings})
        package = replace(built, template=with_options(built.template, stage))
        target = make_target(self.emulator.url, lambda _: None)
        return deploy.deploy_service(target, self.stack, package, stage.parameters(), SECONDS, emulator=True)

    def deployed_as(self, built: Package, sam: template.Template, parameters: Mapping[str, str]) -> None:
        target = make_target(self.emulator.url, lambda _: None)
        key = bucket.upload_file(target, self.stack, built.zip)
        located = template.locate(sam, target.bucket, key, built.sha256, parameters)
        done = template.for_emulator(template.expand(located), self.emulator.url)
        deploy.deploy(target, self.stack, done, {**parameters, "GatewayProof": "p" * 64}, SECONDS)

    def served(self, function: str) -> tuple[str, dict[str, str]]:
        """Version and environment behind the alias."""
        client = boto3.client("lambda", **make_client_arguments(self.emulator.url))
        found = client.get_function_configuration(FunctionName=function, Qualifier="live")
        return found["Version"], found["Environment"]["Variables"]

    def refused(self, service: deploy.Service) -> dict[str, Any]:
        """The log line of a request that the service refuses."""
        arguments = make_client_arguments(self.emulator.url)
        key = boto3.client("apigateway", **arguments).get_api_key(apiKey=service.reader_key_id, includeValue=True)
        path = f"/_aws/execute-api/{service.rest_api_id}/api/v1/namespaces/none/snapshot"
        with closing(http.client.HTTPConnection(LOOPBACK, self.emulator.port, timeout=30)) as connection:
            connection.request("GET", path, headers={"x-api-key": key["value"]})
            assert connection.getresponse().status == 404
        found = boto3.client("logs", **arguments).filter_log_events(logGroupName=service.log_group_name)["events"]
        lines = [json.loads(each["message"]) for each in found if '"status":404' in each["message"]]
        return dict(lines[-1])


def test_only_what_a_version_holds_publishes_one(emulator: Emulator, built_package: Package) -> None:
    site = Site(emulator, "infra-releases")
    name = site.deployed(built_package).function_name
    first = site.served(name)

    assert site.deployed(built_package).outcome is Outcome.UNCHANGED
    assert site.deployed(built_package, api={"rate": 20, "burst": 20}, log_days=7).outcome is Outcome.UPDATED
    assert site.served(name) == first

    site.deployed(built_package, admins=["arn:aws:iam::000000000000:user/first"])
    version, variables = site.served(name)
    assert version != first[0]
    assert variables["CONFIGSVC_ADMINS"] == "arn:aws:iam::000000000000:user/first"


def test_a_refused_request_counts_against_the_version_that_answered(emulator: Emulator, built_package: Package) -> None:
    site = Site(emulator, "infra-refusing")
    service = site.deployed(built_package)
    line = site.refused(service)
    version, _ = site.served(service.function_name)
    assert (line[metrics.REFUSED], line[metrics.SERVICE], line[metrics.VERSION]) == (1, service.function_name, version)


def test_a_second_function_serves_its_own_settings(emulator: Emulator, built_package: Package) -> None:
    site, sam = Site(emulator, "infra-two-functions"), copy.deepcopy(built_package.template)
    sam["Parameters"]["Bucket"] = {"Type": "String"}
    publisher = sam["Resources"]["Publisher"] = copy.deepcopy(sam["Resources"]["APIHandler"])
    publisher["Properties"]["FunctionName"] = {"Fn::Sub": "${AWS::StackName}-publisher"}
    publisher["Properties"]["Environment"] = {"Variables": {"BUCKET": {"Ref": "Bucket"}}}
    given = {"Admins": "a", "GatewayProofSha256": "0" * 64, "Bucket": "one"}

    site.deployed_as(built_package, sam, given)
    service, before = site.served(f"{site.stack}-api"), site.served(f"{site.stack}-publisher")
    site.deployed_as(built_package, sam, given | {"Bucket": "two"})
    after = site.served(f"{site.stack}-publisher")
    assert (before[1], after[1]) == ({"BUCKET": "one"}, {"BUCKET": "two"})
    assert before[0] != after[0]
    assert site.served(f"{site.stack}-api") == service
