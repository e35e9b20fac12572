"""The hot path: the cost of a poll, which writes a reader sees, and that a snapshot is of one revision."""

import json

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import Contended, NotFound
from configsvc.model.names import parse_key as named
from configsvc.model.snapshot import compute_cost, parse
from configsvc.service.engine import records
from configsvc.service.engine.ports import Write
from configsvc.service.engine.records import KeyState, Record, RecordAddress
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.namespaces import get_namespace
from configsvc.service.verbs.snapshots import fetch_snapshot
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, NS, READER, STRANGER, World, grant, make_world, sealed, text


@pytest.fixture
def world() -> World:
    return make_world()


def read_values(world: World) -> dict[str, object]:
    body = world.fetch().body
    assert body is not None
    return {entry.key: entry.value for entry in parse(json.loads(body)).entries}


def test_an_unchanged_poll_is_one_read_of_one_record(world: World) -> None:
    held = world.fetch()
    world.repository.calls.clear()
    poll = world.fetch(held.etag)
    assert (poll.status, poll.body, poll.etag) == (304, None, held.etag)
    assert world.repository.calls == ["get"]
    assert world.repository.read == [records.head(NS)]


def test_a_poll_without_cached_grants_is_one_batch_of_two(world: World) -> None:
    held = world.fetch()
    world.clock.pass_by(11)
    world.repository.calls.clear()
    assert world.fetch(held.etag).status == 304
    assert world.repository.calls == ["get"]
    assert world.repository.read == [records.head(NS), records.address_of_granted("api-key:readerkey")]


def test_a_snapshot_rendered_before_is_one_read(world: World) -> None:
    world.put(text("a"))
    first = world.fetch()
    world.repository.calls.clear()
    assert world.fetch() == first
    assert world.repository.calls == ["get"]


def test_a_snapshot_has_active_entries_and_used_data_keys_in_order() -> None:
    world = make_world()
    for number in range(1, 4):
        add_data_key(world.ports, ADMIN, NS, data_key(number), None)
    world.change(sealed("c", 1, number=2), sealed("b", 1, number=1), text("a", "ä"), text("d", activate=False))
    body = json.loads(world.fetch().body or "")
    assert [entry["key"] for entry in body["entries"]] == ["a", "b", "c"]
    assert [each["kid"] for each in body["data_keys"]] == sorted([kid(1), kid(2)])
    assert body["revision"] == world.head().served == 6
    assert body["entries"][0] == {"key": "a", "version": 1, "form": "plain", "content_type": "text/plain", "value": "ä"}


def test_changes_that_readers_see_move_the_served_revision(world: World) -> None:
    etags = [world.fetch().etag]
    world.put(text("a"))
    etags.append(world.fetch().etag)
    world.change(Delete(named("a")))
    etags.append(world.fetch().etag)
    world.change(Activate(named("a"), 1))
    etags.append(world.fetch().etag)
    assert len(set(etags)) == 4
    assert world.head().served == world.head().revision


def test_changes_that_readers_do_not_see_keep_the_etag(world: World) -> None:
    world.put(text("a"))
    held, head = world.fetch(), world.head()
    world.put(text("b", activate=False))
    world.set(description="another")
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    world.change(Activate(named("a"), 1))
    assert world.fetch(held.etag).status == 304
    assert world.head().revision == head.revision + 4
    assert (world.head().served, world.head().tag) == (head.served, head.tag)


def test_a_restored_and_rewritten_table_gives_no_false_304(world: World) -> None:
    before = world.head()
    world.put(text("a", "new"))
    held = world.fetch()
    restored = make_world()
    assert restored.head() == before
    restored.ports.chance.tag()
    restored.put(text("a", "other"))
    assert restored.head().served == world.head().served
    assert restored.fetch(held.etag).status == 200


def test_absent_and_unreadable_namespaces_look_the_same(world: World) -> None:
    with pytest.raises(NotFound) as hidden:
        world.fetch(who=STRANGER)
    with pytest.raises(NotFound) as absent:
        make_empty_world().fetch(who=STRANGER)
    granted = make_empty_world()
    set_grants(granted.ports, ADMIN, str(STRANGER.api_key), (grant("read"),), None)
    with pytest.raises(NotFound) as readable:
        granted.fetch(who=STRANGER)
    assert hidden.value.detail == absent.value.detail == readable.value.detail
    assert hidden.value.members == absent.value.members == readable.value.members


def make_empty_world() -> World:
    return World()


def test_a_write_between_head_and_query_does_not_tear_the_snapshot(world: World) -> None:
    world.change(text("a", "1"), text("b", "1"))
    world.repository.before_query.append(lambda: ignore(world.change(text("a", "2"), text("b", "2"))))
    assert read_values(world) == {"a": "2", "b": "2"}


def test_a_constantly_changing_namespace_is_refused_at_the_deadline(world: World) -> None:
    table, at = world.repository._inner, records.head(NS)  # noqa: SLF001  # behind the counting

    def moves() -> None:
        head = table.get([at])[at]
        assert isinstance(head, records.Head)
        table.commit([Write(head._replace(revision=head.revision + 1, stamps=head.stamps + 7), head.revision)])
        world.clock.pass_by(0.1)

    world.put(text("a", "1"))
    began = world.clock.monotonic()
    world.repository.before_query.extend([moves] * 1000)
    world.repository.before_get.extend([moves] * 1000)
    with pytest.raises(Contended) as refused:
        fetch_snapshot(world.ports.within(3.0), READER, NS, None)
    assert (refused.value.status, refused.value.members) == (429, {"retry_after": 1})
    assert world.clock.monotonic() - began < 3.2


def test_keys_changed_during_the_read_are_read_singly(world: World) -> None:
    world.change(*(text(f"k{number}") for number in range(20)))
    world.repository.before_query.append(lambda: ignore(world.put(text("k1", "2"))))
    world.repository.calls.clear()
    assert read_values(world)["k1"] == "2"
    assert world.repository.calls.count("query") == 2  # the keys once, and the log


def ignore(_outcome: object) -> None:
    return


class Lagging(MemoryRepository):
    """A Query that still sees one key as it was, which can happen while a transaction is being applied."""

    def __init__(self) -> None:
        super().__init__()
        self.old: Record | None = None

    def _next(self, partition: str, prefix: str, after: str) -> tuple[str, Record] | None:
        step = super()._next(partition, prefix, after)
        if step and self.old and RecordAddress(partition, step[0]) == records.address_of(self.old):
            old, self.old = self.old, None
            return step[0], old
        return step


def test_a_query_behind_head_is_noticed_even_if_counts_agree() -> None:
    table = Lagging()
    world = make_world(table)
    world.change(text("a", "1"), text("b", "1"))
    at = records.key(NS, "a")
    old = table.get([at])[at]
    world.change(text("a", "2"), text("b", "2"))
    assert isinstance(old, KeyState)
    table.old = old
    assert read_values(world) == {"a": "2", "b": "2"}


def test_bytes_is_the_exact_cost_of_the_snapshot(world: World) -> None:
    def get_bytes() -> object:
        return get_namespace(world.ports, READER, NS)["bytes"]

    assert get_bytes() == compute_cost(world.fetch().body or "", world.ports.charset)
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    world.change(text("a", 'ä "quoted" \\ \n\x00'), sealed("b", 1), sealed("c", 1, number=1))
    assert get_bytes() == compute_cost(world.fetch().body or "", world.ports.charset)
    world.change(Delete(named("b")), text("a", ""))
    assert get_bytes() == compute_cost(world.fetch().body or "", world.ports.charset)
    world.change(Delete(named("a")), Delete(named("c")))
    assert get_bytes() == compute_cost(world.fetch().body or "", world.ports.charset)


def test_a_failed_write_leaves_the_snapshot_unchanged(world: World) -> None:
    head = world.head()
    world.repository.commit([Write(head._replace(revision=head.revision + 1), head.revision)])
    assert world.fetch().etag == f'"{head.served}-{head.tag}"'
