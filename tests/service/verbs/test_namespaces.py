"""Namespaces and their data keys: created once, described, listed to those who may read them."""

import pytest

from configsvc.model import limits
from configsvc.model.errors import AlreadyExists, Conflict, InvalidRequest, NotFound, TooLarge
from configsvc.model.names import Namespace
from configsvc.service.engine import records
from configsvc.service.engine.ports import Write
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.data_keys import add_data_key, list_data_keys
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.namespaces import (
    NamespaceWanted,
    create_namespace,
    delete_namespace,
    get_namespace,
    list_namespaces,
)
from tests.support.service.sealed import KMS_KEY, data_key, kid
from tests.support.service.world import (
    ADMIN,
    NS,
    READER,
    ROLES,
    STRANGER,
    World,
    grant,
    make_retry_key,
    make_world,
    sealed,
    text,
)


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_new_namespace_is_empty_at_revision_1() -> None:
    world = World()
    outcome = create_namespace(world.ports, ADMIN, NS, NamespaceWanted("Payments", ("envelope",)), None)
    assert (outcome.status, outcome.etag) == (201, '"1"')
    set_grants(world.ports, ADMIN, "api-key:readerkey", (grant("read"),), None)
    assert outcome.body == get_namespace(world.ports, READER, NS)
    assert outcome.body["description"] == "Payments"
    assert outcome.body["forms"] == ["envelope"]
    assert (outcome.body["entries"], outcome.body["served_revision"]) == (0, 1)
    assert world.fetch().status == 200


def test_only_a_new_namespace_gets_the_default_retention() -> None:
    world = World()
    create_namespace(world.ports, ADMIN, NS, NamespaceWanted("Payments"), None)
    ports = world.ports._replace(retention=RetentionSettings(log_days=400))
    again = create_namespace(ports, ADMIN, NS, NamespaceWanted("Again"), None)
    first = create_namespace(ports, ADMIN, Namespace("orders.prod"), NamespaceWanted(), None)
    other = create_namespace(ports, ADMIN, Namespace("shop.prod"), NamespaceWanted(retention=RetentionSettings()), None)
    kept = [outcome.body["retention"] for outcome in (again, first, other)]
    assert kept == [{"versions": None, "log_days": days, "deleted_days": None} for days in (None, 400, None)]


def test_only_the_requested_settings_change(world: World) -> None:
    world.set(description="one", forms=("plain",))
    outcome = world.set(description="two")
    assert (outcome.status, outcome.body["description"], outcome.body["forms"]) == (200, "two", ["plain"])
    assert world.log()[-1].verb == "set_namespace"


def test_settings_and_revision_are_of_one_moment(world: World) -> None:
    read, write = (lambda: None), (lambda: world.set(description="two"))
    world.repository.before_get += [read, write]
    found = get_namespace(world.ports, READER, NS)
    assert (found["description"], found["revision"]) == ("two", world.head().revision)


def test_a_namespace_deleted_while_it_is_read_is_not_found(world: World) -> None:
    world.repository.before_get += [lambda: None, lambda: delete_namespace(world.ports, ADMIN, NS, None)]
    with pytest.raises(NotFound):
        get_namespace(world.ports, READER, NS)


def test_unchanged_settings_write_nothing(world: World) -> None:
    before = world.stored()
    assert world.set(description="").status == 200
    assert world.stored() == before


def test_a_namespace_is_created_once_however_often_requested() -> None:
    world = World()
    first = create_namespace(world.ports, ADMIN, NS, NamespaceWanted("x"), make_retry_key("k1"))
    assert create_namespace(world.ports, ADMIN, NS, NamespaceWanted("x"), make_retry_key("k1")) == first
    assert create_namespace(world.ports, ADMIN, NS, NamespaceWanted("x"), None).status == 200
    assert len(world.log()) == 1


def test_a_recreated_namespace_keeps_counting(world: World) -> None:
    head = world.head()
    deleted = head._replace(revision=head.revision + 1, state="deleted")
    world.repository.commit([Write(deleted, head.revision)])
    with pytest.raises(NotFound):
        world.fetch()
    outcome = world.set(description="again")
    assert (outcome.status, outcome.body["revision"]) == (201, 4)
    assert world.fetch().status == 200


def test_a_snapshot_limit_above_the_maximum_is_refused(world: World) -> None:
    with pytest.raises(TooLarge):
        world.set(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST + 1)


def test_only_readable_namespaces_are_listed(world: World) -> None:
    for name in ("payments.a", "payments.b", "payments.c", "other.a", "zoo"):
        create_namespace(world.ports, ADMIN, Namespace(name), NamespaceWanted(name.upper()), None)
    assert list_page(world, "", 10) == (["payments.a", "payments.b", "payments.c", "payments.prod"], None)
    first, cursor = list_page(world, "", 3)
    assert first == ["payments.a", "payments.b", "payments.c"]
    assert list_page(world, "", 3, cursor) == (["payments.prod"], None)
    assert list_page(world, "payments.p", 3) == (["payments.prod"], None)
    assert list_page(world, "zoo", 3) == ([], None)


def test_a_caller_without_grants_gets_an_empty_list_without_query(world: World) -> None:
    world.repository.calls.clear()
    assert list_namespaces(world.ports, STRANGER, "", 10, None) == {"namespaces": [], "cursor": None}
    assert "query" not in world.repository.calls


def list_page(world: World, prefix: str, limit: int, cursor: object = None) -> tuple[list[str], object]:
    assert cursor is None or isinstance(cursor, str)
    page = list_namespaces(world.ports, READER, prefix, limit, cursor)
    found = page["namespaces"]
    assert isinstance(found, list)
    return [each["namespace"] for each in found], page["cursor"]


@pytest.mark.parametrize("cursor", ["", "!", "YQ==", "WkZaWg", "YQ", "L2E"])
def test_a_cursor_of_another_listing_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        list_namespaces(world.ports, READER, "payments.", 10, cursor)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_outside_1_to_1000_is_refused(world: World, limit: int) -> None:
    with pytest.raises(InvalidRequest):
        list_namespaces(world.ports, READER, "", limit, None)


def test_adding_a_data_key_again_gets_its_first_revision(world: World) -> None:
    first = add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    assert (first.status, first.body) == (201, {"namespace": NS, "kid": kid(1), "revision": 3})
    world.put(text("a"))
    again = add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    assert (again.status, again.body) == (200, first.body)
    assert world.head().revision == 4


def test_a_kid_with_another_wrapping_is_refused(world: World) -> None:
    with pytest.raises(AlreadyExists):
        add_data_key(world.ports, ADMIN, NS, data_key()._replace(wrapped="AAAA"), None)


def test_a_namespace_has_at_most_32_live_data_keys(world: World) -> None:
    for number in range(1, limits.LIVE_DATA_KEYS):
        add_data_key(world.ports, ADMIN, NS, data_key(number), None)
    with pytest.raises(Conflict, match="Retire"):
        add_data_key(world.ports, ADMIN, NS, data_key(99), None)


def test_the_keyring_is_listed_newest_first_with_counts(world: World) -> None:
    world.clock.pass_by(60)
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    world.change(sealed("a", 1), sealed("b", 1)._replace(activate=False))
    found = list_data_keys(world.ports, READER, NS)["data_keys"]
    assert isinstance(found, list)
    assert [(each["kid"], each["seals"], each["served"]) for each in found] == [(kid(1), 0, 0), (kid(), 2, 1)]
    assert found[1] == {
        **data_key()._asdict(), "state": "live", "seals": 2, "served": 1, "created_at": "2027-01-15T08:00:00.000Z",
        "created_by": ROLES + "Admin", "revision": 2,
    }  # fmt: skip


def test_the_change_log_names_the_data_key_and_its_kms_key(world: World) -> None:
    record = world.log()[-1]
    assert (record.verb, record.subject, record.details) == ("add_data_key", kid(), {"kms_key": KMS_KEY})
    assert data_key().wrapped not in repr(record)


def test_every_write_to_a_namespace_has_its_record_in_its_own_transaction(world: World) -> None:
    world.set(description="x")
    written = {
        records.address_of(action.record).sk for action in world.repository.committed if isinstance(action, Write)
    }
    assert written == {"HEAD", "SETTINGS", NS, "R#000000000003"}
