from __future__ import annotations

from collections.abc import Callable

import pytest

from configsvc.model.errors import Conflict, Forbidden, Gone, NotFound, PreconditionFailed
from configsvc_client.admin import Admin, LogFilter, make_draft
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback, arn, lost


@pytest.fixture
def admin(service: Loopback, namespace: str) -> Admin:
    """A writer, with three versions of one key, the last of them staged."""
    made = service.admin()
    for number in (1, 2):
        made.values.put(namespace, "one", str(number), message=f"the {number}")
    made.values.put_draft(namespace, make_draft("one", "3")._replace(activate=False), "staged")
    return made


def test_the_history_of_a_key_is_its_versions_newest_first(admin: Admin, namespace: str) -> None:
    found = list(admin.history.list_versions(namespace, "one"))
    assert [(each.version, each.active, each.form) for each in found] == [
        (3, False, "envelope"),
        (2, True, "envelope"),
        (1, False, "envelope"),
    ]
    assert {each.written_by for each in found} == {arn("writer")}


def test_any_version_is_read_in_the_clear(admin: Admin, namespace: str) -> None:
    assert [admin.values.get(namespace, "one", number).data for number in (1, 2, 3)] == [b"1", b"2", b"3"]
    assert admin.values.get(namespace, "one").version == 2
    with pytest.raises(NotFound):
        admin.values.get(namespace, "one", 4)


def test_activate_serves_a_staged_version_and_nothing_is_sealed_again(
    service: Loopback, admin: Admin, namespace: str
) -> None:
    service.kms.calls.clear()
    done = admin.values.activate(namespace, "one", 3, "go")
    assert done.versions == {"one": 3}
    assert service.kms.calls == []
    assert admin.values.get(namespace, "one").data == b"3"


def test_a_rollback_never_serves_a_version_that_was_only_staged(admin: Admin, namespace: str) -> None:
    admin.values.put(namespace, "one", "4")
    assert admin.rollback.roll_back(namespace, "one", "4 is wrong").versions == {"one": 2}
    assert admin.rollback.roll_back(namespace, "one").versions == {"one": 1}
    with pytest.raises(NotFound, match="below the active version 1"):
        admin.rollback.roll_back(namespace, "one")


def test_a_rollback_passes_over_what_was_destroyed(service: Loopback, admin: Admin, namespace: str) -> None:
    admin.values.activate(namespace, "one", 3)
    service.admin("admin").values.destroy(namespace, "one", 2)
    assert admin.rollback.roll_back(namespace, "one").versions == {"one": 1}


def test_a_rollback_of_what_is_not_served_says_so(admin: Admin, namespace: str) -> None:
    admin.values.delete(namespace, "one")
    with pytest.raises(NotFound, match="Activate"):
        admin.rollback.roll_back(namespace, "one")
    with pytest.raises(NotFound):
        admin.rollback.roll_back(namespace, "never")


def test_what_is_deleted_is_served_no_longer_and_comes_back(admin: Admin, namespace: str) -> None:
    revision = next(each.revision for each in admin.values.list_keys(namespace))
    with pytest.raises(PreconditionFailed):
        admin.values.delete(namespace, "one", if_match=revision - 1)
    assert admin.values.delete(namespace, "one", "gone", if_match=revision).versions == {"one": None}
    with pytest.raises(NotFound):
        admin.values.get(namespace, "one")
    admin.values.activate(namespace, "one", 2)
    assert admin.values.get(namespace, "one").data == b"2"


def test_what_is_destroyed_is_gone_and_what_is_served_cannot_be(
    service: Loopback, admin: Admin, namespace: str
) -> None:
    with pytest.raises(Forbidden):
        admin.values.destroy(namespace, "one", 1)
    with pytest.raises(Conflict, match="served"):
        service.admin("admin").values.destroy(namespace, "one", 2)
    revision = service.admin("admin").values.destroy(namespace, "one", 1)
    assert revision == service.admin().namespaces.get(namespace)["revision"]
    with pytest.raises(Gone):
        admin.values.get(namespace, "one", 1)
    assert [each.destroyed for each in admin.history.list_versions(namespace, "one")] == [False, False, True]


def test_the_change_log_tells_what_who_and_why_and_is_filtered(admin: Admin, namespace: str) -> None:
    admin.values.put(namespace, "two", "x", message="another")
    whole = list(admin.history.list_changes(namespace))
    assert [each.revision for each in whole] == list(range(1, len(whole) + 1))
    assert [each.verb for each in whole[:2]] == ["create_namespace", "add_data_key"]
    assert [each.message for each in admin.history.list_changes(namespace, LogFilter(key="one"))] == [
        "the 1",
        "the 2",
        "staged",
    ]
    (last,) = admin.history.list_changes(namespace, LogFilter(since=whole[-2].revision))
    (change,) = last.keys
    assert (last.message, last.principal) == ("another", arn("writer"))
    assert (change.key, change.op, change.version, change.was, change.now) == ("two", "put", 1, None, 1)
    assert not list(admin.history.list_changes(namespace, LogFilter(principal=arn("nobody"))))
    assert not list(admin.history.list_changes(namespace, LogFilter(before_time="2020-01-01")))
    assert list(admin.history.list_changes(namespace, LogFilter(after_time="2020-01-01"))) == whole


def test_the_change_log_of_the_grants_is_signed_for(service: Loopback) -> None:
    assert any(each.subject == arn("writer") for each in service.admin("admin").history.list_grant_changes())
    with pytest.raises((Forbidden, NotFound)):
        list(service.admin().history.list_grant_changes())


def test_a_diff_tells_what_two_revisions_serve(admin: Admin, namespace: str) -> None:
    start = admin.values.get_snapshot(namespace).revision
    admin.change_sets.apply(namespace, [make_draft("two", {"a": 1})])
    end = admin.values.activate(namespace, "one", 3).revision
    admin.values.delete(namespace, "two")
    found = {str(each.key): each for each in admin.history.diff(namespace, start, end)}
    shown = {key: (each.was and each.was.version, each.now and each.now.version) for key, each in found.items()}
    assert shown == {"one": (2, 3), "two": (None, 1)}
    assert [each.key for each in admin.history.diff(namespace, start)] == ["one"]
    with pytest.raises(NotFound):
        list(admin.history.diff(namespace, start, end + 100))


def test_a_diff_of_many_keys_comes_in_pages_of_one_revision(service: Loopback, namespace: str) -> None:
    """All pages belong to the listing of the first one, whatever is written in between."""
    admin = service.admin()
    start = admin.values.get_snapshot(namespace).revision
    drafts = [make_draft(f"k{number:04}", "v", form="plain") for number in range(1_010)]
    assert all(part.error is None for part in admin.change_sets.store(namespace, drafts))
    found = admin.history.diff(namespace, start)
    first = next(found)
    admin.values.delete(namespace, "k1009")
    rest = list(found)
    assert [first.key, *(each.key for each in rest)] == [each.key for each in drafts]


def test_a_diff_against_another_namespace_tells_sealed_values_as_unknown(
    service: Loopback, admin: Admin, namespace: str
) -> None:
    other = service.namespace(f"{namespace}.other")
    for where, level in ((namespace, "info"), (other, "debug")):
        admin.values.put(where, "log.level", level, form="plain")
        admin.values.put(where, "same", "same", form="plain")
        admin.values.put(where, "one", "1")
    admin.values.put(other, "only", "x")
    found = {str(each.key): each for each in admin.history.diff_namespaces(namespace, other)}
    assert {key: each.values for key, each in found.items()} == {
        "log.level": "different",
        "one": "unknown",
        "only": None,
    }
    assert found["only"].here is None


def test_a_snapshot_of_an_earlier_revision_opens(admin: Admin, namespace: str) -> None:
    revision = admin.values.get_snapshot(namespace).revision
    admin.values.put(namespace, "one", "5")
    then = admin.values.get_snapshot(namespace, revision)
    opened = admin.values.open_entries(then, then.entries)
    assert [getattr(each, "data", None) for each in opened.values()] == [b"2"]


@pytest.mark.parametrize(
    "write",
    [
        lambda admin, namespace: admin.values.activate(namespace, "one", 1),
        lambda admin, namespace: admin.values.delete(namespace, "one"),
        lambda admin, namespace: admin.values.destroy(namespace, "one", 1),
        lambda admin, namespace: admin.data_keys.retire(namespace, admin.data_keys.list(namespace)[0].data_key.kid),
        lambda admin, namespace: admin.namespaces.lift(namespace, 50),
        lambda admin, namespace: admin.namespaces.create(namespace, description="again"),
    ],
    ids=["activate", "delete", "destroy", "retire", "lift", "settings"],
)
@pytest.mark.usefixtures("admin")
def test_a_write_whose_answer_is_lost_is_done_once(
    service: Loopback, namespace: str, write: Callable[[Admin, str], object]
) -> None:
    owner = service.admin("owner")
    owner.data_keys.add(namespace, KMS_KEY)
    before = len(list(owner.history.list_changes(namespace)))
    service.failing.append(lost)
    write(owner, namespace)
    assert service.failing == []
    assert len(list(owner.history.list_changes(namespace))) == before + 1
