"""Time travel: what a revision served, whatever has been written, pruned or destroyed since."""

import json
from collections.abc import Callable

import pytest

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import Contended, Gone, InvalidRequest, NotFound
from configsvc.model.names import Key
from configsvc.model.snapshot import parse
from configsvc.service.engine import records
from configsvc.service.engine.ports import Remove, Write
from configsvc.service.verbs.data_keys import add_data_key, retire_data_key, rewrap_data_key
from configsvc.service.verbs.history import fetch_revision
from configsvc.service.verbs.keys import destroy_version
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, delete_namespace
from configsvc.service.verbs.snapshots import SnapshotAnswer
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, NS, READER, STRANGER, World, make_world, sealed, text


@pytest.fixture
def world() -> World:
    """Makes a world with revisions 3 to 7: a=1; a=2; b=1; a staged 3; b deleted."""
    world = make_world()
    world.put(text("a", "1"))
    world.put(text("a", "2"))
    world.put(text("b", "1"))
    world.put(text("a", "3", activate=False))
    world.change(Delete(names.parse_key("b")))
    world.repository.calls.clear()
    return world


def fetch_at(world: World, revision: int, if_none_match: str | None = None) -> SnapshotAnswer:
    return fetch_revision(world.ports, READER, NS, revision, if_none_match)


def read_entries(world: World, revision: int) -> dict[str, str]:
    return {entry.key: entry.value for entry in parse(json.loads(fetch_at(world, revision).body or "")).entries}


def do_nothing() -> None:
    return


def run_before_log_read(world: World, happens: Callable[[], object]) -> None:
    """Runs something after the keys were read and before the log is."""

    def then() -> None:
        happens()

    world.repository.before_get += [do_nothing, then]


def prune(world: World, *revisions: int) -> bool:
    partition = records.of_namespace(NS)
    world.repository.commit([Remove(records.log(partition, revision), revision) for revision in revisions])
    return True


def test_each_revision_is_served_unchanged(world: World) -> None:
    assert [read_entries(world, revision) for revision in range(1, 8)] == [
        {}, {}, {"a": "1"}, {"a": "2"}, {"a": "2", "b": "1"}, {"a": "2", "b": "1"}, {"a": "2"},
    ]  # fmt: skip


def test_an_earlier_snapshot_has_the_served_revision_of_its_time(world: World) -> None:
    assert [json.loads(fetch_at(world, revision).body or "")["revision"] for revision in range(1, 8)] == [
        1,
        1,
        3,
        4,
        5,
        5,
        7,
    ]


def test_an_earlier_snapshot_is_byte_for_byte_the_same() -> None:
    world = make_world()
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    got = list[str | None]()
    for operation in (
        sealed("b", 1, number=1),
        text("a", "ä"),
        sealed("a", 2),
        Delete(names.parse_key("b")),
        text("c"),
    ):
        world.change(operation)
        got.append(world.fetch().body)
    assert [fetch_at(world, revision).body for revision in range(4, 9)] == got
    found = parse(json.loads(got[2] or ""))
    assert [each.kid for each in found.data_keys] == sorted([kid(0), kid(1)])


def test_a_revision_equal_to_now_is_the_cached_answer() -> None:
    world = make_world()
    world.put(text("a"))
    world.put(text("a", "staged", activate=False))
    held = world.fetch()
    world.repository.calls.clear()
    assert fetch_at(world, 3) == fetch_at(world, 4) == held
    assert world.repository.calls == ["get", "get"]


def test_an_earlier_revision_costs_a_query_and_a_few_reads(
    world: World,
) -> None:
    fetch_at(world, 4)
    assert world.repository.calls == ["get", "query", "get", "get"]
    world.repository.calls.clear()
    fetch_at(world, 3)
    assert world.repository.calls == ["get", "query", "get", "get", "get"]
    assert world.repository.read == [records.version(NS, "a", 1)]


def test_data_keys_of_an_earlier_revision_cost_one_more_read() -> None:
    world = make_world()
    world.put(sealed("a", 1))
    world.put(sealed("a", 2))
    world.repository.calls.clear()
    fetch_at(world, 3)
    assert world.repository.calls == ["get", "query", "get", "get", "get", "get"]
    assert world.repository.read == [records.data_key(NS, kid(0))]


def test_an_earlier_revision_has_an_etag_and_gets_304(world: World) -> None:
    first = fetch_at(world, 3)
    assert fetch_at(world, 3, first.etag) == SnapshotAnswer(304, first.etag, None)
    assert fetch_at(world, 4, first.etag).status == 200
    assert len({fetch_at(world, revision).etag for revision in (3, 4, 5, 7)}) == 4
    assert fetch_at(world, 5).etag == fetch_at(world, 6).etag


def test_a_version_that_is_served_again_costs_no_extra_read(world: World) -> None:
    world.change(Activate(names.parse_key("a"), 1))
    world.repository.calls.clear()
    assert read_entries(world, 3) == {"a": "1"}
    assert world.repository.calls == ["get", "query", "get", "get"]


def test_a_future_revision_is_not_found_and_the_present_one_named(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        fetch_at(world, 8)
    assert refused.value.members == {"revision": 7}
    assert world.repository.calls == ["get"]


@pytest.mark.parametrize("revision", [0, -1, 10**12])
def test_an_invalid_revision_is_refused(world: World, revision: int) -> None:
    with pytest.raises(InvalidRequest):
        fetch_at(world, revision)


def test_a_stranger_learns_nothing_about_revisions(world: World) -> None:
    for revision in (3, 99):
        with pytest.raises(NotFound) as refused:
            fetch_revision(world.ports, STRANGER, NS, revision, None)
        assert refused.value.members.keys() <= {"namespace"}


def test_a_pruned_revision_is_gone_and_the_oldest_named(world: World) -> None:
    prune(world, 1, 2, 3)
    for revision in (1, 2, 3):
        with pytest.raises(Gone) as refused:
            fetch_at(world, revision)
        assert refused.value.members["oldest"] == 4
    assert read_entries(world, 4) == {"a": "2"}


def test_the_present_snapshot_needs_no_log(world: World) -> None:
    prune(world, *range(1, 8))
    assert read_entries(world, 7) == {"a": "2"}
    with pytest.raises(Gone) as refused:
        fetch_at(world, 6)
    assert refused.value.members["oldest"] is None


def test_only_revisions_that_served_a_destroyed_version_are_gone(world: World) -> None:
    destroy_version(world.ports, ADMIN, NS, Key("a"), 1, None)
    with pytest.raises(Gone) as refused:
        fetch_at(world, 3)
    assert refused.value.members == {"key": "a", "version": 1}
    assert read_entries(world, 4) == {"a": "2"}


def test_a_pruned_version_is_gone_and_never_omitted(world: World) -> None:
    world.repository.commit([Remove(records.version(NS, "a", 1), 3)])
    with pytest.raises(Gone):
        fetch_at(world, 3)


def test_a_write_between_the_reads_does_not_change_the_past(world: World) -> None:
    run_before_log_read(world, lambda: world.change(text("a", "4"), text("c")))
    assert read_entries(world, 4) == {"a": "2"}
    world.repository.before_query.append(lambda: world.put(text("b", "5")) and None)
    assert read_entries(world, 5) == {"a": "2", "b": "1"}


def test_a_version_destroyed_between_the_reads_is_gone(world: World) -> None:
    run_before_log_read(world, lambda: destroy_version(world.ports, ADMIN, NS, Key("a"), 1, None))
    with pytest.raises(Gone):
        fetch_at(world, 3)


def test_a_revision_pruned_between_the_reads_is_gone(world: World) -> None:
    run_before_log_read(world, lambda: prune(world, 1, 2, 3))
    with pytest.raises(Gone):
        fetch_at(world, 3)


def test_a_log_with_a_gap_is_read_again(world: World) -> None:
    hole = next(record for record in world.log() if record.revision == 4)
    prune(world, 4)
    with pytest.raises(Contended):
        fetch_at(world, 3)
    world.repository.before_get += [do_nothing, do_nothing, do_nothing]
    world.repository.before_get.append(lambda: world.repository.commit([Write(hole, None)]))
    assert read_entries(world, 3) == {"a": "1"}


def test_revisions_skipped_by_a_lift_are_gone(world: World) -> None:
    lift_namespace(world.ports, ADMIN, NS, 89, None)
    world.put(text("a", "after"))
    assert read_entries(world, 4) == {"a": "2"}
    assert read_entries(world, 90) == {"a": "2"}
    assert read_entries(world, 91) == {"a": "after"}
    with pytest.raises(Gone):
        fetch_at(world, 50)


def test_data_keys_have_their_present_wrapping_even_if_retired(world: World) -> None:
    world.put(sealed("a", 4))
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    rewrapped = data_key()._replace(wrapped=data_key(2).wrapped)
    rewrap_data_key(world.ports, ADMIN, NS, rewrapped, None)
    assert parse(json.loads(fetch_at(world, 8).body or "")).data_keys == (rewrapped,)
    world.put(sealed("a", 5, number=1))
    retire_data_key(world.ports, ADMIN, NS, kid(), None)
    assert parse(json.loads(fetch_at(world, 8).body or "")).data_keys == (rewrapped,)


def test_a_deleted_namespace_has_no_past_until_created_again(world: World) -> None:
    world.change(Delete(names.parse_key("a")))
    delete_namespace(world.ports, ADMIN, NS, None)
    with pytest.raises(NotFound) as refused:
        fetch_at(world, 4)
    assert refused.value.members == {"namespace": NS}
    create_namespace(world.ports, ADMIN, NS, NamespaceWanted(), None)
    assert [read_entries(world, revision) for revision in (4, 8, 9, 10)] == [{"a": "2"}, {}, {}, {}]


def test_reads_catch_up_with_a_namespace_that_keeps_changing(world: World) -> None:
    world.repository.before_query += [lambda: world.put(text("a")) and None] * 2
    assert read_entries(world, 3) == {"a": "1"}
