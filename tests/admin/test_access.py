from __future__ import annotations

from itertools import count
from uuid import uuid4

import pytest

from configsvc.model.errors import Forbidden, InvalidName, Misconfigured, NotFound, PreconditionFailed
from configsvc.model.grants import Grant
from configsvc_client.admin import from_environ
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback, arn


def test_whoami_tells_both_principals_only_when_signed(service: Loopback) -> None:
    found = service.admin().access.whoami()
    assert found["api_key"]["principal"] == "api-key:idwriter"  # type: ignore[index]  # members by name
    assert found["iam"]["principal"] == arn("writer")  # type: ignore[index]  # members by name
    assert service.admin().access.whoami(signed=False)["iam"] is None


def test_grants_are_set_read_listed_and_taken_away(service: Loopback) -> None:
    admin, who = service.admin("admin"), f"api-key:{uuid4().hex}"
    assert admin.grants.get(who) == ()
    grants = (Grant(("read",), ("payments.*",)), Grant(("read", "write"), ("shared.prod",)))
    admin.grants.set(who, grants)
    assert admin.grants.get(who) == grants
    assert {each.principal: each.grants for each in admin.grants.list()}[who] == grants
    admin.grants.delete(who)
    assert admin.grants.get(who) == ()


def test_concurrent_grants_are_not_lost(service: Loopback) -> None:
    admin, who = service.admin("admin"), f"api-key:{uuid4().hex}"
    mine, theirs, last = (Grant(("read",), (name,)) for name in ("mine.*", "theirs.*", "last.*"))
    others = iter([(theirs,), (theirs, last)])

    def more(held: tuple[Grant, ...]) -> tuple[Grant, ...]:
        if while_waiting := next(others, None):
            service.admin("admin").grants.set(who, while_waiting)
        return (*held, mine)

    assert admin.grants.change(who, more) == (theirs, last, mine)
    assert admin.grants.get(who) == (theirs, last, mine)
    assert admin.grants.change(who, lambda _: ()) == ()
    assert admin.grants.get(who) == ()


def test_copying_adds_only_what_is_missing(service: Loopback) -> None:
    admin, old, new = service.admin("admin"), *(f"api-key:{uuid4().hex}" for _ in range(2))
    given = (Grant(("read", "write"), ("payments.*", "shared.prod")), Grant(("admin",), ("team.dev",)))
    admin.grants.set(old, given)
    assert admin.grants.copy(old, new) == given
    own = (Grant(("read",), ("payments.*",)), Grant(("read",), ("own.prod",)))
    admin.grants.set(new, own)
    added = (Grant(("write",), ("payments.*",)), Grant(("read", "write"), ("shared.prod",)), given[1])
    assert admin.grants.copy(old, new) == (*own, *added) == admin.grants.get(new)
    service.requests.clear()
    assert admin.grants.copy(old, new) == (*own, *added)
    assert not [each for each in service.requests if not each.startswith("GET")]
    assert admin.grants.get(old) == given


def test_copying_with_replace_makes_both_equal(service: Loopback) -> None:
    admin, old, new = service.admin("admin"), *(f"api-key:{uuid4().hex}" for _ in range(2))
    given, lost = (Grant(("read",), ("payments.*",)),), list[tuple[Grant, ...]]()
    admin.grants.set(old, given)
    admin.grants.set(new, [Grant(("read",), ("payments.prod", "own.prod"))])
    assert admin.grants.copy(old, new, replace=True, on_loss=lost.append) == given == admin.grants.get(new)
    assert lost == [(Grant(("read",), ("own.prod",)),)]


def test_a_change_of_either_during_a_copy_is_not_lost(service: Loopback) -> None:
    admin, old, new = service.admin("admin"), *(f"api-key:{uuid4().hex}" for _ in range(2))
    first, later, theirs = (Grant(("read",), (f"{name}.*",)) for name in ("first", "later", "theirs"))
    admin.grants.set(old, [first])
    admin.grants.set(new, [theirs])
    overtaken = iter([True])

    def overtake(_: tuple[Grant, ...]) -> None:
        if next(overtaken, False):
            service.admin("admin").grants.set(old, [first, later])
            service.admin("admin").grants.set(new, [theirs, Grant(("write",), ("x",))])

    assert admin.grants.copy(old, new, replace=True, on_loss=overtake) == (first, later)


@pytest.mark.parametrize(
    ("source", "target", "error", "says"),
    [
        ("api-key:nothing", "api-key:new", NotFound, "api-key:nothing has no grants"),
        ("api-key:same", "api-key:same", InvalidName, "already has its own grants"),
        (arn("writer"), "api-key:new", InvalidName, "reads are judged by the API key"),
        ("api-key:idwriter", arn("nobody"), InvalidName, "reads are judged by the API key"),
        ("nobody", "api-key:new", InvalidName, "A principal must be"),
        ("api-key:idwriter", "nobody", InvalidName, "A principal must be"),
    ],
)
def test_what_cannot_be_copied_changes_nothing(
    service: Loopback, source: str, target: str, error: type[Exception], says: str
) -> None:
    admin = service.admin("admin")
    before = list(admin.grants.list())
    for replace in (False, True):
        with pytest.raises(error, match=says):
            admin.grants.copy(source, target, replace=replace)
    assert list(admin.grants.list()) == before


def test_whoever_is_overtaken_each_time_is_told(service: Loopback) -> None:
    admin, who, number = service.admin("admin"), f"api-key:{uuid4().hex}", count()

    def more(held: tuple[Grant, ...]) -> tuple[Grant, ...]:
        service.admin("admin").grants.set(who, [Grant(("read",), (f"n{next(number)}",))])
        return (*held, Grant(("read",), ("mine.*",)))

    with pytest.raises(PreconditionFailed):
        admin.grants.change(who, more)


def test_a_writer_may_not_grant(service: Loopback) -> None:
    with pytest.raises(Forbidden):
        service.admin().grants.set("api-key:anyone", [Grant(("read",), ("*",))])


def test_kms_makes_a_data_key_for_the_namespace_stored_wrapped(service: Loopback) -> None:
    namespace = f"keys.{uuid4().hex[:8]}"
    admin = service.admin("admin")
    assert admin.namespaces.create(namespace, description="for a test")
    assert not admin.namespaces.create(namespace)
    service.kms.calls.clear()
    first, second = admin.data_keys.add(namespace, KMS_KEY), admin.data_keys.add(namespace, KMS_KEY)
    assert {call.context["configsvc:namespace"] for call in service.kms.calls} == {namespace}
    assert service.kms.count("GenerateDataKey") == 2
    assert {each.data_key.kid for each in admin.data_keys.list(namespace)} == {first, second}
    assert {each.data_key.kms_key for each in admin.data_keys.list(namespace)} == {KMS_KEY}


def test_new_values_use_the_newest_data_key_and_old_ones_still_open(service: Loopback) -> None:
    namespace = service.namespace(f"rotated.{uuid4().hex[:8]}")
    admin = service.admin()
    admin.values.put(namespace, "old", "1")
    newest = service.admin("admin").data_keys.add(namespace, KMS_KEY)
    fresh = service.admin()
    fresh.values.put(namespace, "new", "2")
    assert {each.data_key.kid: each.served for each in fresh.data_keys.list(namespace)}[newest] == 1
    assert {key: each.data for key, each in service.admin().values.get_all(namespace).items()} == {
        "old": b"1",
        "new": b"2",
    }


def test_namespaces_and_keys_are_listed(service: Loopback) -> None:
    namespace = service.namespace(f"listed.{uuid4().hex[:8]}")
    admin = service.admin()
    admin.values.put(namespace, "b.two", "2", form="plain")
    admin.values.put(namespace, "a.one", "1")
    assert [each.namespace for each in admin.namespaces.list("listed.")] == [namespace]
    assert [(each.key, each.form, each.next_version) for each in admin.values.list_keys(namespace)] == [
        ("a.one", "envelope", 2),
        ("b.two", "plain", 2),
    ]
    assert [each.key for each in admin.values.list_keys(namespace, "b")] == ["b.two"]
    assert admin.namespaces.get(namespace)["entries"] == 2


def test_an_unknown_namespace_is_not_found(service: Loopback) -> None:
    with pytest.raises(NotFound):
        service.admin().values.get_snapshot("no.such")


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(Misconfigured, match="CONFIGSVC_URL, CONFIGSVC_API_KEY"):
        from_environ({})
