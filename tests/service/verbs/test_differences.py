"""Diffs of two revisions and of two namespaces: by key and version, never a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.change_set import ChangeSet, Delete, Put
from configsvc.model.encoding import to_base64std
from configsvc.model.errors import Gone, InvalidRequest, NotFound
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import ContentType, Entry, Form
from configsvc.service.engine import records
from configsvc.service.engine.ports import Remove
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.history import compare_entries, diff_namespaces, diff_revisions
from configsvc.service.verbs.keys import destroy_version
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from tests.support.service.sealed import data_key, envelope
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, STRANGER, World, make_world, sealed, text

DEV = Namespace("payments.dev")
PLAIN = {"form": "plain", "content_type": "text/plain"}
SEALED = {"form": "envelope", "content_type": "text/plain"}


@pytest.fixture
def world() -> World:
    """Makes a world with revisions 3 to 7: a=1, b=1; a=2; a and c sealed; b deleted; c staged."""
    world = make_world()
    world.change(text("a", "canary 1"), text("b", "canary"))
    world.put(text("a", "canary 2"))
    world.change(sealed("a", 3), sealed("c", 1))
    world.change(Delete(names.parse_key("b")))
    world.put(sealed("c", 2)._replace(activate=False))
    world.repository.calls.clear()
    return world


def diff(world: World, was: int, now: int | None = None) -> dict[str, object]:
    return diff_revisions(world.ports, READER, NS, was, now, 1000, None)


def prune(world: World, *revisions: int) -> None:
    partition = records.of_namespace(NS)
    world.repository.commit([Remove(records.log(partition, revision), revision) for revision in revisions])


def test_added_removed_and_changed_keys_are_listed_by_version(world: World) -> None:
    found = diff(world, 3)
    assert found == {
        "namespace": NS, "from": 3, "to": 7, "cursor": None,
        "differences": [
            {"key": "a", "was": {"version": 1, **PLAIN}, "now": {"version": 3, **SEALED}},
            {"key": "b", "was": {"version": 1, **PLAIN}, "now": None},
            {"key": "c", "was": None, "now": {"version": 1, **SEALED}},
        ],
    }  # fmt: skip
    assert "canary" not in str(found)


def test_a_diff_also_goes_backwards(world: World) -> None:
    forwards, backwards = diff(world, 3, 4)["differences"], diff(world, 4, 3)["differences"]
    assert forwards == [{"key": "a", "was": {"version": 1, **PLAIN}, "now": {"version": 2, **PLAIN}}]
    assert backwards == [{"key": "a", "was": {"version": 2, **PLAIN}, "now": {"version": 1, **PLAIN}}]


def test_equal_revisions_and_staged_puts_do_not_differ(world: World) -> None:
    for ends in ((4, 4), (6, 7), (7, None)):
        assert diff(world, *ends)["differences"] == []


def test_a_diff_of_revisions_costs_four_reads(world: World) -> None:
    diff(world, 3)
    assert world.repository.calls == ["get", "get", "get", "get"]
    world.repository.calls.clear()
    diff(world, 3, 4)
    assert world.repository.calls == ["get", "get", "get", "get"]


def test_pages_of_a_diff_read_only_their_own_versions(world: World) -> None:
    pages, cursor = list[object](), None
    while not pages or cursor:
        page = diff_revisions(world.ports, READER, NS, 3, 7, 1, cursor)
        cursor = page["cursor"] if isinstance(page["cursor"], str) else None
        pages.append(page["differences"])
        assert len(world.repository.read) <= 2
    assert [each["key"] for page in pages if isinstance(page, list) for each in page] == ["a", "b", "c"]


def test_a_diff_lists_destroyed_versions(world: World) -> None:
    destroy_version(world.ports, ADMIN, NS, Key("a"), 1, None)
    assert diff(world, 3, 4)["differences"] == [
        {"key": "a", "was": {"version": 1, **PLAIN}, "now": {"version": 2, **PLAIN}}
    ]


def test_pruned_revisions_are_gone_and_future_ones_not_found(world: World) -> None:
    prune(world, 1, 2, 3)
    with pytest.raises(Gone) as gone:
        diff(world, 4, 3)
    assert gone.value.members["oldest"] == 4
    for ends in ((4, 8), (8, 4), (8, None)):
        with pytest.raises(NotFound) as refused:
            diff(world, *ends)
        assert refused.value.members["revision"] == 7
    for wrong in (0, 10**12):
        with pytest.raises(InvalidRequest):
            diff(world, wrong)


def test_a_diff_of_revisions_served_now_needs_no_log(world: World) -> None:
    prune(world, *range(1, 8))
    assert diff(world, 6, 7)["differences"] == []


def test_a_write_between_the_reads_does_not_change_the_past(world: World) -> None:
    expected = diff(world, 3, 6)
    for number in range(3):
        world.repository.before_get += [lambda: None] * number + [lambda: world.put(text("b")) and None]
        assert diff(world, 3, 6) == expected


def test_a_stranger_gets_no_diff(world: World) -> None:
    for ends in ((3, 4), (3, 99)):
        with pytest.raises(NotFound) as refused:
            diff_revisions(world.ports, STRANGER, NS, *ends, 10, None)
        assert refused.value.members.keys() <= {"namespace"}


def create_dev(world: World, *operations: Put) -> None:
    create_namespace(world.ports, ADMIN, DEV, NamespaceWanted(), None)
    add_data_key(world.ports, ADMIN, DEV, data_key(), None)
    commit_change_set(world.ports, DEVELOPER, DEV, ChangeSet(operations), None)


def diff_with_dev(world: World, limit: int = 1000, cursor: str | None = None) -> dict[str, object]:
    return diff_namespaces(world.ports, READER, NS, DEV, limit, cursor)


def test_two_namespaces_differ_by_key_form_content_type_and_value(world: World) -> None:
    world.change(text("same", "canary"), text("other", "canary"), text("json", "1"))
    password = envelope("a", 1, namespace=DEV)
    create_dev(
        world, text("same", "old"), text("other", "another canary"),
        text("json", "1", content_type="application/json"), text("c"),
        Put(names.parse_key("a"), "envelope", "text/plain", password), text("dev.only"),
    )  # fmt: skip
    commit_change_set(world.ports, DEVELOPER, DEV, ChangeSet((text("same", "canary"),)), None)
    found = diff_with_dev(world)
    assert {name: found[name] for name in found if name != "differences"} == {
        "namespace": NS, "revision": 8, "against": DEV, "against_revision": 4, "cursor": None,
    }  # fmt: skip
    first = {"version": 1, **PLAIN}
    assert found["differences"] == [
        {"key": "a", "here": {"version": 3, **SEALED}, "there": {"version": 1, **SEALED}, "values": "unknown"},
        {"key": "c", "here": {"version": 1, **SEALED}, "there": first, "values": "unknown"},
        {"key": "dev.only", "here": None, "there": first, "values": None},
        {"key": "json", "here": first, "there": {**first, "content_type": "application/json"}, "values": "different"},
        {"key": "other", "here": first, "there": first, "values": "different"},
    ]
    assert "canary" not in str(found)


def test_json_with_another_layout_does_not_differ(world: World) -> None:
    world.change(
        *(
            text(key, value, content_type="application/json")
            for key, value in (("x", '{"m":1,"n":2}'), ("y", "1"), ("z", "1.1"))
        )
    )
    create_dev(
        world,
        *(
            text(key, value, content_type="application/json")
            for key, value in (("x", '{"n": 2, "m":1}'), ("y", "true"), ("z", "1.10"))
        ),
    )
    found = diff_with_dev(world)["differences"]
    assert isinstance(found, list)
    assert {each["key"]: each["values"] for each in found if each["here"] and each["there"]} == {
        "y": "different", "z": "different",
    }  # fmt: skip


def test_two_namespaces_are_read_by_one_batch_and_a_query_each(world: World) -> None:
    create_dev(world, text("a"))
    world.repository.calls.clear()
    diff_with_dev(world)
    assert world.repository.calls == ["get", "query", "query"]


def test_pages_of_a_namespace_diff_continue_without_overlap(world: World) -> None:
    create_dev(world, text("x"), text("y"))
    keys, cursor = list[str](), None
    while not keys or cursor:
        page = diff_with_dev(world, 1, cursor)
        cursor = page["cursor"] if isinstance(page["cursor"], str) else None
        assert isinstance(page["differences"], list)
        keys += [each["key"] for each in page["differences"]]
    assert keys == ["a", "c", "x", "y"]


def test_a_namespace_diff_needs_two_readable_namespaces(world: World) -> None:
    create_namespace(world.ports, ADMIN, Namespace("secret"), NamespaceWanted(), None)
    with pytest.raises(InvalidRequest):
        diff_namespaces(world.ports, READER, NS, NS, 10, None)
    details = set[str]()
    for here, there in ((NS, "secret"), ("secret", NS), (NS, "absent"), ("absent", NS)):
        with pytest.raises(NotFound) as refused:
            diff_namespaces(world.ports, READER, Namespace(here), Namespace(there), 10, None)
        details.add(refused.value.detail.replace("secret", "?").replace("absent", "?"))
    assert len(details) == 1


forms: st.SearchStrategy[Form] = st.sampled_from(["plain", "kms"])
types: st.SearchStrategy[ContentType] = st.sampled_from(["text/plain", "application/json"])
entries = st.builds(
    Entry, st.just(names.parse_key("k")), st.integers(1, 9), forms, types, st.sampled_from(["1", to_base64std(b"2")])
)
sides = st.dictionaries(st.sampled_from([names.parse_key(each) for each in "abc"]), entries)


@given(sides, sides)
def test_equal_entries_are_omitted_and_the_order_of_sides_is_irrelevant(
    one: dict[Key, Entry], other: dict[Key, Entry]
) -> None:
    assert compare_entries(one, one) == []
    there_and_back = [(each.key, each.there, each.here, each.values) for each in compare_entries(other, one)]
    assert [tuple(each) for each in compare_entries(one, other)] == there_and_back
    differing = {each.key for each in compare_entries(one, other)}
    equal = {key for key in one.keys() & other.keys() if one[key]._replace(version=1) == other[key]._replace(version=1)}
    assert differing == (one.keys() | other.keys()) - equal
