"""docs/OPERATIONS.md played by an operator on a local AWS: the blocks as they are, in bash, with the rights it names.

What no test runs is marked in the document, with its reason (tests/docs/test_runbooks.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from tests.support.runbooks.facts import NEW_VALUE, World, serve_tls
from tests.support.runbooks.stand import raise_stand

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory, built_package: Package) -> Iterator[World]:
    """Shared by the runbooks: each leaves it in order."""
    with raise_stand(tmp_path_factory.mktemp("stand"), built_package) as made:
        yield World(*made)


def test_the_first_five_minutes(stand: World) -> None:
    printed = stand.follow("The first five minutes", {})
    assert '"table":"readable"' in printed.replace(" ", "")
    assert "\n200\n" in printed


def test_a_leaked_api_key(stand: World) -> None:
    leaked = stand.api_key("leaked", grant=True)
    assert stand.read_with(leaked) == 200

    of_the_stack = ["EDITOR", "NEW_KEY=$(output"]
    stand.follow("A leaked API key", {"API_KEY": leaked.identifier}, without=of_the_stack)

    assert stand.read_with(leaked) == 403
    assert stand.read_with(stand.api_key("payments-api-new")) == 200


def test_the_function_was_invoked_directly(stand: World) -> None:
    function = stand.stack.function
    client = boto3.client("lambda", **make_client_arguments(stand.stack.endpoint))
    iam = boto3.client("iam", **make_client_arguments(stand.stack.endpoint))
    may = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    iam.create_user(UserName="invoker")
    iam.put_user_policy(UserName="invoker", PolicyName="x", PolicyDocument=json.dumps({"Statement": [may]}))
    forged = json.dumps({"httpMethod": "GET", "resource": "/v1/grants"}).encode()
    answer = json.loads(client.invoke(FunctionName=function, Payload=forged)["Payload"].read())
    assert answer["statusCode"] == 403

    printed = stand.follow(
        "The function was invoked directly", {}, before={"saved_query unproven": stand.await_unproven}
    )

    assert json.loads(answer["body"])["instance"] in printed
    assert '"invoker"' in printed


def test_a_leaked_secret(stand: World) -> None:
    printed = stand.follow("A leaked secret", {"KEY": "api.token"}, value="api.token")
    assert stand.value("api.token") == NEW_VALUE
    assert "destroyed" in printed


def test_a_leaked_reader_s_role(stand: World) -> None:
    leaked, role = stand.api_key("leaked-with-role", grant=True), stand.reader_role()
    assert stand.opens(role)

    assigned = {"ROLE": role, "API_KEY": leaked.identifier, "KEY": "role.token"}
    stand.follow("A leaked reader's role or data key", assigned, value="role.token")

    assert not stand.opens(role)
    assert stand.read_with(leaked) == 404
    assert stand.value("role.token") == NEW_VALUE


@pytest.mark.parametrize("title", ["A leaked writer", "A leaked administrator"])
def test_a_leaked_writer_or_administrator(stand: World, title: str) -> None:
    thief, accomplice = stand.writer(title.replace(" ", "-")), stand.api_key("accomplice", grant=True)
    good = stand.revision()
    assert stand.write_as(thief, "forged") < 300

    stand.follow(title, {
        "USER_NAME": thief.name, "ACCESS_KEY": thief.access_key, "PRINCIPAL": thief.arn, "API_KEY": thief.api_key_id,
        "GOOD": str(good), "STRANGER": f"api-key:{accomplice.identifier}",
    })  # fmt: skip

    assert stand.write_as(thief, "again") == 403
    assert stand.read_with(accomplice) == (404 if "administrator" in title else 200)
    assert stand.value("log.level") == "info"
    assert stand.value("db.password") == NEW_VALUE


def test_a_bad_release_of_the_service(stand: World) -> None:
    good = stand.stage_file.read_text()
    stand.stage_file.write_text(f'log_level = "debug"\n{good}')
    stand.deploy()
    assert stand.log_level() == "debug"
    stand.stage_file.write_text(good)

    stand.follow("A bad release of the service", {})

    assert stand.log_level() == "info"


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_the_kms_key_is_disabled_or_pending_deletion(stand: World, state: str) -> None:
    key = stand.stack.kms_key_arn
    if state == "Disabled":
        stand.kms.disable_key(KeyId=key)
    else:
        stand.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert stand.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == state

    # Cancelling is for a deletion only: the runbook says to go on where the key refuses it.
    without = ["cancel-key-deletion"] if state == "Disabled" else []
    stand.follow("The KMS key is disabled or pending deletion", {}, without=without)

    assert stand.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert stand.value("log.level") == "info"


def test_the_kms_key_was_changed(stand: World) -> None:
    key = stand.stack.kms_key_arn
    right = json.loads(stand.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    wrong = {**right, "Statement": [*right["Statement"], {**right["Statement"][0], "Sid": "Thief", "Action": "kms:*"}]}
    stand.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(wrong))

    stand.follow("The KMS key was changed", {})

    assert json.loads(stand.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == right


def test_the_stack_is_update_rollback_failed(stand: World) -> None:
    printed = stand.follow("The stack is UPDATE_ROLLBACK_FAILED", {})
    assert "_COMPLETE" in printed


def test_all_consumers_restart_at_once(stand: World) -> None:
    limits = "[function]\nreserved_concurrency = 300\n[reader]\nrate = 1500\nburst = 3000\n"
    printed = stand.follow("All consumers restart at once", {}, editing=lambda text: text + limits)
    assert '"rateLimit": 1500' in printed
    assert "\n300\n" in printed


def test_the_certificate_or_the_domain_fails(stand: World, tmp_path: Path) -> None:
    with serve_tls(tmp_path) as port:
        assigned = {"HOST": "localhost", "PORT": str(port), "DIRECT": stand.stack.url}
        printed = stand.follow("The certificate or the domain fails", assigned)
    assert "127.0.0.1" in printed
    assert "Issuer: " in printed
    assert "Not After : " in printed
    assert "DNS:localhost" in printed
