"""The proof on the emulator: a stack that had none, a rotation, and versions that would still take a forged event."""

from __future__ import annotations

import copy
import http.client
import json
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

import boto3
import pytest

from infra.cloudformation import template
from infra.deployment import bucket, deploy
from infra.deployment.stack import Declined, Outcome
from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.network.loopback import LOOPBACK
from local.stack import make_target
from tests.support.web.events import build_event

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

ADMIN = "arn:aws:iam::000000000000:user/first"
SECONDS = 60.0


class Site(NamedTuple):
    """A stack of a test's own."""

    emulator: Emulator
    stack: str
    said: list[str]

    def client(self, service: str) -> Any:  # noqa: ANN401  # one of boto3's many
        return boto3.client(service, **make_client_arguments(self.emulator.url))  # type: ignore[call-overload]  # by name

    def deployed(self, package: Package, generation: int = 1) -> deploy.Service:
        parameters = {"Admins": ADMIN, "GatewayProofGeneration": str(generation)}
        where = make_target(self.emulator.url, self.said.append)
        return deploy.deploy_service(where, self.stack, package, parameters, SECONDS, emulator=True)

    def without_proof(self, package: Package) -> None:
        """As it was deployed before there was a proof."""
        where = make_target(self.emulator.url, self.said.append)
        key = bucket.upload_file(where, self.stack, package.zip)
        sam = template.expand(template.locate(strip_proof(package).template, where.bucket, key, "0" * 64))
        deploy.deploy(where, self.stack, template.for_emulator(sam, self.emulator.url), {"Admins": ADMIN}, SECONDS)

    def proof(self, service: deploy.Service) -> str:
        found = self.client("apigateway").get_stage(restApiId=service.rest_api_id, stageName="api")
        return str(found["variables"]["proof"])

    def asked(self, service: deploy.Service) -> tuple[str, list[str]]:
        """Mode and digests of the version that is served."""
        found = self.client("lambda").get_function_configuration(FunctionName=service.function_name, Qualifier="live")
        held = found["Environment"]["Variables"]
        return held["CONFIGSVC_PROOF_MODE"], held["CONFIGSVC_PROOF_SHA256"].split(",")

    def versions(self, service: deploy.Service) -> set[str]:
        found = self.client("lambda").list_versions_by_function(FunctionName=service.function_name)["Versions"]
        return {each["Version"] for each in found} - {"$LATEST"}

    def whoami(self, service: deploy.Service) -> int:
        """The status of a request through the gateway."""
        key = self.client("apigateway").get_api_key(apiKey=service.reader_key_id, includeValue=True)["value"]
        path = f"/_aws/execute-api/{service.rest_api_id}/api/v1/whoami"
        with closing(http.client.HTTPConnection(LOOPBACK, self.emulator.port, timeout=30)) as connection:
            connection.request("GET", path, headers={"x-api-key": key})
            return connection.getresponse().status

    def invoked(self, service: deploy.Service, proof: str | None = None) -> int:
        """The status of a direct invocation as the administrator."""
        sent = build_event("GET", "/v1/whoami", identity={"apiKeyId": "forged1", "userArn": ADMIN})
        sent["stageVariables"] = {"proof": proof} if proof else None
        answer = self.client("lambda").invoke(
            FunctionName=service.function_name, Qualifier="live", Payload=json.dumps(sent).encode()
        )
        return int(json.loads(answer["Payload"].read())["statusCode"])


def strip_proof(package: Package) -> Package:
    """The package with a template that knows of no proof."""
    sam = copy.deepcopy(package.template)
    for name in [name for name in sam["Parameters"] if name.startswith("GatewayProof")]:
        del sam["Parameters"][name]
    del sam["Outputs"]["ProofGeneration"], sam["Resources"]["RestAPI"]["Properties"]["Variables"]
    variables = sam["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    for name in [name for name in variables if "PROOF" in name]:
        del variables[name]
    return replace(package, template=sam)


def digest(proof: str) -> str:
    return sha256(proof.encode()).hexdigest()


def test_an_old_stack_observes_first_and_enforces_at_the_next_deployment(
    emulator: Emulator, built_package: Package
) -> None:
    site = Site(emulator, "infra-unproven", [])
    site.without_proof(built_package)

    service = site.deployed(built_package)
    assert site.asked(service) == ("observe", [digest(site.proof(service))])
    assert "deploy once more" in site.said[-1]
    assert (site.whoami(service), site.invoked(service)) == (200, 200)

    service = site.deployed(built_package)
    assert site.asked(service) == ("enforce", [digest(site.proof(service))])
    assert (site.whoami(service), site.invoked(service)) == (200, 403)
    assert len(site.versions(service)) == 1, "older versions would take a forged event"
    assert site.deployed(built_package).outcome is Outcome.UNCHANGED


def test_a_rotation_accepts_both_proofs_until_the_next_deployment(emulator: Emulator, built_package: Package) -> None:
    site = Site(emulator, "infra-rotated", [])
    service = site.deployed(built_package)
    old = site.proof(service)
    assert site.asked(service) == ("enforce", [digest(old)])

    service = site.deployed(built_package, generation=2)
    new = site.proof(service)
    assert new != old
    assert site.asked(service) == ("enforce", [digest(new), digest(old)])
    assert [site.invoked(service, each) for each in (new, old, None)] == [200, 200, 403]
    assert site.whoami(service) == 200

    service = site.deployed(built_package, generation=2)
    assert site.asked(service) == ("enforce", [digest(new)])
    assert [site.invoked(service, each) for each in (new, old, None)] == [200, 403, 403]
    assert (site.whoami(service), site.proof(service)) == (200, new)
    assert len(site.versions(service)) == 1, "older versions would take the previous proof"
    assert not [line for line in site.said if new in line or old in line]


def test_simultaneous_deployments_leave_function_and_stage_with_one_proof(
    emulator: Emulator, built_package: Package
) -> None:
    site = Site(emulator, "infra-two-at-once", [])
    service = site.deployed(built_package)

    def overtaken(said: str) -> None:
        if said.startswith("uploading") and not site.said.count("overtaken"):
            site.said.append("overtaken")
            site.deployed(built_package, generation=2)

    where = make_target(emulator.url, overtaken)
    with pytest.raises(Declined, match="deploy again"):
        deploy.deploy_service(where, site.stack, built_package, {"Admins": ""}, SECONDS, emulator=True)
    assert "overtaken" in site.said
    assert digest(site.proof(service)) in site.asked(service)[1]
    assert site.whoami(service) == 200
