"""Nothing is allowed that is not needed: without any one permission the case that needs it fails, and others hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from configsvc.model.errors import CannotOpen, ConfigsvcError, Forbidden
from configsvc.model.grants import Grant
from configsvc_client.admin import from_environ
from infra.packaging.service_zip import Package
from local.clients import Credentials, make_client_arguments
from local.emulator.launcher import Emulator
from local.people import make_person
from local.story.terminal import variables
from tests.support.cli.shell import Shell
from tests.support.deployed.own_stack import CANARY, NAMESPACE, SECRET, OwnStack, raise_own
from tests.support.deployed.permissions import Held, of_role, of_user
from tests.support.journeys.api import Reply
from tests.support.journeys.sealing import plain
from tests.support.journeys.stage import api_key_principal, iam_principal
from tests.support.journeys.waiting import until
from tests.support.local.aws_people import assume_role, iam, kms, may_decrypt, new_role

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_PATH = f"/v1/namespaces/{NAMESPACE}"
_STACK = "configsvc-privileges"


@pytest.fixture(scope="module")
def own(emulator: Emulator, built_package: Package) -> OwnStack:
    return raise_own(emulator.url, built_package, _STACK)


@pytest.fixture(scope="module")
def service(own: OwnStack) -> Held:
    """The permissions of the service's role."""
    return of_role(own.stack.endpoint, own.resource("ApiHandlerRole"))


Route = Callable[[OwnStack], Reply]


def _poll(own: OwnStack) -> Reply:
    return own.api.send("GET", f"{_PATH}/snapshot", own.reader)


def _keys(own: OwnStack) -> Reply:
    return own.api.send("GET", f"{_PATH}/keys", own.reader)


def _put(own: OwnStack) -> Reply:
    return own.api.send("PUT", f"{_PATH}/keys/plain", own.writer, plain(uuid4().hex))


def _create(own: OwnStack) -> Reply:
    return own.api.send("PUT", f"/v1/namespaces/payments.{uuid4().hex[:10]}", own.administrator, {})


def _delete(own: OwnStack) -> Reply:
    name = f"payments.{uuid4().hex[:10]}"
    assert own.api.send("PUT", f"/v1/namespaces/{name}", own.administrator, {}).status == 201
    return own.api.send("DELETE", f"/v1/namespaces/{name}", own.administrator)


class Case(NamedTuple):
    action: str
    needs: Route
    does_not: Route


CASES = [
    Case("dynamodb:BatchGetItem", _put, _poll),
    Case("dynamodb:GetItem", _poll, _put),
    Case("dynamodb:Query", _keys, _put),
    Case("dynamodb:PutItem", _put, _keys),
    Case("dynamodb:ConditionCheckItem", _put, _create),
    Case("dynamodb:DeleteItem", _delete, _put),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.action)
def test_without_a_permission_the_route_that_needs_it_fails_and_another_holds(
    own: OwnStack, service: Held, case: Case
) -> None:
    until(lambda: _poll(own).status == 200)  # grants and the snapshot are in memory
    with service.without(case.action):
        failed, held = case.needs(own), case.does_not(own)

    assert failed.status == 500, (failed.status, failed.body)
    assert failed.code == "internal"
    assert case.action.partition(":")[2].encode() not in failed.body
    assert held.status < 300, (held.status, held.body)
    assert case.needs(own).status < 300


def test_the_service_may_use_its_table_only_as_needed(service: Held) -> None:
    assert {action for action in service.actions if action.startswith("dynamodb:")} == {case.action for case in CASES}


def test_a_reader_whose_condition_names_another_namespace_opens_nothing(own: OwnStack) -> None:
    endpoint = own.stack.endpoint
    role = new_role(endpoint, may_decrypt(NAMESPACE))
    held, credentials = of_role(endpoint, role.rpartition("/")[2]), assume_role(endpoint, role)
    assert _open_by(own, credentials) == CANARY

    with (
        held.replaced({"Version": "2012-10-17", "Statement": [may_decrypt("payments.others")]}),
        pytest.raises(CannotOpen),
    ):
        _open_by(own, credentials)
    with held.without("kms:Decrypt"), pytest.raises(CannotOpen):
        _open_by(own, credentials)

    assert _open_by(own, credentials) == CANARY


def _open_by(own: OwnStack, credentials: Credentials) -> str:
    with closing(own.config(credentials)) as config:
        return str(config.secret(SECRET).reveal())


def _with_policy(own: OwnStack, policy: str) -> Credentials:
    """A role with a ready-made policy of the stack, and nothing else."""
    endpoint = own.stack.endpoint
    role = new_role(endpoint)
    iam(endpoint).attach_role_policy(RoleName=role.rpartition("/")[2], PolicyArn=own.stack.policies[policy])
    return assume_role(endpoint, role)


def _is_denied(does: Callable[[], object]) -> bool:
    with pytest.raises(ClientError) as refused:
        does()
    return refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_the_ready_made_reader_opens_only_its_namespaces_and_wraps_nothing(own: OwnStack) -> None:
    held = _with_policy(own, "ReaderOfPaymentsAny")
    key, context = own.stack.kms_key_arn, {"configsvc:namespace": "orders.prod"}
    theirs = kms(own.stack.endpoint).encrypt(KeyId=key, Plaintext=b"theirs", EncryptionContext=context)
    reader = kms(own.stack.endpoint, held)

    assert _open_by(own, held) == CANARY
    assert _is_denied(lambda: reader.decrypt(CiphertextBlob=theirs["CiphertextBlob"], EncryptionContext=context))
    mine = {"configsvc:namespace": NAMESPACE}
    assert _is_denied(lambda: reader.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=mine))


def test_the_ready_made_writer_writes_and_cannot_administer(own: OwnStack) -> None:
    arguments = make_client_arguments(own.stack.endpoint)
    who = make_person(
        iam(own.stack.endpoint), boto3.client("apigateway", **arguments), own.stack.usage_plan, f"{_STACK}-ready",
        policies=(own.stack.policies["WriterOfPaymentsAny"],),
    )  # fmt: skip
    with own.admin(own.administrator) as admin:
        admin.grants.set(iam_principal(who), [Grant(("write", "admin"), ("*",))])
        admin.grants.set(api_key_principal(who), [Grant(("read",), ("*",))])

    def refused(method: str, path: str) -> bool:
        return own.api.send(method, path, who, {}).status == 403

    _seal(own._replace(writer=who))
    assert refused("PUT", _PATH)
    assert refused("POST", f"{_PATH}/data-keys")
    assert refused("PUT", "/v1/namespaces/orders.prod/keys/plain")
    assert refused("DELETE", f"{_PATH}/keys/{SECRET}/versions/1")
    assert own.api.send("PUT", f"{_PATH}/keys/doomed", who, plain("x")).status == 201
    assert own.api.send("DELETE", f"{_PATH}/keys/doomed", who).status == 200


def _seal(own: OwnStack) -> None:
    with own.admin(own.writer) as writer:
        writer.values.put(NAMESPACE, SECRET, CANARY)


def _expect_refusal(does: Callable[[OwnStack], object], own: OwnStack) -> ConfigsvcError:
    with pytest.raises(ConfigsvcError) as refused:
        does(own)
    return refused.value


def test_a_writer_without_invoke_is_refused_by_the_gateway_and_reads_on(own: OwnStack) -> None:
    with of_user(own.stack.endpoint, own.writer.name).without("execute-api:Invoke"):
        assert isinstance(_expect_refusal(_seal, own), Forbidden)
        assert own.api.send("GET", f"{_PATH}/snapshot", own.writer).status == 200
    _seal(own)


def test_an_iam_denial_names_the_policy_and_doctor_reports_no_write(own: OwnStack, tmp_path: Path) -> None:
    shell = Shell(variables(own.stack, own.writer, NAMESPACE), tmp_path)
    policy = f"configsvc iam-policy --for writer -n {NAMESPACE}"
    with of_user(own.stack.endpoint, own.writer.name).without("execute-api:Invoke"):
        refused, denied = _expect_refusal(_seal, own), shell.run("doctor", "-n", NAMESPACE, "-o", "json")
    allowed = shell.run("doctor", "-n", NAMESPACE, "-o", "json")
    assert (refused.members["gateway"], refused.members["action"], policy in refused.detail) == (
        "ACCESS_DENIED", "write", True,
    )  # fmt: skip
    assert own.writer.name in refused.detail  # IAM's own words reach the client through the gateway response
    found, well = (
        next(each for each in json.loads(done.out) if each["check"] == f"{NAMESPACE}: write")
        for done in (denied, allowed)
    )
    assert (found["state"], policy in found["what_to_do"], "may write" in found["found"]) == ("warning", True, False)
    assert (well["state"], "may write" in well["found"]) == ("ok", True)


@pytest.mark.parametrize(
    ("changed", "gateway", "says"),
    [
        ({"CONFIGSVC_API_KEY": "x" * 40}, "INVALID_API_KEY", "usage plan"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "INVALID_SIGNATURE", "secret access key"),
        ({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, "UNKNOWN_CREDENTIALS", "does not know"),
    ],
)
def test_each_refusal_of_the_gateway_is_told_apart(
    own: OwnStack, changed: dict[str, str], gateway: str, says: str
) -> None:
    with (
        from_environ(variables(own.stack, own.writer, NAMESPACE) | changed) as admin,
        pytest.raises(Forbidden) as refused,
    ):
        admin.values.put(NAMESPACE, "flag", "on", form="plain")
    assert (refused.value.members["gateway"], says in refused.value.detail) == (gateway, True)
    assert "CONFIGSVC_URL" not in refused.value.detail


def test_a_writer_without_decrypt_seals_nothing_and_writes_what_is_plain(own: OwnStack) -> None:
    with of_user(own.stack.endpoint, own.writer.name).without("kms:Decrypt"):
        assert isinstance(_expect_refusal(_seal, own), CannotOpen)
        assert _put(own).status == 201
    _seal(own)


def test_an_administrator_without_generate_data_key_adds_none(own: OwnStack) -> None:
    def add(own: OwnStack) -> object:
        with own.admin(own.administrator) as admin:
            return admin.data_keys.add(NAMESPACE, own.stack.kms_key_arn)

    with of_user(own.stack.endpoint, own.administrator.name).without("kms:GenerateDataKey"):
        assert isinstance(_expect_refusal(add, own), CannotOpen)
        assert _create(own).status == 201
    assert add(own)
