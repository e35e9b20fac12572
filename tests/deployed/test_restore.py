"""A restore, rehearsed: the table becomes what it once was, and still no number is given out twice.

The emulator's point-in-time recovery answers the latest state, so the table is exported and made again item by item.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import uuid4

import pytest

from configsvc.model.errors import NotFound, StaleRevision
from configsvc_client import Config
from infra.packaging.service_zip import REGION, Package
from infra.restore import Operator, lift_all, revisions, take_away
from local.emulator.launcher import Emulator
from local.paths import ROOT
from tests.support.deployed.own_stack import NAMESPACE, SECRET, OwnStack, raise_own
from tests.support.deployed.permissions import of_role
from tests.support.deployed.tables import dynamodb, export_items, recreate_table, use_table
from tests.support.journeys.stage import api_key_principal, iam_principal
from tests.support.local.aws_people import assume_role, may_decrypt, new_role, new_user

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-restore"
_BORN_LATER = "payments.born-later"
_AS_IT_WAS, _LOST = "as it was", "lost"

Number = tuple[str, str, int]


class Lost(NamedTuple):
    """A service whose table went back: who held what of the time that is gone, and the numbers given out in it."""

    own: OwnStack
    package: Package
    client: DynamoDBClient
    new_table: str
    warm: Config
    numbers: set[Number]
    revision: int

    @property
    def operator(self) -> Operator:
        return Operator(self.own.administrator.arn, iam_principal(self.own.administrator))

    def put(self, value: str, namespace: str = NAMESPACE) -> Number:
        """The number that a put is given."""
        return _put(self.own, value, namespace)

    def lift(self) -> dict[str, int | None]:
        """Lift, and return the revision that each namespace came back with."""
        given_out = revisions(self.client, self.own.stack.table)
        done = lift_all(self.client, self.new_table, self.operator, given_out)
        return {each.namespace: each.was for each in done}

    def switch(self) -> None:
        """As the runbook does; what the stack leaves is still there, and who still uses it reads on."""
        use_table(self.own, self.package, self.new_table)
        role = of_role(self.own.stack.endpoint, self.own.resource("ApiHandlerRole"))
        left = [each["Action"] for each in role.read()["Statement"] if f"/{self.own.stack.table}" in each["Resource"]]
        assert left == [["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]]
        for table in (self.own.stack.table, self.new_table):
            assert self.client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"


def _put(own: OwnStack, value: str, namespace: str = NAMESPACE) -> Number:
    with own.admin(own.writer, namespace) as writer:
        return namespace, SECRET, writer.values.put(namespace, SECRET, value).version


def _create(own: OwnStack, namespace: str) -> None:
    with own.admin(own.administrator) as admin:
        admin.namespaces.create(namespace)
        admin.data_keys.add(namespace, own.stack.kms_key_arn)


@pytest.fixture
def lost(emulator: Emulator, built_package: Package) -> Iterator[Lost]:
    name = f"{_STACK}-{uuid4().hex[:6]}"
    own = raise_own(emulator.url, built_package, name)
    credentials = assume_role(emulator.url, new_role(emulator.url, may_decrypt(NAMESPACE)))
    numbers = {_put(own, "first"), _put(own, _AS_IT_WAS)}
    client = dynamodb(own)
    items = export_items(client, own.stack.table)
    numbers |= {_put(own, f"{_LOST} {number}") for number in range(3)}
    _create(own, _BORN_LATER)
    numbers.add(_put(own, _LOST, _BORN_LATER))
    with ExitStack() as closed:
        warm = closed.enter_context(closing(own.config(credentials)))
        assert warm.secret(SECRET).reveal() == f"{_LOST} 2"
        recreate_table(client, own.stack.table, f"{name}-restored", items)
        yield Lost(own, built_package, client, f"{name}-restored", warm, numbers, warm.revisions[NAMESPACE])


def test_after_a_lift_no_number_repeats_and_old_readers_continue(lost: Lost) -> None:
    came_back = lost.lift()
    lost.switch()

    # A warm process takes what is served, under a revision above the one it held.
    assert lost.warm.refresh()
    assert lost.warm.secret(SECRET).reveal() == _AS_IT_WAS
    assert lost.warm.revisions[NAMESPACE] > lost.revision
    # What is given out from now on is new, also where nothing came back.
    _create(lost.own, _BORN_LATER)
    given = {lost.put("after"), lost.put("after", _BORN_LATER)}
    assert not given & lost.numbers
    assert {namespace for namespace, was in came_back.items() if was is None} == {_BORN_LATER}
    assert lost.warm.refresh()
    assert lost.warm.secret(SECRET).reveal() == "after"


def test_a_namespace_not_restored_is_absent_until_it_is_created(lost: Lost) -> None:
    lost.lift()
    lost.switch()

    with lost.own.admin(lost.own.writer, _BORN_LATER) as writer, pytest.raises(NotFound):
        writer.values.put(_BORN_LATER, SECRET, "again")


def test_the_runbook_s_command_needs_only_the_rights_it_names(lost: Lost) -> None:
    endpoint, old = lost.own.stack.endpoint, lost.own.stack.table
    may_look = {"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": f"arn:aws:dynamodb:*:*:table/{old}"}
    actions = ["BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan"]
    may_lift = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{action}" for action in actions],
        "Resource": f"arn:aws:dynamodb:*:*:table/{lost.new_table}",
    }
    who = new_user(endpoint, may_look, may_lift)
    held = {"AWS_ACCESS_KEY_ID": who.access_key_id, "AWS_SECRET_ACCESS_KEY": who.secret_access_key}
    held |= {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint}
    command = [sys.executable, "-m", "infra.restore", "--old", old, "--new", lost.new_table]

    done = subprocess.run(command, cwd=ROOT, env=held, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert "Every namespace is lifted" in done.stdout
    lost.switch()
    assert lost.warm.refresh()
    assert lost.put("after") not in lost.numbers


def test_a_restore_does_not_readmit_a_thief_revoked_since_the_backup(lost: Lost) -> None:
    own, path = lost.own, f"/v1/namespaces/{NAMESPACE}/snapshot"
    assert own.api.send("GET", path, own.reader).status == 200
    with own.admin(own.administrator) as admin:
        admin.grants.delete(api_key_principal(own.reader))
    lost.lift()
    lines = list(take_away(lost.client, own.stack.table, lost.new_table, lost.operator))
    assert lines == [f"{api_key_principal(own.reader)}: revoked what was revoked since the backup"]
    lost.switch()
    assert own.api.send("GET", path, own.reader).status == 404
    assert own.api.send("GET", path, own.writer).status == 200


def test_lifting_again_changes_nothing(lost: Lost) -> None:
    lost.lift()
    lifted = revisions(lost.client, lost.new_table)

    lost.lift()

    assert revisions(lost.client, lost.new_table) == lifted


class Ended(NamedTuple):
    """DynamoDB for somebody who is killed before the second write to the namespace."""

    client: DynamoDBClient
    writes: list[str]

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def transact_write_items(self, **given: Any) -> object:  # noqa: ANN401  # as boto3 takes it
        if f"N#{_BORN_LATER}" in str(given):
            self.writes.append(_BORN_LATER)
        if len(self.writes) > 1:
            raise KeyboardInterrupt
        return self.client.transact_write_items(**given)


def test_an_interrupted_restore_can_be_repeated(lost: Lost) -> None:
    given_out = revisions(lost.client, lost.own.stack.table)
    stopped = cast("DynamoDBClient", Ended(lost.client, []))
    with pytest.raises(KeyboardInterrupt):
        list(lift_all(stopped, lost.new_table, lost.operator, given_out))

    came_back = lost.lift()
    lost.switch()

    assert came_back[_BORN_LATER] is None
    with lost.own.admin(lost.own.administrator) as admin:
        assert _BORN_LATER not in {each.namespace for each in admin.namespaces.list()}
    _create(lost.own, _BORN_LATER)
    assert lost.put("after", _BORN_LATER) not in lost.numbers


def test_what_head_counts_wrong_after_a_restore_is_told_and_mended(lost: Lost) -> None:
    head = {"pk": {"S": f"N#{NAMESPACE}"}, "sk": {"S": "HEAD"}}
    lost.client.update_item(
        TableName=lost.new_table,
        Key=head,
        UpdateExpression="SET entries = :wrong",
        ExpressionAttributeValues={":wrong": {"N": "7"}},
    )
    given_out = revisions(lost.client, lost.own.stack.table)

    done = {each.namespace: each for each in lift_all(lost.client, lost.new_table, lost.operator, given_out)}

    assert done[NAMESPACE].wrong == ("entries 7, not 1",)
    lost.switch()
    assert lost.warm.refresh()
    assert lost.warm.secret(SECRET).reveal() == _AS_IT_WAS


def test_without_a_lift_readers_refuse_and_numbers_repeat(lost: Lost) -> None:
    lost.switch()

    with pytest.raises(StaleRevision):
        lost.warm.refresh()
    assert lost.warm.secret(SECRET).reveal() == f"{_LOST} 2"
    assert lost.put("after") in lost.numbers
