from __future__ import annotations

from uuid import uuid4

import pytest

from configsvc.model.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidValue,
    NotFound,
    PreconditionRequired,
    TooLarge,
    Unprocessable,
)
from configsvc_client.admin import Retention, make_draft
from tests.support.admin.loopback import Loopback


def test_settings_are_set_one_by_one_and_what_is_left_out_stays(service: Loopback, namespace: str) -> None:
    admin = service.admin("admin")
    pool = {"type": "integer", "minimum": 1}
    admin.namespaces.create(
        namespace, description="all", forms=["plain"], snapshot_bytes=2_000_000, require_preconditions=True,
        retention=Retention(5, 30, 90), schemas={"db.pool": pool},
    )  # fmt: skip
    admin.namespaces.create(namespace, read_only=True)
    found = admin.namespaces.get(namespace)
    assert {name: found[name] for name in ("description", "forms", "snapshot_bytes", "require_preconditions")} == {
        "description": "all",
        "forms": ["plain"],
        "snapshot_bytes": 2_000_000,
        "require_preconditions": True,
    }
    assert (found["retention"], found["read_only"]) == ({"versions": 5, "log_days": 30, "deleted_days": 90}, True)
    assert found["schemas"] == [{"keys": "db.pool", "schema": pool}]
    admin.namespaces.create(namespace, read_only=False, retention=Retention(), schemas={})
    found = admin.namespaces.get(namespace)
    assert (found["retention"], found["schemas"]) == (dict.fromkeys(Retention._fields), [])


def test_schemas_and_switches_hold(service: Loopback, namespace: str) -> None:
    admin, writer = service.admin("admin"), service.admin()
    admin.namespaces.create(namespace, schemas={"db.*": {"type": "integer", "minimum": 1}})
    with pytest.raises(InvalidValue):
        writer.values.put(namespace, "db.pool", 0, form="plain")
    writer.values.put(namespace, "db.pool", 1, form="plain")
    admin.namespaces.create(namespace, require_preconditions=True)
    with pytest.raises(PreconditionRequired):
        writer.values.put(namespace, "db.pool", 2, form="plain")
    with pytest.raises(PreconditionRequired):
        writer.values.delete(namespace, "db.pool")
    revision = next(each.revision for each in writer.values.list_keys(namespace))
    writer.values.put(namespace, "db.pool", 2, form="plain", if_match=revision)
    admin.namespaces.create(namespace, read_only=True)
    with pytest.raises(Conflict, match=f"{namespace} is read-only.* set {namespace} --no-read-only$"):
        writer.values.put_draft(namespace, make_draft("new", "x", form="plain")._replace(create_only=True))


def test_a_setting_that_may_not_be_is_refused(service: Loopback, namespace: str) -> None:
    admin = service.admin("admin")
    with pytest.raises(Unprocessable):
        admin.namespaces.create(namespace, schemas={"db.pool": {"type": "nothing"}})
    with pytest.raises((InvalidRequest, TooLarge)):
        admin.namespaces.create(namespace, snapshot_bytes=10**9)
    with pytest.raises(Forbidden):
        service.admin().namespaces.create(namespace, read_only=True)


def test_a_deleted_namespace_continues_its_revisions_when_recreated(service: Loopback, namespace: str) -> None:
    admin, writer = service.admin("admin"), service.admin()
    writer.values.put(namespace, "one", "1", form="plain")
    with pytest.raises(Conflict):
        admin.namespaces.delete(namespace)
    writer.values.delete(namespace, "one")
    revision = admin.namespaces.delete(namespace)
    with pytest.raises(NotFound):
        writer.namespaces.get(namespace)
    assert admin.namespaces.create(namespace)
    assert admin.namespaces.get(namespace)["revision"] == revision + 1
    assert writer.values.put(namespace, "one", "2", form="plain").version == 2


def test_a_namespace_is_lifted_above_what_was_given_out(service: Loopback, namespace: str) -> None:
    admin, writer = service.admin("admin"), service.admin()
    writer.values.put(namespace, "one", "1")
    lifted = admin.namespaces.lift(namespace, 1_000)
    assert (lifted.floor, lifted.differences) == (1_000, ())
    assert lifted.revision >= 1_000
    assert writer.values.put(namespace, "one", "2").version == 1_001
    assert service.admin().values.put(namespace, "new", "1").version == 1_001


def test_upkeep_removes_what_retention_no_longer_keeps(service: Loopback, namespace: str) -> None:
    admin, writer = service.admin("admin"), service.admin()
    for number in range(505):  # one request takes 500 versions away
        writer.values.put_draft(namespace, make_draft("one", str(number), form="plain")._replace(activate=False))
    assert admin.namespaces.run_upkeep(namespace)[:2] == (0, 0)
    admin.namespaces.create(namespace, retention=Retention(versions=2))
    service.requests.clear()
    pruned = admin.namespaces.run_upkeep(namespace)
    assert (pruned.log, pruned.versions, pruned.oldest_revision) == (0, 503, 1)
    assert len(service.requests) > 1
    assert [each.version for each in writer.history.list_versions(namespace, "one")] == [505, 504]
    with pytest.raises(Forbidden):
        writer.namespaces.run_upkeep(namespace)


def test_a_namespace_that_is_not_there_is_not_found(service: Loopback) -> None:
    admin, absent = service.admin("admin"), f"absent.{uuid4().hex[:8]}"
    for verb in (
        admin.namespaces.delete,
        admin.namespaces.run_upkeep,
        lambda namespace: admin.namespaces.lift(namespace, 5),
    ):
        with pytest.raises(NotFound):
            verb(absent)
