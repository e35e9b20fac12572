"""The namespace's snapshot limit is exact to the byte, on the write that would exceed it."""

import pytest

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import TooLarge
from configsvc.model.snapshot import Charset
from configsvc.service.engine.ports import StampCheck
from configsvc.service.verbs.namespaces import get_namespace
from tests.support.service.world import NS, READER, World, make_world, text


def read_size(world: World) -> int:
    found = get_namespace(world.ports, READER, NS)["bytes"]
    assert isinstance(found, int)
    return found


def test_the_snapshot_limit_is_exact_to_the_byte() -> None:
    world = make_world()
    world.put(text("a"))
    world.set(snapshot_bytes=read_size(world) + 10)
    before = world.stored()
    with pytest.raises(TooLarge) as refused:
        world.put(text("a", "value" + "x" * 11))
    assert refused.value.members == {"limit": read_limit(world), "size": read_limit(world) + 1}
    assert world.stored() == before
    world.put(text("a", "value" + "x" * 10))
    assert read_size(world) == read_limit(world)


def read_limit(world: World) -> int:
    limit = get_namespace(world.ports, READER, NS)["snapshot_bytes"]
    assert isinstance(limit, int)
    return limit


@pytest.mark.parametrize(("charset", "bytes_of_a_letter"), [("utf8", 2), ("ascii", 6)])
def test_the_limit_counts_bytes_as_the_runtime_encodes_them(charset: Charset, bytes_of_a_letter: int) -> None:
    world = make_world()
    world.ports = world.ports._replace(charset=charset)
    world.put(text("a"))
    world.set(snapshot_bytes=read_size(world) + 50 * bytes_of_a_letter)
    with pytest.raises(TooLarge):
        world.put(text("a", "value" + "\u00e9" * 51))
    assert world.put(text("a", "value" + "\u00e9" * 50)).status == 201


def test_a_staged_value_costs_the_snapshot_nothing_until_it_is_activated() -> None:
    world = make_world()
    world.put(text("a"))
    world.set(snapshot_bytes=read_size(world))
    before = read_size(world)
    world.put(text("a", "x" * 100, activate=False))
    assert read_size(world) == before
    with pytest.raises(TooLarge):
        world.change(Activate(names.parse_key("a"), 2))


def test_a_snapshot_above_a_lowered_limit_may_shrink() -> None:
    world = make_world()
    world.change(text("a", "x" * 100), text("b", "x" * 100))
    world.set(snapshot_bytes=100)
    world.put(text("a", "x" * 50))
    world.change(Delete(names.parse_key("b")))
    with pytest.raises(TooLarge):
        world.put(text("a", "x" * 51))


def test_a_torn_read_refuses_no_write_for_its_size() -> None:
    """A refusal depends on HEAD and a key together, so their stamps are checked in a transaction first."""
    world = make_world()
    world.put(text("a", "x" * 100))
    world.set(snapshot_bytes=read_size(world))
    world.repository.before_commit.append(lambda: ignore(world.change(Delete(names.parse_key("a")))))
    assert world.put(text("b", "x" * 100)).status == 201


def test_a_refusal_for_size_only_checks() -> None:
    world = make_world()
    world.set(snapshot_bytes=90)
    with pytest.raises(TooLarge):
        world.put(text("a", "x" * 100))
    assert world.repository.committed
    assert all(isinstance(action, StampCheck) for action in world.repository.committed)


def ignore(_outcome: object) -> None:
    return
