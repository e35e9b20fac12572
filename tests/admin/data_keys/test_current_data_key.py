"""A long-lived Admin seals under the data key that is current, whatever others did to the keyring since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from configsvc.model.errors import CannotOpen, Forbidden, Misconfigured
from configsvc_client._opening.cipher import read_kid
from configsvc_client.admin import Admin, Policy, Protection, from_environ, make_draft
from tests.support.admin.kms_server import KMS_KEY, OTHER_KEY
from tests.support.admin.loopback import Loopback
from tests.support.admin.watched import watched

DRAFTS = [make_draft(f"k{number:03}", f"value {number}") for number in range(200)]
CHANGE_SETS = 5


def _kids(admin: Admin, namespace: str) -> set[str]:
    return {read_kid(each.value) for each in admin.values.get_snapshot(namespace).entries if each.form == "envelope"}


@pytest.fixture
def held(service: Loopback, namespace: str) -> Admin:
    """A writer that holds a data key which another Admin has rotated away since."""
    writer = service.admin()
    writer.values.put(namespace, "first", "1")
    service.admin("owner").data_keys.rotate(namespace)
    return writer


@pytest.mark.parametrize(
    "write",
    [
        lambda admin, ns: admin.values.put(ns, "key", "value"),
        lambda admin, ns: admin.values.put_draft(ns, make_draft("key", "value")._replace(create_only=True)),
        lambda admin, ns: admin.change_sets.apply(
            ns, [make_draft("key", "value"), make_draft("other", "plain", form="plain")]
        ),
        lambda admin, ns: list(admin.change_sets.store(ns, [make_draft("key", "value")])),
    ],
    ids=["put", "guarded put", "change set", "store"],
)
def test_what_a_rotation_overtook_is_sealed_again_and_stored(
    held: Admin, namespace: str, write: Callable[[Admin, str], object]
) -> None:
    write(held, namespace)
    assert held.values.get(namespace, "key").data == b"value"
    assert len(_kids(held, namespace)) == 1


@pytest.mark.parametrize("change_sets", range(CHANGE_SETS + 1))
def test_an_import_of_200_that_a_rotation_overtakes_anywhere_stores_200(
    service: Loopback, namespace: str, change_sets: int
) -> None:
    service.admin().values.put(namespace, "first", "1")
    left = [change_sets]

    def overtake(method: str, target: str) -> None:
        if method == "POST" and target.endswith("/changes"):
            if left[0] == 0:
                service.admin("owner").data_keys.rotate(namespace)
            left[0] -= 1

    writer = watched(service, "writer", before=overtake)
    assert [part.error for part in writer.change_sets.store(namespace, DRAFTS)] == [None] * CHANGE_SETS
    if change_sets == CHANGE_SETS:
        service.admin("owner").data_keys.rotate(namespace)
    values = writer.values.get_all(namespace)
    assert {str(each.key): values[each.key].data for each in DRAFTS} == {str(each.key): each.data for each in DRAFTS}
    assert len(_kids(writer, namespace)) == 1


def test_a_lasting_refusal_is_raised_after_sealing_again_once(service: Loopback, held: Admin, namespace: str) -> None:
    owner = service.admin("owner")
    kid = next(each.kid for each in owner.data_keys.list(namespace) if each.state == "live")
    owner.values.delete(namespace, "first")
    owner.data_keys.retire(namespace, kid)
    service.requests.clear()
    with pytest.raises(Misconfigured, match="data-key add"):
        held.values.put(namespace, "key", "value")
    assert sum(each.startswith("PUT") for each in service.requests) == 1


def test_a_rotation_that_another_overtakes_ends_under_the_other_s_data_key(service: Loopback, namespace: str) -> None:
    owner = service.admin("owner")
    assert all(part.error is None for part in owner.change_sets.store(namespace, DRAFTS[:85]))
    left = [1]

    def overtake(method: str, target: str) -> None:
        if method == "POST" and target.endswith("/changes") and left and left.pop():
            service.admin("owner").data_keys.rotate(namespace, fresh=True)

    done = watched(service, "owner", before=overtake).data_keys.rotate(namespace)
    assert done.refused == {}
    assert _kids(owner, namespace) == {done.kid}
    assert [each.kid for each in owner.data_keys.list(namespace) if each.state == "live"] == [done.kid]


def test_a_rewrapped_data_key_is_fetched_when_the_old_wrapping_fails(service: Loopback, namespace: str) -> None:
    both = {"CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{OTHER_KEY}"}
    owner = service.from_environ({**service.environ("owner"), **both})
    new_only = service.from_environ({**service.environ("writer"), "CONFIGSVC_KMS_KEYS": OTHER_KEY})
    with pytest.raises(CannotOpen):
        new_only.values.put(
            namespace, "key", "value"
        )  # it holds the old wrapping now, under a KMS key that it may not use
    owner.data_keys.rewrap(namespace, owner.data_keys.list(namespace)[0].kid, OTHER_KEY)
    new_only.values.put(namespace, "key", "value")
    assert new_only.values.get(namespace, "key").data == b"value"


def test_kms_form_follows_a_rotation_to_another_kms_key(service: Loopback, namespace: str) -> None:
    both = {"CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{OTHER_KEY}"}
    writer = service.from_environ({**service.environ("writer"), **both})
    writer.values.put(namespace, "first", "1", form="kms")
    service.from_environ({**service.environ("owner"), **both}).data_keys.rotate(namespace, OTHER_KEY)
    writer.values.put(namespace, "second", "2", form="kms")
    reader = service.from_environ({**service.environ("reader"), "CONFIGSVC_KMS_KEYS": OTHER_KEY})
    assert reader.values.get(namespace, "second").data == b"2"


def test_the_policy_s_retired_kids_are_never_sealed_under(service: Loopback, namespace: str) -> None:
    (only,) = service.admin().data_keys.list(namespace)
    careful = from_environ(
        service.environ("owner"), policy=Policy({namespace: Protection(retired_kids=frozenset({only.kid}))})
    )
    service.opened.append(careful)
    with pytest.raises(Misconfigured, match="retired"):
        careful.values.put(namespace, "key", "value")
    done = careful.data_keys.rotate(namespace)
    careful.values.put(namespace, "key", "value")
    assert (done.retired, _kids(careful, namespace)) == ((only.kid,), {done.kid})


def test_who_may_not_write_rotates_nothing_and_leaves_no_data_key_behind(service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "key", "value")
    before = service.admin().data_keys.list(namespace)
    service.requests.clear()
    service.kms.calls.clear()
    with pytest.raises(Forbidden, match=r"configsvc grant \S+admin -a write") as refused:
        service.admin("admin").data_keys.rotate(namespace)
    assert refused.value.members["action"] == "write"
    assert service.kms.calls == []
    assert [each for each in service.requests if not each.endswith("/whoami")] == []
    assert service.admin().data_keys.list(namespace) == before


@pytest.mark.parametrize("refused", ["GenerateDataKey", "Decrypt"])
def test_whom_kms_refuses_rotates_nothing_and_leaves_no_data_key_behind(
    service: Loopback, namespace: str, refused: str
) -> None:
    service.admin().values.put(namespace, "key", "value")
    before = service.admin().data_keys.list(namespace)
    service.kms.refused.add(refused)
    try:
        with pytest.raises(CannotOpen):
            service.admin("owner").data_keys.rotate(namespace)
    finally:
        service.kms.refused.clear()
    assert service.admin().data_keys.list(namespace) == before


def test_a_cached_data_key_seals_nothing_once_seen_retired(service: Loopback, namespace: str) -> None:
    writer = service.admin()
    writer.values.put(namespace, "key", "value")
    service.admin("owner").data_keys.rotate(namespace)
    writer.data_keys.list(namespace)
    service.requests.clear()
    writer.values.put(namespace, "key", "again")
    assert sum(each.startswith("PUT") for each in service.requests) == 1
