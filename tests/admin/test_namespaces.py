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
from configsvc_client.admin import Retention, draft
from tests.admin.loopback import Loopback


def test_settings_are_set_one_by_one_and_what_is_left_out_stays(service: Loopback, namespace: str) -> None:
    admin = service.admin("admin")
    pool = {"type": "integer", "minimum": 1}
    admin.create_namespace(
        namespace, description="all", forms=["plain"], snapshot_bytes=2_000_000, require_preconditions=True,
        retention=Retention(5, 30, 90), schemas={"db.pool": pool},
    )  # fmt: skip
    admin.create_namespace(namespace, read_only=True)
    found = admin.namespace(namespace)
    assert {name: found[name] for name in ("description", "forms", "snapshot_bytes", "require_preconditions")} == {
        "description": "all",
        "forms": ["plain"],
        "snapshot_bytes": 2_000_000,
        "require_preconditions": True,
    }
    assert (found["retention"], found["read_only"]) == ({"versions": 5, "log_days": 30, "deleted_days": 90}, True)
    assert found["schemas"] == [{"keys": "db.pool", "schema": pool}]
    admin.create_namespace(namespace, read_only=False, retention=Retention(), schemas={})
    found = admin.namespace(namespace)
    assert (found["retention"], found["schemas"]) == (dict.fromkeys(Retention._fields), [])


def test_schemas_and_switches_hold(service: Loopback, namespace: str) -> None:
    admin, writer = service.admin("admin"), service.admin()
    admin.create_namespace(namespace, schemas={"db.*": {"type": "integer", "minimum": 1}})
    with pytest.raises(InvalidValue):
        writer.put(namespace, "db.pool", 0, form="plain")
    writer.put(namespace, "db.pool", 1, form="plain")
    admin.create_namespace(namespace, require_preconditions=True)
    with pytest.raises(PreconditionRequired):
        writer.put(namespace, "db.pool", 2, form="plain")
    with pytest.raises(PreconditionRequired):
        writer.delete(namespace, "db.pool")
    revision = next(each.revision for each in writer.keys(namespace))
    writer.put(namespace, "db.pool", 2, form="plain", if_match=revision)
    admin.create_namespace(namespace, read_only=True)
    with pytest.raises(Conflict, match=f"{namespace} is read-only.* set {namespace} --no-read-only$"):
        writer.put_draft(namespace, draft("new", "x", form="plain")._replace(create_only=True))


def test_a_setting_that_may_not_be_is_refused(service: Loopback, namespace: str) -> None:
    admin = service.admin("admin")
    with pytest.raises(Unprocessable):
        admin.create_namespace(namespace, schemas={"db.pool": {"type": "nothing"}})
    with pytest.raises((InvalidRequest, TooLarge)):
        admin.create_namespace(namespace, snapshot_bytes=10**9)
    with pytest.raises(Forbidden):
        service.admin().create_namespace(namespace, read_only=True)


def test_a_namespace_that_serves_nothing_is_deleted_and_counts_on_when_it_comes_back(
    service: Loopback, namespace: str
) -> None:
    admin, writer = service.admin("admin"), service.admin()
    writer.put(namespace, "one", "1", form="plain")
    with pytest.raises(Conflict):
        admin.delete_namespace(namespace)
    writer.delete(namespace, "one")
    revision = admin.delete_namespace(namespace)
    with pytest.raises(NotFound):
        writer.namespace(namespace)
    assert admin.create_namespace(namespace)
    assert admin.namespace(namespace)["revision"] == revision + 1
    assert writer.put(namespace, "one", "2", form="plain").version == 2


def test_a_namespace_is_lifted_above_what_was_given_out(service: Loopback, namespace: str) -> None:
    admin, writer = service.admin("admin"), service.admin()
    writer.put(namespace, "one", "1")
    lifted = admin.lift(namespace, 1_000)
    assert (lifted.floor, lifted.differences) == (1_000, ())
    assert lifted.revision >= 1_000
    assert writer.put(namespace, "one", "2").version == 1_001
    assert service.admin().put(namespace, "new", "1").version == 1_001


def test_upkeep_takes_away_what_retention_lets_go_in_as_many_requests_as_it_takes(
    service: Loopback, namespace: str
) -> None:
    admin, writer = service.admin("admin"), service.admin()
    for number in range(505):  # one request takes 500 versions away
        writer.put_draft(namespace, draft("one", str(number), form="plain")._replace(activate=False))
    assert admin.upkeep(namespace)[:2] == (0, 0)
    admin.create_namespace(namespace, retention=Retention(versions=2))
    service.requests.clear()
    pruned = admin.upkeep(namespace)
    assert (pruned.log, pruned.versions, pruned.oldest_revision) == (0, 503, 1)
    assert len(service.requests) > 1
    assert [each.version for each in writer.history(namespace, "one")] == [505, 504]
    with pytest.raises(Forbidden):
        writer.upkeep(namespace)


def test_a_namespace_that_is_not_there_is_not_found(service: Loopback) -> None:
    admin, absent = service.admin("admin"), f"absent.{uuid4().hex[:8]}"
    for verb in (admin.delete_namespace, admin.upkeep, lambda namespace: admin.lift(namespace, 5)):
        with pytest.raises(NotFound):
            verb(absent)
