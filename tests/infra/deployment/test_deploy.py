"""The real zip and the real template on the emulator: deployed once, again, with a change, and in vain."""

import http.client
import json
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from infra.cloudformation.gateway_responses import gateway_responses
from infra.consumer import Settings, deploy_consumer
from infra.deployment import deploy
from infra.deployment.stack import Outcome, StackFailed
from infra.packaging.platforms import find_local
from infra.packaging.service_zip import Package
from infra.stage import load
from local.clients import REGION, make_client_arguments
from local.emulator.launcher import Emulator
from local.network.loopback import LOOPBACK
from local.stack import make_target as local_target

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]

STACK = "infra-deploy"
SECONDS = 60.0
ADMIN = "arn:aws:iam::000000000000:user/first"


class Answer(NamedTuple):
    status: int
    content_type: str
    body: dict[str, Any]


class Deployment(NamedTuple):
    target: deploy.Target
    emulator: Emulator
    service: deploy.Service

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        with closing(http.client.HTTPConnection(LOOPBACK, self.emulator.port, timeout=30)) as connection:
            connection.request(method, self._where(path), b"{}" if method != "GET" else None, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers["content-type"], json.loads(response.read()))

    def _where(self, path: str) -> str:
        return f"/_aws/execute-api/{self.service.rest_api_id}/api{path}"

    def api_key(self) -> str:
        gateway = boto3.client("apigateway", **make_client_arguments(self.emulator.url))
        return gateway.get_api_key(apiKey=self.service.reader_key_id, includeValue=True)["value"]

    def signed(self, method: str, path: str, credentials: Credentials, headers: dict[str, str]) -> dict[str, str]:
        request = AWSRequest(method, self.emulator.url + self._where(path), data=b"{}", headers=headers)
        SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        return dict(request.headers.items())


@pytest.fixture(scope="module")
def deployment(emulator: Emulator, built_package: Package) -> Deployment:
    target = local_target(emulator.url, lambda _: None)
    return Deployment(target, emulator, apply(target, built_package, {"Admins": ADMIN}))


def apply(target: deploy.Target, package: Package, parameters: dict[str, str]) -> deploy.Service:
    return deploy.deploy_service(target, STACK, package, parameters, SECONDS, emulator=True)


@pytest.fixture(scope="module")
def stranger(deployment: Deployment) -> Credentials:
    """An IAM user without any policy."""
    iam = boto3.client("iam", **make_client_arguments(deployment.emulator.url))
    iam.create_user(UserName="infra-stranger")
    made = iam.create_access_key(UserName="infra-stranger")["AccessKey"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


def test_deploying_it_again_changes_nothing_and_says_so(deployment: Deployment, built_package: Package) -> None:
    again = apply(deployment.target, built_package, {"Admins": ADMIN})
    assert again.outcome is Outcome.UNCHANGED
    assert again.rest_api_id == deployment.service.rest_api_id


def test_a_changed_parameter_reaches_the_alias(deployment: Deployment, built_package: Package) -> None:
    functions = boto3.client("lambda", **make_client_arguments(deployment.emulator.url))
    changed = apply(deployment.target, built_package, {"Admins": ADMIN, "LogLevel": "debug"})
    served = functions.get_function_configuration(FunctionName=changed.function_name, Qualifier="live")
    assert changed.outcome is Outcome.UPDATED
    assert served["Environment"]["Variables"]["CONFIGSVC_LOG_LEVEL"] == "debug"
    assert apply(deployment.target, built_package, {"Admins": ADMIN}).outcome is Outcome.UPDATED


def read_tags(deployment: Deployment, stack: str) -> dict[str, str]:
    [found] = deployment.target.cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {each["Key"]: each["Value"] for each in found.get("Tags", [])}


def test_the_stack_has_the_tags_of_the_stage(deployment: Deployment) -> None:
    assert load("local").tags
    assert read_tags(deployment, STACK) == load("local").tags


def test_a_protected_stack_refuses_to_be_deleted_until_that_is_lifted(deployment: Deployment) -> None:
    stack = deployment.target.stack(STACK)
    stack.protect(wanted=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stack.delete(SECONDS)
    stack.protect(wanted=False)
    assert not stack.is_protected()


def test_health_and_nothing_else_is_open(deployment: Deployment) -> None:
    assert deployment.ask("GET", "/v1/health").status == 200
    assert deployment.ask("GET", "/v1/namespaces").status == 403


def test_a_read_with_the_key_of_the_stack_is_taken(deployment: Deployment) -> None:
    assert deployment.ask("GET", "/v1/whoami", {"x-api-key": deployment.api_key()}).status == 200


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}])
def test_a_read_without_a_valid_key_is_answered_a_problem(deployment: Deployment, headers: dict[str, str]) -> None:
    refused = deployment.ask("GET", "/v1/whoami", headers)
    assert (refused.status, refused.content_type) == (403, "application/problem+json")
    assert (refused.body["code"], refused.body["status"]) == ("forbidden", 403)
    assert "x-api-key" in refused.body["detail"]


def test_an_unsigned_write_is_answered_a_problem(deployment: Deployment) -> None:
    refused = deployment.ask("PUT", "/v1/namespaces/a", {"x-api-key": deployment.api_key()})
    assert (refused.status, refused.content_type) == (403, "application/problem+json")
    assert "SigV4" in refused.body["detail"]


def test_a_signature_that_does_not_match_is_answered_a_problem(deployment: Deployment, stranger: Credentials) -> None:
    wrong = Credentials(stranger.access_key, "x" * 40)
    headers = deployment.signed("PUT", "/v1/namespaces/a", wrong, {"x-api-key": deployment.api_key()})
    refused = deployment.ask("PUT", "/v1/namespaces/a", headers)
    assert (refused.status, refused.content_type) == (403, "application/problem+json")
    assert "signature" in refused.body["detail"]


def test_a_signed_write_without_permission_is_denied(deployment: Deployment, stranger: Credentials) -> None:
    headers = deployment.signed("PUT", "/v1/namespaces/a", stranger, {"x-api-key": deployment.api_key()})
    assert deployment.ask("PUT", "/v1/namespaces/a", headers).status == 403


def test_the_kms_key_rotates_and_the_log_is_bounded(deployment: Deployment) -> None:
    arguments = make_client_arguments(deployment.emulator.url)
    rotation = boto3.client("kms", **arguments).get_key_rotation_status(KeyId=deployment.service.kms_key_arn)
    logs = boto3.client("logs", **arguments)
    [group] = logs.describe_log_groups(logGroupNamePrefix=deployment.service.log_group_name)["logGroups"]
    assert rotation["KeyRotationEnabled"] is True
    assert group["retentionInDays"] == 30


def test_the_stage_is_the_only_one_and_is_throttled(deployment: Deployment) -> None:
    gateway = boto3.client("apigateway", **make_client_arguments(deployment.emulator.url))
    [stage] = gateway.get_stages(restApiId=deployment.service.rest_api_id)["item"]
    assert stage["stageName"] == "api"
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 1000


def test_the_emulator_still_ignores_gateway_responses_in_the_api_body(emulator: Emulator) -> None:
    """When this fails, `infra.cloudformation.template.for_emulator` need no longer turn them into resources."""
    body = {
        "swagger": "2.0",
        "info": {"title": "infra-ignored", "version": "1"},
        "paths": {},
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    }
    gateway = boto3.client("apigateway", **make_client_arguments(emulator.url))
    made = gateway.import_rest_api(body=json.dumps(body).encode())
    assert all(response["defaultResponse"] for response in gateway.get_gateway_responses(restApiId=made["id"])["items"])


def test_a_consumer_gets_a_role_that_opens_its_namespaces_only(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "consumer.zip").write_bytes(b"PK\x05\x06" + bytes(18))  # an empty zip: it is not run here
    settings = Settings(
        platform=find_local(),
        url="https://api.example",
        api_key="canary-key",
        namespaces=("payments.prod", "shared.prod"),
        kms_key_arn=deployment.service.kms_key_arn,
        poll_seconds=2,
    )
    deployed = deploy_consumer(deployment.target, "infra-consumer", tmp_path / "consumer.zip", settings, SECONDS)
    iam = boto3.client("iam", **make_client_arguments(deployment.emulator.url))
    role = deployed.outputs["RoleArn"].split("/")[-1]
    policy: Any = iam.get_role_policy(RoleName=role, PolicyName="consumer")["PolicyDocument"]
    allowed = policy["Statement"][0]["Condition"]["StringEquals"]["kms:EncryptionContext:configsvc:namespace"]
    assert deployed.outcome is Outcome.CREATED
    assert allowed == ["payments.prod", "shared.prod"]
    assert read_tags(deployment, "infra-consumer") == load("local").tags


def test_a_deployment_that_fails_tells_which_resource_and_why(deployment: Deployment) -> None:
    response = {"RestApiId": "none", "ResponseType": "THROTTLED"}
    template = {"Resources": {"Wrong": {"Type": "AWS::ApiGateway::GatewayResponse", "Properties": response}}}
    with pytest.raises(StackFailed, match="Wrong: "):
        deploy.deploy(deployment.target, "infra-wrong", template, {}, SECONDS)
    deployment.target.stack("infra-wrong").delete(SECONDS)
