"""On the deployed stack, with IAM enforced: the runbook for a leaked reader's role, while the thief goes on with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.model.errors import ConfigsvcError
from configsvc.model.grants import Grant
from configsvc_client.admin import Admin, from_environ
from infra.packaging.service_zip import Package
from local.clients import Credentials
from local.emulator.launcher import Emulator
from local.people import Person
from local.processes import wait_until
from local.story.terminal import variables
from tests.support.attacks.runbooks import Player, commands, read_options
from tests.support.attacks.table_thief import Thief, leaked, thief
from tests.support.cli.shell import Shell
from tests.support.deployed.own_stack import CANARY, NAMESPACE, SECRET, OwnStack, raise_own
from tests.support.deployed.permissions import of_user
from tests.support.deployed.tables import dynamodb
from tests.support.journeys.stage import api_key_principal, iam_principal
from tests.support.local.aws_people import assume_role, iam, new_role

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-runbook"
_NEW = "canary-changed"
_GRANTS_SECONDS = 20.0


class RealIam(NamedTuple):
    """The one command of the runbook, done to the emulator's IAM."""

    client: IAMClient

    def run(self, words: Sequence[str]) -> None:
        options = read_options(words)
        assert list(words[1:3]) == ["iam", "put-role-policy"]
        self.client.put_role_policy(
            RoleName=options["--role-name"],
            PolicyName=options["--policy-name"],
            PolicyDocument=options["--policy-document"],
        )


class Stolen:
    """A reader's API key and a session of its role. A copy of the table comes with them."""

    def __init__(self, own: OwnStack, held: Credentials) -> None:
        self._own, self._held = own, held
        person = Person("", "", held.access_key_id, held.secret_access_key, *own.reader)
        self._environ = variables(own.stack, person, NAMESPACE) | {"AWS_SESSION_TOKEN": held.session_token or ""}
        self.known: dict[str, Thief] = {}
        self.seen: set[object] = set()

    def use(self) -> bool:
        """Whether anything opened just now, with a new process and with the data keys that were unwrapped before."""
        with closing(self._own.config(self._held)) as config, suppress(ConfigsvcError):
            self.seen.add(config.secret(SECRET).reveal())
            with from_environ(self._environ) as admin:
                self._unwrap(admin)
            return True
        for each in self.known.values():
            self.seen |= {value.decode() for value in each.loot().values()}
        return False

    def _unwrap(self, admin: Admin) -> None:
        table = DynamoRepository(dynamodb(self._own), self._own.stack.table)
        for each in admin.data_keys.list(NAMESPACE):
            with suppress(ConfigsvcError):
                self.known[each.kid] = thief(table, NAMESPACE, leaked(self._environ, NAMESPACE, each.data_key))


@pytest.fixture(scope="module")
def own(emulator: Emulator, built_package: Package) -> OwnStack:
    """Its writer is the operator: may do all of the runbook."""
    made = raise_own(emulator.url, built_package, _STACK)
    with made.admin(made.administrator) as admin:
        admin.grants.set(iam_principal(made.writer), [Grant(("write", "admin"), ("*",))])
    held = of_user(made.stack.endpoint, made.writer.name)
    changed = held.read()
    for statement in changed["Statement"]:
        if "kms:Decrypt" in statement["Action"]:
            statement["Action"] = ["kms:Decrypt", "kms:GenerateDataKey"]
    held.write(json.dumps(changed))
    return made


def test_a_leaked_reader_s_role(own: OwnStack, tmp_path: Path) -> None:
    role = new_role(own.stack.endpoint, _may_open())
    stolen = Stolen(own, assume_role(own.stack.endpoint, role))
    (tmp_path / "new-password").write_text(_NEW)
    principal = api_key_principal(own.reader)
    named = {"payments-api": role.rpartition("/")[2], "api-key:a1b2c3d4e5": principal}
    shell = Shell({**variables(own.stack, own.writer, NAMESPACE), "CONFIGSVC_TRUST": "project"}, tmp_path)
    player = Player(shell, RealIam(iam(own.stack.endpoint)), named, tmp_path, NAMESPACE)

    player.play(commands("A leaked reader's role or data key"), stolen.use)

    assert CANARY in stolen.seen
    assert [each.loot() for each in stolen.known.values()] == [{}]  # what it opens was destroyed by the runbook
    assert wait_until(lambda: not stolen.use(), _GRANTS_SECONDS)
    assert _NEW not in stolen.seen
    with own.admin(own.writer) as operator:
        assert operator.values.get(NAMESPACE, SECRET).data == _NEW.encode()


def _may_open() -> dict[str, object]:
    """As the ready-made policy "reader of …" has it."""
    condition = {"StringEquals": {"kms:EncryptionContext:configsvc:namespace": NAMESPACE}}
    return {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition}
