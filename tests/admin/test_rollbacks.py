from __future__ import annotations

import pytest

from configsvc.model import limits
from configsvc.model.errors import CannotOpen, Gone, NotFound, PreconditionFailed
from configsvc_client.admin import Admin, draft
from tests.admin.kms_server import FOREIGN_KEY
from tests.admin.loopback import Loopback


def _revision(admin: Admin, namespace: str) -> int:
    return int(str(admin.namespace(namespace)["revision"]))


def _values(admin: Admin, namespace: str) -> dict[str, bytes]:
    return {key: each.data for key, each in admin.values(namespace).items()}


def test_the_way_back_is_gone_in_change_sets_without_a_kms_call(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.put(namespace, "a", "one")
    revision = _revision(admin, namespace)
    admin.put(namespace, "a", "two")
    list(admin.store(namespace, [draft(f"k.{number}", "x", form="plain") for number in range(50)]))
    service.kms.calls.clear()
    done = list(admin.go_back(admin.way_back(namespace, revision), "as before"))
    assert (len(done), service.kms.calls) == (2, [])
    assert _values(admin, namespace) == {"a": b"one"}
    assert not admin.way_back(namespace, revision).steps


def test_a_way_back_that_deletes_more_than_a_transaction_takes_is_gone_in_several(
    service: Loopback, namespace: str
) -> None:
    admin = service.admin("owner")
    admin.create_namespace(namespace, snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    revision = _revision(admin, namespace)
    list(admin.store(namespace, [draft(f"k.{number:02}", "x" * 240_000, form="plain") for number in range(16)]))
    done = list(admin.go_back(admin.way_back(namespace, revision)))
    assert len(done) == 2
    assert _values(admin, namespace) == {}


def test_what_someone_writes_meanwhile_stops_it_before_anything_is_lost(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.put(namespace, "a", "one")
    way = admin.way_back(namespace, _revision(admin, namespace) - 1)
    admin.put(namespace, "a", "theirs")
    with pytest.raises(PreconditionFailed):
        list(admin.go_back(way))
    assert _values(admin, namespace) == {"a": b"theirs"}


def test_a_revision_that_has_not_come_is_not_found(service: Loopback, namespace: str) -> None:
    with pytest.raises(NotFound):
        service.admin().way_back(namespace, 99)


def test_the_revision_of_a_time_is_the_last_before_it(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.put(namespace, "a", "one")
    assert admin.revision_at(namespace, "2999-01-01") == _revision(admin, namespace)
    with pytest.raises(Gone, match="nothing from before"):
        admin.revision_at(namespace, "2020-01-01")


def _rotated(service: Loopback, namespace: str) -> tuple[Admin, int]:
    """Two keys with a value more than at the revision, one as it was, all under a new data key."""
    owner = service.admin("owner")
    for key in ("a", "b", "same"):
        owner.put(namespace, key, "one")
    owner.put(namespace, "plain", "one", form="plain")
    revision = _revision(owner, namespace)
    owner.put(namespace, "a", "two")
    owner.delete(namespace, "b")
    owner.put(namespace, "plain", "two", form="plain")
    owner.rotate(namespace)
    owner.put_draft(namespace, draft("a", "three")._replace(rotate_by="2031-01-31"))
    return owner, revision


def test_what_was_sealed_under_a_retired_data_key_is_sealed_anew_and_only_where_it_differs(
    service: Loopback, namespace: str
) -> None:
    owner, revision = _rotated(service, namespace)
    way = owner.way_back(namespace, revision)
    assert {each.key: each.anew is not None for each in way.steps} == {"a": True, "b": True, "plain": False}
    (done,) = owner.go_back(way)
    assert _values(owner, namespace) == {"a": b"one", "b": b"one", "same": b"one", "plain": b"one"}
    assert done.versions == {"a": 5, "b": 2, "plain": 1}
    assert {str(each.key): each.rotate_by for each in owner.keys(namespace)}["a"] == "2031-01-31"
    assert not owner.way_back(namespace, revision).steps


def test_json_in_another_layout_is_not_sealed_again(service: Loopback, namespace: str) -> None:
    owner = service.admin("owner")
    owner.put(namespace, "layout", {"a": 1.5, "b": 2})
    owner.put(namespace, "type", {"a": 1})
    revision = _revision(owner, namespace)
    owner.put(namespace, "layout", '{"b": 2,  "a": 1.5}', content_type="application/json")
    owner.put(namespace, "type", {"a": True})
    owner.rotate(namespace)
    assert [each.key for each in owner.way_back(namespace, revision).steps] == ["type"]


def test_one_key_goes_back_across_a_rotation(service: Loopback, namespace: str) -> None:
    owner, revision = _rotated(service, namespace)
    list(owner.go_back(owner.way_back(namespace, revision, "a")))
    assert _values(owner, namespace) == {"a": b"one", "same": b"one", "plain": b"two"}


def test_what_does_not_open_to_be_sealed_anew_is_named_before_anything_is_done(
    service: Loopback, namespace: str
) -> None:
    owner, revision = _rotated(service, namespace)
    before = _values(owner, namespace)
    elsewhere = service.from_environ({**service.environ("owner"), "CONFIGSVC_KMS_KEYS": FOREIGN_KEY})
    with pytest.raises(CannotOpen, match="a, b, same") as refused:
        elsewhere.way_back(namespace, revision)
    assert refused.value.members["keys"] == ["a", "b", "same"]
    assert _values(owner, namespace) == before


def test_a_key_that_never_was_has_no_way_back(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.put(namespace, "a", "one")
    with pytest.raises(NotFound, match="no key typo"):
        admin.way_back(namespace, _revision(admin, namespace), "typo")
    assert not admin.way_back(namespace, _revision(admin, namespace), "a").steps


def test_whom_kms_refuses_goes_no_step_of_a_way_that_seals(service: Loopback, namespace: str) -> None:
    admin, plain = service.admin("owner"), [f"k{number:02}" for number in range(45)]
    list(admin.store(namespace, [draft(key, "one", form="plain") for key in plain]))
    admin.put(namespace, "z", "one")
    revision = _revision(admin, namespace)
    list(admin.store(namespace, [draft(key, "two", form="plain") for key in plain]))
    admin.delete(namespace, "z")
    admin.rotate(namespace)
    other = service.admin()
    way, before = other.way_back(namespace, revision), _values(admin, namespace)
    service.kms.refused.add("Decrypt")
    try:
        with pytest.raises(CannotOpen):
            list(other.go_back(way))
    finally:
        service.kms.refused.clear()
    assert _values(admin, namespace) == before
