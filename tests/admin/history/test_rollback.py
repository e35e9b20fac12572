from __future__ import annotations

import pytest

from configsvc.model import limits
from configsvc.model.errors import CannotOpen, Gone, NotFound, PreconditionFailed
from configsvc_client.admin import Admin, make_draft
from tests.support.admin.kms_server import FOREIGN_KEY
from tests.support.admin.loopback import Loopback


def _revision(admin: Admin, namespace: str) -> int:
    return int(str(admin.namespaces.get(namespace)["revision"]))


def _values(admin: Admin, namespace: str) -> dict[str, bytes]:
    return {key: each.data for key, each in admin.values.get_all(namespace).items()}


def test_the_way_back_is_gone_in_change_sets_without_a_kms_call(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "one")
    revision = _revision(admin, namespace)
    admin.values.put(namespace, "a", "two")
    list(admin.change_sets.store(namespace, [make_draft(f"k.{number}", "x", form="plain") for number in range(50)]))
    service.kms.calls.clear()
    done = list(admin.rollback.apply(admin.rollback.plan(namespace, revision), "as before"))
    assert (len(done), service.kms.calls) == (2, [])
    assert _values(admin, namespace) == {"a": b"one"}
    assert not admin.rollback.plan(namespace, revision).steps


def test_a_large_rollback_is_split_into_several_change_sets(service: Loopback, namespace: str) -> None:
    admin = service.admin("owner")
    admin.namespaces.create(namespace, snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    revision = _revision(admin, namespace)
    list(
        admin.change_sets.store(
            namespace, [make_draft(f"k.{number:02}", "x" * 240_000, form="plain") for number in range(16)]
        )
    )
    done = list(admin.rollback.apply(admin.rollback.plan(namespace, revision)))
    assert len(done) == 2
    assert _values(admin, namespace) == {}


def test_a_concurrent_write_stops_a_rollback_before_anything_is_lost(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "one")
    way = admin.rollback.plan(namespace, _revision(admin, namespace) - 1)
    admin.values.put(namespace, "a", "theirs")
    with pytest.raises(PreconditionFailed):
        list(admin.rollback.apply(way))
    assert _values(admin, namespace) == {"a": b"theirs"}


def test_a_revision_that_has_not_come_is_not_found(service: Loopback, namespace: str) -> None:
    with pytest.raises(NotFound):
        service.admin().rollback.plan(namespace, 99)


def test_the_revision_of_a_time_is_the_last_before_it(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "one")
    assert admin.rollback.find_revision(namespace, "2999-01-01") == _revision(admin, namespace)
    with pytest.raises(Gone, match="no record from before"):
        admin.rollback.find_revision(namespace, "2020-01-01")


def _rotated(service: Loopback, namespace: str) -> tuple[Admin, int]:
    """Two keys with a value more than at the revision, one as it was, all under a new data key."""
    owner = service.admin("owner")
    for key in ("a", "b", "same"):
        owner.values.put(namespace, key, "one")
    owner.values.put(namespace, "plain", "one", form="plain")
    revision = _revision(owner, namespace)
    owner.values.put(namespace, "a", "two")
    owner.values.delete(namespace, "b")
    owner.values.put(namespace, "plain", "two", form="plain")
    owner.data_keys.rotate(namespace)
    owner.values.put_draft(namespace, make_draft("a", "three")._replace(rotate_by="2031-01-31"))
    return owner, revision


def test_a_rollback_reseals_only_differing_values_of_retired_data_keys(service: Loopback, namespace: str) -> None:
    owner, revision = _rotated(service, namespace)
    way = owner.rollback.plan(namespace, revision)
    assert {each.key: each.reseal is not None for each in way.steps} == {"a": True, "b": True, "plain": False}
    (done,) = owner.rollback.apply(way)
    assert _values(owner, namespace) == {"a": b"one", "b": b"one", "same": b"one", "plain": b"one"}
    assert done.versions == {"a": 5, "b": 2, "plain": 1}
    assert {str(each.key): each.rotate_by for each in owner.values.list_keys(namespace)}["a"] == "2031-01-31"
    assert not owner.rollback.plan(namespace, revision).steps


def test_json_in_another_layout_is_not_sealed_again(service: Loopback, namespace: str) -> None:
    owner = service.admin("owner")
    owner.values.put(namespace, "layout", {"a": 1.5, "b": 2})
    owner.values.put(namespace, "type", {"a": 1})
    revision = _revision(owner, namespace)
    owner.values.put(namespace, "layout", '{"b": 2,  "a": 1.5}', content_type="application/json")
    owner.values.put(namespace, "type", {"a": True})
    owner.data_keys.rotate(namespace)
    assert [each.key for each in owner.rollback.plan(namespace, revision).steps] == ["type"]


def test_one_key_goes_back_across_a_rotation(service: Loopback, namespace: str) -> None:
    owner, revision = _rotated(service, namespace)
    list(owner.rollback.apply(owner.rollback.plan(namespace, revision, "a")))
    assert _values(owner, namespace) == {"a": b"one", "same": b"one", "plain": b"two"}


def test_values_that_cannot_be_resealed_are_named_before_a_rollback_starts(service: Loopback, namespace: str) -> None:
    owner, revision = _rotated(service, namespace)
    before = _values(owner, namespace)
    elsewhere = service.from_environ({**service.environ("owner"), "CONFIGSVC_KMS_KEYS": FOREIGN_KEY})
    with pytest.raises(CannotOpen, match="a, b, same") as refused:
        elsewhere.rollback.plan(namespace, revision)
    assert refused.value.members["keys"] == ["a", "b", "same"]
    assert _values(owner, namespace) == before


def test_a_key_that_never_was_has_no_way_back(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "one")
    with pytest.raises(NotFound, match="no key typo"):
        admin.rollback.plan(namespace, _revision(admin, namespace), "typo")
    assert not admin.rollback.plan(namespace, _revision(admin, namespace), "a").steps


def test_whom_kms_refuses_goes_no_step_of_a_way_that_seals(service: Loopback, namespace: str) -> None:
    admin, plain = service.admin("owner"), [f"k{number:02}" for number in range(45)]
    list(admin.change_sets.store(namespace, [make_draft(key, "one", form="plain") for key in plain]))
    admin.values.put(namespace, "z", "one")
    revision = _revision(admin, namespace)
    list(admin.change_sets.store(namespace, [make_draft(key, "two", form="plain") for key in plain]))
    admin.values.delete(namespace, "z")
    admin.data_keys.rotate(namespace)
    other = service.admin()
    way, before = other.rollback.plan(namespace, revision), _values(admin, namespace)
    service.kms.refused.add("Decrypt")
    try:
        with pytest.raises(CannotOpen):
            list(other.rollback.apply(way))
    finally:
        service.kms.refused.clear()
    assert _values(admin, namespace) == before
