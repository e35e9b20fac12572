"""Replays failures that the state machine has found."""

from collections.abc import Callable

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model import names
from configsvc.model.change_set import Activate, Delete, Operation
from configsvc.model.errors import Conflict
from configsvc.service.verbs.data_keys import add_data_key, retire_data_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from tests.support.machines.storm import Storm
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, NS, World, make_world, sealed, text


def test_unchanged_settings_are_answered_with_their_own_revision() -> None:
    """HEAD was read before another admin made the namespace read-only, and its settings afterwards."""
    table = MemoryRepository()
    storm = Storm(table)
    others, world = World(table).settle(), World(storm)
    storm.brew(["tear"], lambda: _discard(others.set(read_only=True)), cut=0b1)
    outcome = create_namespace(world.ports, ADMIN, NS, NamespaceWanted(read_only=True), None)
    assert outcome.status == 200
    assert (outcome.body["revision"], outcome.body["read_only"]) == (others.head().revision, True)


def test_an_envelope_sent_twice_at_once_gets_the_same_answer() -> None:
    """The version did not exist yet when it was read, and its key was read afterwards."""
    table = MemoryRepository()
    storm = Storm(table)
    others, world = World(table).settle(), World(storm)
    storm.brew(["tear"], lambda: _discard(others.put(sealed("db.password", 1))), cut=0b1000)
    again = world.put(sealed("db.password", 1))
    assert (again.status, again.body["version"], again.body["revision"]) == (200, 1, others.head().revision)


HEAD_FIRST, HEAD_LAST = 0b1, 0b11111110


def tear_world(cut: int, between: Callable[[World], object]) -> World:
    """Makes a world whose read of HEAD comes before or after `between`; `a` is served under a data key."""
    table = MemoryRepository()
    storm = Storm(table)
    others, world = World(table).settle(), World(storm)
    others.put(sealed("a", 1))
    storm.brew(["tear"], lambda: _discard(between(others)), cut)
    return world


def add_and_use_data_key(others: World) -> None:
    add_data_key(others.ports, ADMIN, NS, data_key(1), None)
    others.put(sealed("a", 2, number=1))


def retire_used_data_key(others: World) -> None:
    add_and_use_data_key(others)
    retire_data_key(others.ports, ADMIN, NS, kid(), None)


@pytest.mark.parametrize(
    ("cut", "between"), [(HEAD_FIRST, add_and_use_data_key), (HEAD_LAST, retire_used_data_key)], ids=["comes", "goes"]
)
@pytest.mark.parametrize("operation", [Delete(names.parse_key("a")), text("a")._replace(form="kms", value="AAAA")])
def test_a_read_torn_by_a_change_of_data_keys_is_repeated(
    cut: int, between: Callable[[World], object], operation: Operation
) -> None:
    world = tear_world(cut, between)
    assert world.change(operation).status == 200
    assert world.log()[-1].changes[0].was == 2


def test_a_data_key_younger_than_the_head_read_is_not_retired() -> None:
    world = tear_world(HEAD_FIRST, add_and_use_data_key)
    assert world.change(Activate(names.parse_key("a"), 2)).status == 200


def test_a_version_under_a_retired_data_key_is_refused_at_once() -> None:
    world = make_world()
    world.put(sealed("a", 1))
    retire_used_data_key(world)
    world.repository.calls.clear()
    with pytest.raises(Conflict, match="retired"):
        world.change(Activate(names.parse_key("a"), 1))
    assert world.repository.calls == ["get"]


def _discard(_outcome: object) -> None:
    return
