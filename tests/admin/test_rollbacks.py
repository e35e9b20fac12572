from __future__ import annotations

import pytest

from configsvc.model.errors import Gone, NotFound, PreconditionFailed
from configsvc_client.admin import Admin, draft
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
