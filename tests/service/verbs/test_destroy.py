"""Destroying a version: its value is gone for good, and nothing else moves."""

import pytest

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import Conflict, Forbidden, InvalidRequest, NotFound, VersionClaimed
from configsvc.model.names import Key
from configsvc.service.engine import records
from configsvc.service.engine.ports import Caller, WriteOutcome
from configsvc.service.engine.records import StoredVersion
from configsvc.service.verbs.keys import destroy_version
from tests.support.service.world import ADMIN, DEVELOPER, NS, STRANGER, World, make_retry_key, make_world, sealed, text


@pytest.fixture
def world() -> World:
    world = make_world()
    world.put(text("db.url", "canary"))
    world.put(text("db.url", "new"))
    world.repository.calls.clear()
    return world


def destroy(world: World, version: int = 1, who: Caller = ADMIN, key: str = "db.url") -> WriteOutcome:
    return destroy_version(world.ports, who, NS, Key(key), version, None)


def test_the_value_is_nowhere_left_and_the_record_stays(world: World) -> None:
    outcome = destroy(world)
    assert (outcome.status, outcome.etag) == (200, '"5"')
    assert outcome.body == {"namespace": NS, "key": "db.url", "version": 1, "revision": 5}
    stored = world.stored()["V#db.url#0000000001"]
    assert isinstance(stored, StoredVersion)
    assert (stored.destroyed, stored.entry.value, stored.written_by) == (True, "", world.log()[-2].principal)
    assert all("canary" not in str(tuple(each)) for each in world.stored().values() if isinstance(each, tuple))


def test_destroying_costs_one_read_and_one_transaction(world: World) -> None:
    destroy(world)
    assert world.repository.calls == ["get", "commit"]


def test_readers_see_no_change_and_the_revision_moves(world: World) -> None:
    before = world.fetch()
    destroy(world)
    assert world.fetch() == before
    assert (world.head().revision, world.head().served) == (5, 4)


def test_a_destroyed_version_is_in_the_change_log(world: World) -> None:
    destroy(world)
    record = world.log()[-1]
    assert (record.verb, record.subject, record.details, record.changes) == ("destroy", "db.url", {"version": 1}, ())


def test_destroying_again_gives_the_same_answer_and_writes_nothing(world: World) -> None:
    first = destroy(world)
    before = world.stored()
    assert destroy(world) == first
    assert world.stored() == before


def test_the_same_idempotency_key_gets_the_first_answer(world: World) -> None:
    first = destroy_version(world.ports, ADMIN, NS, Key("db.url"), 1, make_retry_key("k"))
    assert destroy_version(world.ports, ADMIN, NS, Key("db.url"), 1, make_retry_key("k")) == first


def test_a_served_version_is_not_destroyed(world: World) -> None:
    before = world.stored()
    with pytest.raises(Conflict):
        destroy(world, 2)
    assert world.stored() == before


def test_every_version_of_a_deleted_key_can_be_destroyed(world: World) -> None:
    world.change(Delete(names.parse_key("db.url")))
    destroy(world, 1)
    destroy(world, 2)
    assert world.put(text("db.url")).body["version"] == 3


def test_the_number_of_a_destroyed_version_is_not_reused(world: World) -> None:
    world.put(sealed("db.password", 1)._replace(activate=False))
    destroy(world, 1, key="db.password")
    with pytest.raises(VersionClaimed) as refused:
        world.put(sealed("db.password", 1))
    assert refused.value.members["next_version"] == 2


def test_a_concurrent_activation_wins(world: World) -> None:
    world.repository.before_commit.append(lambda: world.change(Activate(names.parse_key("db.url"), 1)) and None)
    with pytest.raises(Conflict):
        destroy(world)


def test_a_version_destroyed_during_its_activation_is_not_served(world: World) -> None:
    world.repository.before_commit.append(lambda: destroy(world) and None)
    with pytest.raises(Exception, match="destroyed"):
        world.change(Activate(names.parse_key("db.url"), 1))


@pytest.mark.parametrize(("key", "version"), [("db.url", 3), ("db.user", 1)])
def test_a_version_that_never_existed_is_not_found(world: World, key: str, version: int) -> None:
    with pytest.raises(NotFound):
        destroy(world, version, key=key)


def test_a_version_below_1_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest):
        destroy(world, 0)


def test_only_an_admin_destroys(world: World) -> None:
    with pytest.raises(Forbidden):
        destroy(world, who=DEVELOPER)
    with pytest.raises(NotFound):
        destroy(world, who=STRANGER)


def test_a_read_only_namespace_keeps_its_versions(world: World) -> None:
    world.set(read_only=True)
    with pytest.raises(Conflict):
        destroy(world)


def test_its_transaction_checks_every_record_it_read(world: World) -> None:
    destroy(world)
    addresses = {getattr(action, "address", None) or records.address_of(action.record)  # type: ignore[union-attr]
                 for action in world.repository.committed}  # fmt: skip
    assert {address.sk for address in addresses} == {
        "HEAD", "SETTINGS", "K#db.url", "V#db.url#0000000001", "R#000000000005",
    }  # fmt: skip
