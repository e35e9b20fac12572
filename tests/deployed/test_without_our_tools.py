"""A value can be put without our tools: the README's commands need only the AWS CLI and curl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest

from configsvc.bootstrap import app
from configsvc.model import grants
from infra.packaging.service_zip import REGION
from local.clients import make_client_arguments
from local.gateway.access import Access, Identity
from local.gateway.event import Event
from local.gateway.gateway import Gateway, LoopbackGateway
from local.people import ApiKey, Person, invoke, make_api_key, make_person, use_kms_key
from local.stack import LocalStack
from local.story.terminal import variables
from tests.support.deployed.without_our_tools import ROOT, commands, walk
from tests.support.fixtures.deployed import Deployed
from tests.support.journeys.api import Api
from tests.support.journeys.stage import api_key_principal, iam_principal
from tests.support.local.aws_people import assume_role, new_role, new_user

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]

NAMESPACE = "payments.without-our-tools"
KEY = "sms.token"
CANARY = 'canary "of" the\nsecond line: zażółć $HOME'
_READ = "import sys; from configsvc_client import Config; sys.stdout.write(Config().secret(sys.argv[1]).reveal())"


@pytest.fixture(scope="module")
def script() -> str:
    """Skips without curl, unless REQUIRE_CURL=yes."""
    if not shutil.which("curl"):
        why = "the README's commands without our tools were not tried: this computer has no curl"
        if os.environ.get("REQUIRE_CURL") == "yes":
            pytest.fail(why)
        pytest.skip(why)
    return commands((ROOT / "README.md").read_text())


class Written(NamedTuple):
    """A namespace without a data key, a developer who writes it, and an API key that reads it."""

    stack: LocalStack
    administrator: Person
    developer: Person
    reader: ApiKey
    namespace: str = NAMESPACE

    def shell(self, **others: str) -> dict[str, str]:
        """Return the variables of the developer's shell."""
        return variables(self.stack, self.developer, self.namespace) | others

    def grant(self, principal: str, action: str) -> None:
        body = {"grants": [{"actions": [action], "namespaces": [self.namespace]}]}
        api = Api(self.stack.url, REGION)
        api.send("PUT", "/v1/grants", self.administrator, body, query={"principal": principal}).json()


@pytest.fixture(scope="module")
def written(deployed: Deployed) -> Written:
    stack, administrator = deployed.stack, deployed.people.administrator
    arguments = make_client_arguments(stack.endpoint)
    apigateway = boto3.client("apigateway", **arguments)
    may = [
        invoke(stack.api_arn, f"PUT/v1/namespaces/{NAMESPACE}*"),
        use_kms_key(stack.kms_key_arn, f"{NAMESPACE}*", "Encrypt"),
    ]
    developer = make_person(boto3.client("iam", **arguments), apigateway, stack.usage_plan, "without-our-tools", may)
    reader = make_api_key(apigateway, stack.usage_plan, "without-our-tools-reader")
    written = Written(stack, administrator, developer, reader)
    body = {"description": "written without our tools"}
    Api(stack.url, REGION).send("PUT", f"/v1/namespaces/{NAMESPACE}", administrator, body).json()
    written.grant(iam_principal(developer), "write")
    written.grant(api_key_principal(developer), "read")
    written.grant(api_key_principal(written.reader), "read")
    return written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder with the developer's value."""
    (tmp_path / "value.txt").write_text(CANARY)
    return tmp_path


def test_a_consumer_opens_a_value_put_by_the_readme_s_commands(script: str, written: Written, folder: Path) -> None:
    done = walk(script, written.shell(), folder)

    assert done.returncode == 0, done
    answer = json.loads(done.stdout)
    assert (answer["namespace"], answer["key"], answer["active"]) == (NAMESPACE, KEY, answer["version"])
    assert _as_a_consumer_reads_it(written) == CANARY


def test_the_commands_work_with_temporary_credentials(script: str, written: Written, folder: Path) -> None:
    may_put = invoke(written.stack.api_arn, f"PUT/v1/namespaces/{NAMESPACE}/*")
    role = new_role(written.stack.endpoint, may_put, use_kms_key(written.stack.kms_key_arn, NAMESPACE, "Encrypt"))
    principal = grants.normalize_arn(role)
    assert principal is not None
    written.grant(principal, "write")
    session = assume_role(written.stack.endpoint, role)
    held = written.shell(
        AWS_ACCESS_KEY_ID=session.access_key_id,
        AWS_SECRET_ACCESS_KEY=session.secret_access_key,
        AWS_SESSION_TOKEN=session.session_token or "",
    )
    (folder / "value.txt").write_text("by a role")

    done = walk(script, held, folder)

    assert done.returncode == 0, done
    assert _as_a_consumer_reads_it(written) == "by a role"


def test_without_a_grant_the_command_fails_and_says_so(script: str, written: Written, folder: Path) -> None:
    done = walk(script, written.shell(CONFIGSVC_NAMESPACES=f"{NAMESPACE}.of-others"), folder)

    assert done.returncode == 22, done
    assert json.loads(done.stdout)["status"] == 404
    assert CANARY not in done.stdout + done.stderr


def test_a_blob_for_another_key_opens_as_none(script: str, written: Written, folder: Path) -> None:
    elsewhere = script.replace("configsvc:key=$KEY", "configsvc:key=another")
    assert elsewhere != script

    done = walk(elsewhere, written.shell(), folder)

    assert done.returncode == 0, done
    assert "CannotOpen" in _consumer(written).stderr


def test_a_wrong_secret_key_gets_nowhere(script: str, written: Written, folder: Path) -> None:
    done = walk(
        f"NS={NAMESPACE} KEY={KEY} BLOB=QUJD\n{_curl(script)}", written.shell(AWS_SECRET_ACCESS_KEY="no"), folder
    )

    assert done.returncode == 22, done
    assert json.loads(done.stdout)["status"] == 403


@pytest.mark.parametrize("token", [None, "dG9rZW4/+="], ids=["lasting credentials", "temporary credentials"])
def test_the_signature_holds_before_a_stricter_judge_than_the_emulator(
    script: str, folder: Path, token: str | None
) -> None:
    seen: list[Event] = []

    def target(event: Event) -> dict[str, object]:
        seen.append(event)
        return {"statusCode": 201, "body": "{}"}

    access = Access({"key": "id"}, {"AKIA": Identity("secret", "arn:aws:iam::123456789012:user/ann", token=token)})
    with LoopbackGateway(Gateway(target, app.routes, access, {})) as gateway:
        held = {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
        held |= {"CONFIGSVC_URL": gateway.url, "CONFIGSVC_API_KEY": "key"} | (
            {"AWS_SESSION_TOKEN": token} if token else {}
        )
        done = walk(f"NS={NAMESPACE} KEY={KEY} BLOB=QUJD\n{_curl(script)}", held, folder)

    assert done.returncode == 0, done
    assert [each["path"] for each in seen] == [f"/v1/namespaces/{NAMESPACE}/keys/{KEY}"]
    assert json.loads(seen[0]["body"]) == {"form": "kms", "content_type": "text/plain", "value": "QUJD"}


def _curl(script: str) -> str:
    """From the request on: the blob is there."""
    return script[script.index("curl ") :]


def _as_a_consumer_reads_it(written: Written) -> str:
    done = _consumer(written)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _consumer(written: Written) -> subprocess.CompletedProcess[str]:
    """Run the real client in a separate process, under an IAM identity that may only open this namespace."""
    may = new_user(written.stack.endpoint, use_kms_key(written.stack.kms_key_arn, NAMESPACE, "Decrypt"))
    reader = Person("consumer", "", may.access_key_id, may.secret_access_key, *written.reader)
    return subprocess.run(
        [sys.executable, "-c", _READ, KEY],
        env=variables(written.stack, reader, NAMESPACE),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
