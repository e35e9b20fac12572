"""A key's history: any version is read, all are listed, and the active one is moved, removed or restored."""

from functools import partial

import pytest

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import (
    Forbidden,
    Gone,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import records
from configsvc.service.engine.ports import Idempotency, WriteOutcome
from configsvc.service.engine.records import KeyState, RecordAddress
from configsvc.service.verbs.keys import activate_version, delete_key, destroy_version
from configsvc.service.verbs.read_keys import get_key, list_versions
from tests.support.service.world import (
    ADMIN,
    DEVELOPER,
    NS,
    READER,
    ROLES,
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


def activate(
    world: World, key: str, version: int, if_match: int | None = None, idempotency: Idempotency | None = None
) -> WriteOutcome:
    wanted = Activate(names.parse_key(key), version, if_match)
    return activate_version(world.ports, DEVELOPER, NS, wanted, "back", idempotency)


def delete(world: World, key: str, if_match: int | None = None) -> WriteOutcome:
    return delete_key(world.ports, DEVELOPER, NS, Delete(names.parse_key(key), if_match), "away", None)


def list_page(world: World, key: str, limit: int = 1000, cursor: str | None = None) -> tuple[list[object], str | None]:
    found = list_versions(world.ports, READER, NS, Key(key), limit, cursor)
    versions, more = found["versions"], found["cursor"]
    assert isinstance(versions, list)
    assert more is None or isinstance(more, str)
    return [each["version"] for each in versions], more


def test_any_version_can_be_read_with_its_author(world: World) -> None:
    world.put(text("db.url", "old"))
    world.clock.pass_by(60)
    world.put(text("db.url", "new"))
    world.put(text("db.url", "staged", activate=False))
    body, etag = get_key(world.ports, READER, NS, Key("db.url"), 1)
    assert body == {
        "namespace": NS, "key": "db.url", "version": 1, "form": "plain", "content_type": "text/plain", "value": "old",
        "active": 2, "written_at": "2027-01-15T08:00:00.000Z", "written_by": ROLES + "Developer", "latest": 3,
        "next_version": 4, "revision": 5,
    }  # fmt: skip
    assert etag == '"5"'
    assert get_key(world.ports, READER, NS, Key("db.url"), 3)[0]["value"] == "staged"


def test_a_version_of_a_deleted_key_can_be_read(world: World) -> None:
    world.put(text("db.url", "old"))
    delete(world, "db.url")
    body, _ = get_key(world.ports, READER, NS, Key("db.url"), 1)
    assert (body["value"], body["active"]) == ("old", None)


def test_a_version_costs_one_read(world: World) -> None:
    world.put(text("db.url"))
    world.repository.calls.clear()
    get_key(world.ports, READER, NS, Key("db.url"), 1)
    assert world.repository.calls == ["get"]


@pytest.mark.parametrize(("key", "version"), [("db.url", 2), ("db.user", 1)], ids=["no such version", "no such key"])
def test_an_absent_version_is_not_found_and_the_next_named(world: World, key: str, version: int) -> None:
    world.put(text("db.url"))
    with pytest.raises(NotFound) as refused:
        get_key(world.ports, READER, NS, Key(key), version)
    assert refused.value.members["next_version"] == version


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_below_1_is_refused(world: World, version: int) -> None:
    with pytest.raises(InvalidRequest):
        get_key(world.ports, READER, NS, Key("db.url"), version)


def test_a_stranger_learns_of_no_keys_or_versions(world: World) -> None:
    world.put(text("db.url"))
    with pytest.raises(NotFound) as one:
        get_key(world.ports, STRANGER, NS, Key("db.url"), 1)
    with pytest.raises(NotFound) as all_of_them:
        list_versions(world.ports, STRANGER, NS, Key("db.url"), 10, None)
    with pytest.raises(NotFound) as absent:
        list_versions(world.ports, STRANGER, Namespace("payments.prod2"), Key("db.url"), 10, None)
    assert one.value.members == {"namespace": NS}
    assert one.value.detail == all_of_them.value.detail == absent.value.detail.replace("prod2", "prod")


def test_versions_are_listed_newest_first_without_values(world: World) -> None:
    world.put(text("db.url", "canary"))
    world.put(sealed("db.url", 2))
    activate(world, "db.url", 1)
    found = list_versions(world.ports, READER, NS, Key("db.url"), 10, None)
    assert {name: found[name] for name in found if name != "versions"} == {
        "namespace": NS, "key": "db.url", "latest": 2, "next_version": 3, "revision": 5, "cursor": None,
    }  # fmt: skip
    written = {"written_at": "2027-01-15T08:00:00.000Z", "written_by": ROLES + "Developer", "destroyed": False}
    assert found["versions"] == [
        {"version": 2, "form": "envelope", "content_type": "text/plain", "revision": 4, "active": False, **written},
        {"version": 1, "form": "plain", "content_type": "text/plain", "revision": 3, "active": True, **written},
    ]
    assert "canary" not in str(found)


def test_pages_of_versions_continue_without_overlap_and_end(world: World) -> None:
    for number in range(12):
        world.put(text("db", str(number)))
    world.put(text("db.url"))
    world.put(text("d"))
    pages, cursor = list[list[object]](), None
    while not pages or cursor:
        page, cursor = list_page(world, "db", 5, cursor)
        pages.append(page)
    assert pages == [[12, 11, 10, 9, 8], [7, 6, 5, 4, 3], [2, 1]]


def test_a_page_of_versions_is_one_read_and_one_query(world: World) -> None:
    world.put(text("db.url"))
    world.repository.calls.clear()
    list_page(world, "db.url")
    assert world.repository.calls == ["get", "query"]


@pytest.mark.parametrize("cursor", ["!", "MA", "ZGI", "LTE"], ids=["no base64", "0", "a name", "-1"])
def test_a_cursor_from_elsewhere_is_refused(world: World, cursor: str) -> None:
    world.put(text("db.url"))
    with pytest.raises(InvalidRequest):
        list_page(world, "db.url", 5, cursor)


def test_activate_serves_an_earlier_version_and_answers_like_put(world: World) -> None:
    world.put(text("db.url", "old"))
    world.put(text("db.url", "new"))
    world.repository.calls.clear()
    outcome = activate(world, "db.url", 1)
    assert world.repository.calls == ["get", "commit"]
    assert (outcome.status, outcome.etag) == (200, '"5"')
    assert outcome.body == {"namespace": NS, "key": "db.url", "version": 1, "revision": 5, "active": 1}
    assert get_key(world.ports, READER, NS, Key("db.url"))[0]["value"] == "old"
    assert (world.log()[-1].message, world.log()[-1].changes) == ("back", (("db.url", "activate", 1, 2, 1),))


def test_delete_removes_a_key_and_activate_restores_it(world: World) -> None:
    world.put(text("db.url", "old"))
    outcome = delete(world, "db.url")
    assert outcome.body == {"namespace": NS, "key": "db.url", "version": None, "revision": 4, "active": None}
    with pytest.raises(NotFound):
        get_key(world.ports, READER, NS, Key("db.url"))
    with pytest.raises(NotFound) as twice:
        delete(world, "db.url")
    assert twice.value.members == {"key": "db.url"}
    activate(world, "db.url", 1)
    assert get_key(world.ports, READER, NS, Key("db.url"))[0]["value"] == "old"


def test_only_a_deleted_key_has_a_deletion_time(world: World) -> None:
    def deleted_at(at: RecordAddress) -> object:
        state = world.repository.get([at])[at]
        assert isinstance(state, KeyState)
        return state.deleted_at

    world.put(text("db.url"))
    world.clock.pass_by(60)
    delete(world, "db.url")
    assert deleted_at(records.unserved_key(NS, "db.url")) == "2027-01-15T08:01:00.000Z"
    activate(world, "db.url", 1)
    assert deleted_at(records.key(NS, "db.url")) is None


def test_activate_and_delete_observe_if_match(world: World) -> None:
    world.put(text("db.url"))
    world.put(text("db.url"))
    with pytest.raises(PreconditionFailed) as refused:
        activate(world, "db.url", 1, 3)
    assert refused.value.members["revision"] == 4
    with pytest.raises(PreconditionFailed):
        delete(world, "db.url", 3)
    assert activate(world, "db.url", 1, 4).body["revision"] == 5
    assert delete(world, "db.url", 5).body["revision"] == 6


def test_activate_and_delete_need_a_precondition_if_required(world: World) -> None:
    world.put(text("db.url"))
    world.set(require_preconditions=True)
    for write in (partial(activate, world, "db.url", 1), partial(delete, world, "db.url")):
        with pytest.raises(PreconditionRequired, match=r"If-Match \(in a change set if_match\)\.") as asked:
            write()
        assert "create_only" not in asked.value.detail  # only a put accepts it


def test_the_same_idempotency_key_activates_once(world: World) -> None:
    world.put(text("db.url"))
    world.put(text("db.url"))
    first = activate(world, "db.url", 1, 4, make_retry_key("again"))
    before = world.stored()
    assert activate(world, "db.url", 1, 4, make_retry_key("again")) == first
    assert world.stored() == before


def test_a_version_that_never_existed_is_not_activated(world: World) -> None:
    world.put(text("db.url"))
    with pytest.raises(NotFound) as refused:
        activate(world, "db.url", 2)
    assert refused.value.members == {"key": "db.url", "version": 2}


def test_a_caller_without_write_neither_activates_nor_deletes(world: World) -> None:
    world.put(text("db.url"))
    reader = READER._replace(principal=ROLES + "Nobody")
    with pytest.raises(Forbidden):
        activate_version(world.ports, reader, NS, Activate(names.parse_key("db.url"), 1), "", None)
    with pytest.raises(NotFound):
        delete_key(world.ports, STRANGER, NS, Delete(names.parse_key("db.url")), "", None)


def test_a_destroyed_version_is_gone_except_in_the_history(world: World) -> None:
    world.put(text("db.url", "old"))
    world.put(text("db.url", "new"))
    destroy_version(world.ports, ADMIN, NS, Key("db.url"), 1, None)
    with pytest.raises(Gone):
        get_key(world.ports, READER, NS, Key("db.url"), 1)
    with pytest.raises(Gone) as gone:
        activate(world, "db.url", 1)
    assert gone.value.members == {"key": "db.url", "version": 1}
    versions = list_versions(world.ports, READER, NS, Key("db.url"), 10, None)["versions"]
    assert isinstance(versions, list)
    assert [(each["version"], each["destroyed"], each["active"]) for each in versions] == [
        (2, False, True), (1, True, False),
    ]  # fmt: skip
