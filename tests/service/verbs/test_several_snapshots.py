"""Several snapshots in one request: one ETag, one read if nothing changed, and never more than Lambda answers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configsvc.model import limits, names
from configsvc.model.change_set import ChangeSet, Put
from configsvc.model.errors import InvalidRequest, NotFound
from configsvc.model.names import Namespace
from configsvc.model.snapshot import compute_cost
from configsvc.service.engine import records
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from configsvc.service.verbs.snapshots import SnapshotAnswer, fetch_snapshot, fetch_snapshots
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, World, grant, make_world, text

SHARED = Namespace("payments.shared")
SECRET = Namespace("secret.prod")


@pytest.fixture
def world() -> World:
    world = make_world()
    create_namespace(world.ports, ADMIN, SHARED, NamespaceWanted(), None)
    create_namespace(world.ports, ADMIN, SECRET, NamespaceWanted(), None)
    return world


def fetch(world: World, *namespaces: str, if_none_match: str | None = None) -> SnapshotAnswer:
    return fetch_snapshots(world.ports, READER, [Namespace(each) for each in namespaces], if_none_match)


def fill(world: World, namespace: str, size: int) -> None:
    """Puts plain values of so many bytes, at most 256 KiB each."""
    create_namespace(
        world.ports, ADMIN, Namespace(namespace), NamespaceWanted(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST), None
    )
    for number in range(0, size, limits.STORED_VALUE):
        value = "x" * min(limits.STORED_VALUE, size - number)
        plain = Put(names.parse_key(f"k{number}"), "plain", "text/plain", value)
        put_key(world.ports, DEVELOPER, Namespace(namespace), plain, "", None)


def test_several_snapshots_equal_the_single_ones_in_order(world: World) -> None:
    world.put(text("a", "ä\n"))
    both = fetch(world, SHARED, NS)
    alone = [fetch_snapshot(world.ports, READER, Namespace(each), None) for each in (SHARED, NS)]
    assert json.loads(both.body or "") == {"snapshots": [json.loads(each.body or "") for each in alone], "deferred": []}
    assert all((each.body or "?") in (both.body or "") for each in alone)
    tags = [each.etag.strip('"') for each in alone]
    assert both.etag == f'"{SHARED}={tags[0]},{NS}={tags[1]}"'


def test_an_unchanged_poll_of_ten_namespaces_is_one_read(world: World) -> None:
    namespaces = [f"payments.n{number}" for number in range(10)]
    for each in namespaces:
        create_namespace(world.ports, ADMIN, Namespace(each), NamespaceWanted(), None)
    held = fetch(world, *namespaces)
    world.clock.pass_by(11)
    world.repository.calls.clear()
    poll = fetch(world, *namespaces, if_none_match=held.etag)
    assert (poll.status, poll.body, poll.etag) == (304, None, held.etag)
    assert world.repository.calls == ["get"]
    heads = [records.head(each) for each in namespaces]
    assert world.repository.read == [*heads, records.address_of_granted("api-key:readerkey")]


def test_snapshots_rendered_before_are_one_read(world: World) -> None:
    first = fetch(world, NS, SHARED)
    world.repository.calls.clear()
    assert fetch(world, NS, SHARED) == first
    assert world.repository.calls == ["get"]


def test_a_change_in_any_namespace_changes_the_etag(world: World) -> None:
    held = fetch(world, NS, SHARED)
    put_key(world.ports, DEVELOPER, SHARED, text("a"), "", None)
    poll = fetch(world, NS, SHARED, if_none_match=held.etag)
    assert poll.status == 200
    assert poll.etag.split(",")[0] == held.etag.split(",")[0]
    assert poll.etag != held.etag


def test_another_order_has_another_etag(world: World) -> None:
    held = fetch(world, NS, SHARED)
    assert fetch(world, SHARED, NS, if_none_match=held.etag).status == 200


def test_absent_and_unreadable_namespaces_get_the_same_refusal(world: World) -> None:
    details = set[str]()
    for wrong in (SECRET, "secret.none"):
        with pytest.raises(NotFound) as refused:
            fetch(world, NS, wrong)
        assert wrong in refused.value.detail
        details.add(refused.value.detail.replace(wrong, "?"))
    assert len(details) == 1


def test_an_invalid_list_of_namespaces_is_refused_before_any_read(world: World) -> None:
    world.repository.calls.clear()
    for wrong in ((), [f"payments.n{number}" for number in range(11)], (NS, SHARED, NS)):
        with pytest.raises(InvalidRequest):
            fetch(world, *wrong)
    assert world.repository.calls == []


def test_a_snapshot_beyond_5_mb_is_deferred_and_never_read(world: World) -> None:
    for namespace, size in (("payments.a", 3 * limits.MIB), ("payments.b", 3 * limits.MIB), ("payments.c", 1000)):
        fill(world, namespace, size)
    world.repository.calls.clear()
    answer = fetch(world, "payments.a", "payments.b", "payments.c")
    found = json.loads(answer.body or "")
    assert [each["namespace"] for each in found["snapshots"]] == ["payments.a", "payments.c"]
    assert found["deferred"] == ["payments.b"]
    assert world.repository.calls == ["get", "query", "query"]
    assert compute_cost(answer.body or "", "utf8") <= limits.SNAPSHOTS_BYTES


def test_a_change_in_a_deferred_namespace_changes_the_etag(world: World) -> None:
    fill(world, "payments.a", 3 * limits.MIB)
    fill(world, "payments.b", 3 * limits.MIB)
    held = fetch(world, "payments.a", "payments.b")
    assert fetch(world, "payments.a", "payments.b", if_none_match=held.etag).status == 304
    put_key(world.ports, DEVELOPER, Namespace("payments.b"), text("a"), "", None)
    assert fetch(world, "payments.a", "payments.b", if_none_match=held.etag).status == 200


def test_the_etag_matches_the_answer_despite_a_write_in_between(world: World) -> None:
    world.repository.before_query.append(lambda: world.put(text("a")) and None)
    answer = fetch(world, NS, SHARED)
    found = json.loads(answer.body or "")["snapshots"]
    assert [(each["revision"], len(each["entries"])) for each in found] == [(3, 1), (1, 0)]
    assert fetch(world, NS, SHARED, if_none_match=answer.etag).status == 304


def test_a_snapshot_that_outgrows_the_answer_during_the_read_is_deferred(world: World) -> None:
    fill(world, "payments.a", 3 * limits.MIB)
    fill(world, "payments.b", 1000)
    fetch(world, "payments.a")
    world.repository.before_query.append(lambda: fill(world, "payments.b", 3 * limits.MIB))
    answer = fetch(world, "payments.a", "payments.b")
    assert json.loads(answer.body or "")["deferred"] == ["payments.b"]
    assert fetch(world, "payments.a", "payments.b", if_none_match=answer.etag).status == 304


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=4), st.sampled_from(["x", '"', "ä", "\n"]))
def test_only_snapshots_that_would_exceed_5_mb_are_deferred(sizes: list[int], letter: str) -> None:
    world = make_world()
    set_grants(world.ports, ADMIN, "api-key:readerkey", (grant("read", on="*"),), None)
    namespaces = [f"payments.n{number}" for number in range(len(sizes))]
    for namespace, size in zip(namespaces, sizes, strict=True):
        wanted = NamespaceWanted(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
        create_namespace(world.ports, ADMIN, Namespace(namespace), wanted, None)
        value = letter * (68_000 // compute_cost(json.dumps(letter, ensure_ascii=False)[1:-1], "ascii"))
        for first in range(0, size, 10):
            operations = tuple(text(f"k{number}", value) for number in range(first, min(first + 10, size)))
            commit_change_set(world.ports, DEVELOPER, Namespace(namespace), ChangeSet(operations), None)
    answer = fetch(world, *namespaces).body or ""
    found = json.loads(answer)
    given_back = [each["namespace"] for each in found["snapshots"]]
    assert sorted([*given_back, *found["deferred"]]) == namespaces
    assert compute_cost(answer, "utf8") <= limits.SNAPSHOTS_BYTES
    for namespace in found["deferred"]:
        alone = fetch_snapshot(world.ports, READER, namespace, None).body or ""
        before = [each for each in given_back if each < namespace]
        sent = sum(compute_cost(fetch_snapshot(world.ports, READER, each, None).body or "", "utf8") for each in before)
        assert sent + compute_cost(alone, "utf8") > limits.SNAPSHOTS_BYTES - 1000
