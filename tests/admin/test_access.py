from __future__ import annotations

from itertools import count
from uuid import uuid4

import pytest

from configsvc.model.errors import Forbidden, Misconfigured, NotFound, PreconditionFailed
from configsvc.model.grants import Grant
from configsvc_client.admin import from_environ
from tests.admin.kms_server import KMS_KEY
from tests.admin.loopback import Loopback, arn


def test_whoami_tells_both_principals_only_when_signed(service: Loopback) -> None:
    found = service.admin().whoami()
    assert found["api_key"]["principal"] == "api-key:idwriter"  # type: ignore[index]  # members by name
    assert found["iam"]["principal"] == arn("writer")  # type: ignore[index]  # members by name
    assert service.admin().whoami(signed=False)["iam"] is None


def test_grants_are_set_read_listed_and_taken_away(service: Loopback) -> None:
    admin, who = service.admin("admin"), f"api-key:{uuid4().hex}"
    assert admin.get_grants(who) == ()
    grants = (Grant(("read",), ("payments.*",)), Grant(("read", "write"), ("shared.prod",)))
    admin.set_grants(who, grants)
    assert admin.get_grants(who) == grants
    assert {each.principal: each.grants for each in admin.list_grants()}[who] == grants
    admin.delete_grants(who)
    assert admin.get_grants(who) == ()


def test_what_others_grant_meanwhile_is_not_lost(service: Loopback) -> None:
    admin, who = service.admin("admin"), f"api-key:{uuid4().hex}"
    mine, theirs, last = (Grant(("read",), (name,)) for name in ("mine.*", "theirs.*", "last.*"))
    others = iter([(theirs,), (theirs, last)])

    def more(held: tuple[Grant, ...]) -> tuple[Grant, ...]:
        if meanwhile := next(others, None):
            service.admin("admin").set_grants(who, meanwhile)
        return (*held, mine)

    assert admin.change_grants(who, more) == (theirs, last, mine)
    assert admin.get_grants(who) == (theirs, last, mine)
    assert admin.change_grants(who, lambda _: ()) == ()
    assert admin.get_grants(who) == ()


def test_whoever_is_overtaken_each_time_is_told(service: Loopback) -> None:
    admin, who, number = service.admin("admin"), f"api-key:{uuid4().hex}", count()

    def more(held: tuple[Grant, ...]) -> tuple[Grant, ...]:
        service.admin("admin").set_grants(who, [Grant(("read",), (f"n{next(number)}",))])
        return (*held, Grant(("read",), ("mine.*",)))

    with pytest.raises(PreconditionFailed):
        admin.change_grants(who, more)


def test_a_writer_may_not_grant(service: Loopback) -> None:
    with pytest.raises(Forbidden):
        service.admin().set_grants("api-key:anyone", [Grant(("read",), ("*",))])


def test_a_data_key_is_made_by_kms_under_the_namespace_and_stored_wrapped(service: Loopback) -> None:
    namespace = f"keys.{uuid4().hex[:8]}"
    admin = service.admin("admin")
    assert admin.create_namespace(namespace, description="for a test")
    assert not admin.create_namespace(namespace)
    service.kms.calls.clear()
    first, second = admin.add_data_key(namespace, KMS_KEY), admin.add_data_key(namespace, KMS_KEY)
    assert {call.context["configsvc:namespace"] for call in service.kms.calls} == {namespace}
    assert service.kms.count("GenerateDataKey") == 2
    assert {each.data_key.kid for each in admin.data_keys(namespace)} == {first, second}
    assert {each.data_key.kms_key for each in admin.data_keys(namespace)} == {KMS_KEY}


def test_new_values_are_sealed_under_the_newest_data_key_and_old_ones_still_open(service: Loopback) -> None:
    namespace = service.namespace(f"rotated.{uuid4().hex[:8]}")
    admin = service.admin()
    admin.put(namespace, "old", "1")
    newest = service.admin("admin").add_data_key(namespace, KMS_KEY)
    fresh = service.admin()
    fresh.put(namespace, "new", "2")
    assert {each.data_key.kid: each.served for each in fresh.data_keys(namespace)}[newest] == 1
    assert {key: each.data for key, each in service.admin().values(namespace).items()} == {"old": b"1", "new": b"2"}


def test_namespaces_and_keys_are_listed(service: Loopback) -> None:
    namespace = service.namespace(f"listed.{uuid4().hex[:8]}")
    admin = service.admin()
    admin.put(namespace, "b.two", "2", form="plain")
    admin.put(namespace, "a.one", "1")
    assert [each.namespace for each in admin.namespaces("listed.")] == [namespace]
    assert [(each.key, each.form, each.next_version) for each in admin.keys(namespace)] == [
        ("a.one", "envelope", 2),
        ("b.two", "plain", 2),
    ]
    assert [each.key for each in admin.keys(namespace, "b")] == ["b.two"]
    assert admin.namespace(namespace)["entries"] == 2


def test_an_unknown_namespace_is_not_found(service: Loopback) -> None:
    with pytest.raises(NotFound):
        service.admin().snapshot("no.such")


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(Misconfigured, match="CONFIGSVC_URL, CONFIGSVC_API_KEY"):
        from_environ({})
