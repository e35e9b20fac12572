"""Keys are listed without values, and one is fetched with what a writer needs for the next version."""

import pytest

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import InvalidRequest, NotFound
from configsvc.model.names import Key
from configsvc.service.engine.ports import Write
from configsvc.service.verbs.read_keys import get_key, list_keys
from tests.support.service.world import NS, READER, World, make_world, sealed, text


@pytest.fixture
def world() -> World:
    return make_world()


def test_keys_are_listed_with_versions_and_without_values(world: World) -> None:
    world.put(text("b", "canary", rotate_by="2027-01-31"))
    world.put(sealed("a", 1))
    world.put(sealed("a", 2)._replace(activate=False))
    world.change(Delete(names.parse_key("b")))
    page = list_keys(world.ports, READER, NS, "", 10, None)
    assert page == {
        "namespace": NS,
        "revision": 6,
        "floor": 0,
        "keys": [
            {
                "key": "a", "active": 1, "latest": 2, "next_version": 3, "form": "envelope",
                "content_type": "text/plain", "revision": 5, "rotate_by": None,
                "state": "served",
            },
            {
                "key": "b", "active": None, "latest": 1, "next_version": 2, "form": "plain", "content_type": None,
                "revision": 6, "rotate_by": "2027-01-31", "state": "deleted",
            },
        ],
        "cursor": None,
    }  # fmt: skip


def test_a_key_is_listed_as_staged_served_or_deleted(world: World) -> None:
    def state() -> object:
        page = list_keys(world.ports, READER, NS, "", 10, None)
        assert isinstance(page["keys"], list)
        return page["keys"][0]["state"]

    key = names.parse_key("k")
    world.put(text("k")._replace(activate=False))
    assert state() == "staged"
    world.change(Activate(key, 1))
    assert state() == "served"
    world.change(Delete(key))
    assert state() == "deleted"
    world.put(text("k")._replace(activate=False))
    assert state() == "staged"
    world.change(Activate(key, 2))
    assert state() == "served"


def test_a_listing_has_the_floor_for_new_keys(world: World) -> None:
    head = world.head()
    world.repository.commit([Write(head._replace(floor=40, revision=head.revision + 1), head.revision)])
    assert list_keys(world.ports, READER, NS, "", 10, None)["floor"] == 40
    assert world.put(text("a")).body["version"] == 41


def test_pages_together_have_every_key_once(world: World) -> None:
    wanted = sorted(f"k{number}" for number in range(7))
    world.change(*(text(key) for key in wanted))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = list_keys(world.ports, READER, NS, "k", 3, cursor)
        assert isinstance(page["keys"], list)
        seen += [each["key"] for each in page["keys"]]
        if page["cursor"] is None:
            break
        assert isinstance(page["cursor"], str)
        cursor = page["cursor"]
    assert seen == wanted


def test_a_page_of_keys_costs_three_reads(world: World) -> None:
    world.change(*(text(f"k{number}") for number in range(20)))
    world.repository.calls.clear()
    list_keys(world.ports, READER, NS, "", 1000, None)
    assert world.repository.calls == ["get", "query", "query"]


@pytest.mark.parametrize("cursor", ["!", "YQ==", "YS9i", "LQ"])
def test_an_invalid_cursor_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        list_keys(world.ports, READER, NS, "", 10, cursor)


def test_an_invalid_prefix_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest):
        list_keys(world.ports, READER, NS, "a/b", 10, None)


def test_a_key_costs_one_read_and_has_an_etag(world: World) -> None:
    world.put(text("a", "value"))
    world.put(text("other"))
    world.repository.calls.clear()
    body, etag = get_key(world.ports, READER, NS, Key("a"))
    assert world.repository.calls == ["get"]
    assert body == {
        "namespace": NS, "key": "a", "version": 1, "form": "plain", "content_type": "text/plain", "value": "value",
        "latest": 1, "next_version": 2, "revision": 3,
    }  # fmt: skip
    assert etag == '"3"'


def test_an_absent_key_has_a_next_version(world: World) -> None:
    with pytest.raises(NotFound) as absent:
        get_key(world.ports, READER, NS, Key("a"))
    assert absent.value.members == {"key": "a", "next_version": 1}
