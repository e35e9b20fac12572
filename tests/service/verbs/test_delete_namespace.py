"""A namespace is deleted when it serves nothing, and keeps counting when it is created again."""

import pytest

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import Conflict, Forbidden, NotFound
from configsvc.service.engine import records
from configsvc.service.engine.ports import WriteOutcome
from configsvc.service.verbs.namespaces import delete_namespace, get_namespace, list_namespaces
from tests.support.service.sealed import kid
from tests.support.service.world import (
    ADMIN,
    DEVELOPER,
    NS,
    READER,
    STRANGER,
    World,
    make_retry_key,
    make_world,
    sealed,
    text,
)


@pytest.fixture
def world() -> World:
    return make_world()


def delete(world: World) -> WriteOutcome:
    return delete_namespace(world.ports, ADMIN, NS, None)


def test_a_deleted_namespace_is_absent_to_everyone(world: World) -> None:
    outcome = delete(world)
    assert (outcome.status, outcome.body, outcome.etag) == (200, {"namespace": NS, "revision": 3}, '"3"')
    assert list_namespaces(world.ports, READER, "", 10, None)["namespaces"] == []
    for read in (
        world.fetch,
        lambda: get_namespace(world.ports, READER, NS),
        lambda: world.put(text("a")),
        lambda: delete(world),
    ):
        with pytest.raises(NotFound):
            read()


def test_a_namespace_that_serves_entries_is_not_deleted(world: World) -> None:
    world.put(text("a"))
    before = world.stored()
    with pytest.raises(Conflict) as refused:
        delete(world)
    assert refused.value.members == {"entries": 1}
    assert world.stored() == before
    world.change(Delete(names.parse_key("a")))
    assert delete(world).status == 200


def test_a_value_put_during_the_deletion_keeps_the_namespace(world: World) -> None:
    world.repository.before_commit.append(lambda: world.put(text("a")))
    with pytest.raises(Conflict):
        delete(world)
    assert world.fetch().status == 200


def test_a_put_that_loses_to_the_deletion_is_refused(world: World) -> None:
    world.repository.before_commit.append(lambda: delete(world))
    with pytest.raises(NotFound):
        world.put(text("a"))


def test_a_recreated_namespace_keeps_all_but_its_settings(world: World) -> None:
    world.set(description="old", require_preconditions=True)
    world.put(sealed("a", 1)._replace(create_only=True))
    world.change(Delete(names.parse_key("a"), if_match=4))
    delete(world)
    outcome = world.set(description="new")
    assert (outcome.status, outcome.body["revision"]) == (201, 7)
    assert (outcome.body["description"], outcome.body["require_preconditions"]) == ("new", False)
    assert world.head().kids[kid()].seals == 1
    world.change(Activate(names.parse_key("a"), 1))
    assert world.put(sealed("a", 2)).body["version"] == 2


def test_an_etag_from_before_the_deletion_does_not_match(world: World) -> None:
    held = world.fetch()
    delete(world)
    world.set(description="again")
    assert world.fetch(held.etag).status == 200
    assert world.head().served > 1


def test_the_lost_answer_to_a_deletion_is_given_again(world: World) -> None:
    first = delete_namespace(world.ports, ADMIN, NS, make_retry_key("k"))
    assert delete_namespace(world.ports, ADMIN, NS, make_retry_key("k")) == first


def test_only_an_admin_deletes(world: World) -> None:
    for caller, refusal in ((DEVELOPER, Forbidden), (STRANGER, NotFound)):
        with pytest.raises(refusal):
            delete_namespace(world.ports, caller, NS, None)


def test_the_log_says_who_deleted_it(world: World) -> None:
    delete(world)
    assert [record.verb for record in world.log()] == ["create_namespace", "add_data_key", "delete_namespace"]
    assert records.head(NS).sk in world.stored()
    assert records.settings(NS).sk not in world.stored()
