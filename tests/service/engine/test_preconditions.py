"""A failed precondition describes the present state, its author and time; the digest identifies the write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model import names
from configsvc.model.change_set import Activate, ChangeSet, Delete, Put
from configsvc.model.errors import NotFound, PreconditionFailed
from configsvc.service.engine import records
from configsvc.service.engine.ports import Caller, Remove, StoreBusy, StoreUnavailable, WriteAction, WriteOutcome
from configsvc.service.engine.records import Record, RecordAddress
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.grants import ExpectedGrants, set_grants
from configsvc.service.verbs.keys import activate_version, delete_key
from tests.support.service.world import ADMIN, DEVELOPER, NS, ROLES, World, caller, grant, make_world, sealed, text

KEY = names.parse_key("db.url")
COLLEAGUE = caller("devkey", "Colleague")
BLIND = caller("blindkey", "Developer")  # may write but not read


class Losing(MemoryRepository):
    """A table that performs a write but loses the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.lose = False
        self.read_fails: Exception | None = None

    def commit(self, actions: Sequence[WriteAction]) -> None:
        super().commit(actions)
        if self.lose:
            self.lose = False
            raise StoreUnavailable("lost")

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        if self.read_fails and any(address.sk.startswith("R#") for address in addresses):
            raise self.read_fails
        return super().get(addresses)


@pytest.fixture
def store() -> Losing:
    return Losing()


@pytest.fixture
def world(store: Losing) -> World:
    made = make_world(store)
    set_grants(made.ports, ADMIN, ROLES + "Colleague", (grant("write"),), None)
    return made


def get_failure(asked: Callable[[], WriteOutcome]) -> dict[str, Any]:
    with pytest.raises(PreconditionFailed) as refused:
        asked()
    return refused.value.members


def hash_value(value: str) -> str:
    return sha256(value.encode()).hexdigest()


def test_s36_the_losing_writer_learns_who_won_and_when(world: World) -> None:
    world.put(text("db.url", "base"))
    world.put(text("db.url", "theirs", if_match=3), who=COLLEAGUE)
    won = world.log()[-1]
    found = get_failure(lambda: world.put(text("db.url", "ours", if_match=3)))
    assert (found["key"], found["revision"], found["latest"], found["active"]) == ("db.url", 4, 2, 2)
    assert (found["changed_by"], found["changed_at"]) == (ROLES + "Colleague", won.at)
    assert found["digest"] == hash_value("theirs") != hash_value("ours")


def test_the_detail_names_the_author(world: World) -> None:
    world.put(text("db.url"))
    with pytest.raises(PreconditionFailed, match=f"db.url is not at that revision.*{ROLES}Developer made revision 3"):
        world.put(text("db.url", if_match=1))


@pytest.mark.parametrize(
    "wanted", [text("db.url", "ours"), text("db.url", "ours", activate=False), sealed("db.url", 2)]
)
def test_s33_a_writer_that_lost_the_answer_recognises_its_own_write(world: World, store: Losing, wanted: Put) -> None:
    world.put(text("db.url", "base"))
    store.lose = True
    mine = wanted._replace(if_match=3)
    with pytest.raises(StoreUnavailable):
        world.put(mine)
    if mine.form == "envelope":  # whose version identifies it
        assert world.put(mine).body["version"] == 2
        mine = mine._replace(value=sealed("db.url", 3).value)
    found = get_failure(lambda: world.put(mine))
    assert found["digest"] == hash_value(wanted.value)
    assert (found["changed_by"], found["latest"]) == (DEVELOPER.principal, 2)


def test_a_caller_who_may_not_read_gets_no_digest(world: World) -> None:
    for served in (True, False):
        world.put(text("db.url", "1234", activate=served))
        found = get_failure(lambda: world.put(text("db.url", if_match=1), who=BLIND))
        assert "digest" not in found
        assert found["changed_by"] == DEVELOPER.principal


def test_create_only_names_who_was_first(world: World) -> None:
    world.put(text("db.url", "first"), who=COLLEAGUE)
    found = get_failure(lambda: world.put(text("db.url", create_only=True)))
    assert (found["revision"], found["latest"], found["changed_by"]) == (3, 1, ROLES + "Colleague")
    assert found["digest"] == hash_value("first")


def test_a_key_that_never_existed_has_no_author(world: World) -> None:
    found = get_failure(lambda: world.put(text("db.url", if_match=3)))
    assert found == {"key": "db.url", "revision": None, "latest": 0, "active": None}


def test_delete_and_activate_name_who_deleted_the_key(world: World) -> None:
    world.put(text("db.url"))
    delete_key(world.ports, COLLEAGUE, NS, Delete(KEY), "", None)
    for asked in (
        lambda: delete_key(world.ports, DEVELOPER, NS, Delete(KEY, 3), "", None),
        lambda: activate_version(world.ports, DEVELOPER, NS, Activate(KEY, 1, 3), "", None),
    ):
        found = get_failure(asked)
        assert (found["revision"], found["active"], found["changed_by"]) == (4, None, ROLES + "Colleague")
        assert found["digest"] == hash_value("value")


def test_a_failed_namespace_precondition_names_its_author(world: World) -> None:
    world.put(text("other"), who=COLLEAGUE)
    found = get_failure(lambda: world.change(text("db.url"), if_match=2))
    assert (found["revision"], found["changed_by"]) == (3, ROLES + "Colleague")


def test_each_failed_operation_names_its_own_change_in_one_read(world: World) -> None:
    world.put(text("a"))
    world.put(text("b"), who=COLLEAGUE)
    world.repository.calls.clear()
    found = get_failure(lambda: world.change(text("a", if_match=1), text("b", if_match=1), text("c", if_match=1)))
    assert [(each["key"], each["revision"], each.get("changed_by")) for each in found["failed"]] == [
        ("a", 3, ROLES + "Developer"), ("b", 4, ROLES + "Colleague"), ("c", None, None),
    ]  # fmt: skip
    assert world.repository.calls.count("get") == 2


def test_a_failed_precondition_behind_another_refusal_is_explained_too(world: World) -> None:
    world.put(text("b"), who=COLLEAGUE)
    wanted = ChangeSet((Delete(names.parse_key("absent")), Delete(names.parse_key("b"), 1)))
    with pytest.raises(NotFound) as refused:
        commit_change_set(world.ports, DEVELOPER, NS, wanted, None)
    several: Any = refused.value.members["failed"]
    assert [each.get("changed_by") for each in several] == [None, ROLES + "Colleague"]


def test_grants_name_who_changed_them(world: World) -> None:
    def stale(who: Caller) -> WriteOutcome:
        return set_grants(world.ports, who, ROLES + "Developer", (), None, ExpectedGrants(if_match=1))

    found = get_failure(lambda: stale(ADMIN))
    assert (found["revision"], found["changed_by"]) == (4, ADMIN.principal)


def test_a_refusal_stands_even_if_its_author_cannot_be_read(world: World, store: Losing) -> None:
    world.put(text("db.url"))
    for fault in (StoreUnavailable("silent"), StoreBusy("throttled")):
        store.read_fails = fault
        assert "changed_by" not in get_failure(lambda: world.put(text("db.url", if_match=1)))
    store.read_fails = None
    store.commit([Remove(records.log(records.of_namespace(NS), 3), 3)])
    found = get_failure(lambda: world.put(text("db.url", if_match=1)))
    assert (found["revision"], "changed_by" in found) == (3, False)


def test_a_successful_write_costs_no_further_read(world: World) -> None:
    world.put(text("db.url"))
    world.repository.calls.clear()
    world.put(text("db.url", if_match=3))
    assert world.repository.calls == ["get", "commit"]
