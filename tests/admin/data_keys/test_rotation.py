from __future__ import annotations

from uuid import uuid4

import pytest

from configsvc.model.errors import Conflict, Misconfigured, Unavailable
from configsvc_client._opening.cipher import read_kid
from configsvc_client.admin import Admin, Part, make_draft
from tests.support.admin.kms_server import FOREIGN_KEY, KMS_KEY, OTHER_KEY
from tests.support.admin.loopback import Loopback, lost
from tests.support.admin.watched import watched


class Killed(BaseException):
    """The process ends here."""


def _kids(admin: Admin, namespace: str) -> set[str]:
    return {read_kid(each.value) for each in admin.values.get_snapshot(namespace).entries if each.form == "envelope"}


def _live(admin: Admin, namespace: str) -> list[str]:
    return [each.data_key.kid for each in admin.data_keys.list(namespace) if each.state == "live"]


def _clear(admin: Admin, namespace: str) -> dict[str, bytes]:
    return {key: each.data for key, each in admin.values.get_all(namespace).items()}


@pytest.fixture
def owner(service: Loopback, namespace: str) -> Admin:
    """Someone who may rotate, with values of every form and type, one of them under no data key."""
    made = service.admin("owner")
    made.values.put(namespace, "text", "1")
    made.values.put(namespace, "json", {"a": [1]})
    made.values.put(namespace, "bytes", b"\x00\xff")
    made.values.put(namespace, "by.kms", "k", form="kms")
    made.values.put(namespace, "plain", "p", form="plain")
    return made


def test_rotation_reseals_everything_and_retires_the_old_data_key(owner: Admin, namespace: str) -> None:
    before, (old,) = _clear(owner, namespace), _live(owner, namespace)
    done = owner.data_keys.rotate(namespace)
    assert done.kid != old
    assert (done.retired, done.left, done.refused) == ((old,), (), {})
    assert done.sealed == {"text", "json", "bytes"}
    assert _kids(owner, namespace) == {done.kid}
    assert _live(owner, namespace) == [done.kid]
    assert _clear(owner, namespace) == before


def test_after_a_rotation_values_open_and_new_ones_use_the_new_key(
    service: Loopback, owner: Admin, namespace: str
) -> None:
    done = owner.data_keys.rotate(namespace)
    owner.values.put(namespace, "text", "2")
    assert _kids(owner, namespace) == {done.kid}
    assert service.admin("reader").values.get(namespace, "text").data == b"2"


def test_the_values_of_several_data_keys_come_under_the_newest_of_them(owner: Admin, namespace: str) -> None:
    newest = owner.data_keys.add(namespace, KMS_KEY)
    owner.values.put(namespace, "more", "under the newest")
    done = owner.data_keys.rotate(namespace)
    assert done.kid == newest
    assert done.sealed == {"text", "json", "bytes"}


def test_fresh_makes_a_new_data_key_during_a_rotation(owner: Admin, namespace: str) -> None:
    newest = owner.data_keys.add(namespace, OTHER_KEY)
    done = owner.data_keys.rotate(namespace, KMS_KEY, fresh=True)
    assert newest in done.retired
    assert [each.data_key.kms_key for each in owner.data_keys.list(namespace) if each.state == "live"] == [KMS_KEY]


def test_rotation_keeps_rotate_by_days_and_staged_versions(owner: Admin, namespace: str) -> None:
    owner.values.put_draft(namespace, make_draft("text", "1")._replace(rotate_by="2031-01-31"))
    owner.values.put_draft(namespace, make_draft("json", "later")._replace(activate=False, rotate_by="2032-01-31"))
    owner.data_keys.rotate(namespace)
    infos = {str(each.key): each for each in owner.values.list_keys(namespace)}
    assert (infos["text"].rotate_by, infos["json"].rotate_by) == ("2031-01-31", "2032-01-31")
    assert _clear(owner, namespace)["json"] == b'{"a":[1]}'
    assert owner.values.get(namespace, "json", 2).data == b"later"


def test_many_values_take_few_change_sets_and_two_kms_calls(service: Loopback, owner: Admin, namespace: str) -> None:
    drafts = [make_draft(f"k{number:03}", str(number)) for number in range(100)]
    assert all(part.error is None for part in owner.change_sets.store(namespace, drafts))
    service.requests.clear()
    service.kms.calls.clear()
    told: list[Part] = []
    done = service.admin("owner").data_keys.rotate(namespace, on_part=told.append)
    assert len(done.sealed) == 103
    assert sum(len(part.keys) for part in told) == 103
    assert sum(each.endswith("/changes") for each in service.requests) == 3
    assert [call.operation for call in service.kms.calls] == ["GenerateDataKey", "Decrypt", "Decrypt"]


def test_s47_concurrent_puts_are_never_overwritten(service: Loopback, owner: Admin, namespace: str) -> None:
    other, left = service.admin(), [3]

    def overtake(method: str, target: str) -> None:
        if (method, target.rpartition("/")[2]) == ("POST", "changes") and left[0]:
            left[0] -= 1
            other.values.put(namespace, "text", f"newer {left[0]}")

    other.values.put(namespace, "text", "known")
    done = watched(service, "owner", before=overtake).data_keys.rotate(namespace)
    assert left == [0]
    assert _clear(owner, namespace)["text"] == b"newer 0"
    assert _kids(owner, namespace) == {done.kid}


def test_s47_a_last_moment_value_under_the_old_data_key_is_resealed(
    service: Loopback, owner: Admin, namespace: str
) -> None:
    other, late = service.admin(), ["late"]
    other.values.put(namespace, "known", "so it holds the old data key")

    def overtake(method: str, target: str) -> None:
        if method == "POST" and target.endswith("/retire") and late:
            other.values.put(namespace, late.pop(), "x")

    done = watched(service, "owner", before=overtake).data_keys.rotate(namespace)
    assert "late" in done.sealed
    assert _kids(owner, namespace) == {done.kid}
    assert _live(owner, namespace) == [done.kid]


def test_s47_constant_writes_under_the_old_data_key_lose_nothing(
    service: Loopback, owner: Admin, namespace: str
) -> None:
    other, written = service.admin(), list[int]()

    def overtake(method: str, target: str) -> None:
        if method == "POST" and target.endswith("/retire"):
            written.append(1)
            other.values.put(namespace, "text", str(len(written)))

    other.values.put(namespace, "text", "0")
    with pytest.raises(Unavailable, match="Run it again"):
        watched(service, "owner", before=overtake).data_keys.rotate(namespace)
    assert _clear(owner, namespace)["text"] == str(len(written)).encode()


@pytest.mark.parametrize("writes", range(7))
def test_s48_a_killed_rotation_completes_when_run_again(
    service: Loopback, owner: Admin, namespace: str, writes: int
) -> None:
    """It posts six times: whoami, the data key, three change sets, the old data key retired."""
    assert all(
        not part.error
        for part in owner.change_sets.store(namespace, [make_draft(f"k{n:02}", str(n)) for n in range(85)])
    )
    before, (old,), left = _clear(owner, namespace), _live(owner, namespace), [writes]

    def kill(method: str, target: str) -> None:
        left[0] -= method != "GET"
        if method != "GET" and left[0] < 0:
            raise Killed(target)

    first = watched(service, "owner", before=kill)
    if writes < 6:
        with pytest.raises(Killed):
            first.data_keys.rotate(namespace)
        service.admin("owner").data_keys.rotate(namespace)
    else:
        first.data_keys.rotate(namespace)
    (live,) = _live(owner, namespace)
    assert live != old
    assert len(owner.data_keys.list(namespace)) == 2
    assert _kids(owner, namespace) == {live}
    assert _clear(owner, namespace) == before
    versions = [
        len(list(owner.history.list_versions(namespace, key))) for key in before if key not in {"plain", "by.kms"}
    ]
    assert versions == [2] * len(versions)


def test_answers_that_are_lost_change_nothing(service: Loopback, owner: Admin, namespace: str) -> None:
    service.failing.extend([lost] * 3)
    done = service.admin("owner").data_keys.rotate(namespace)
    assert service.failing == []
    assert len(owner.data_keys.list(namespace)) == 2
    assert [len(list(owner.history.list_versions(namespace, key))) for key in done.sealed] == [2, 2, 2]


@pytest.mark.usefixtures("owner")
def test_a_value_that_does_not_open_keeps_its_data_key_live(service: Loopback, namespace: str) -> None:
    """Under a data key whose KMS key is not pinned, as after a compromise of the service."""
    stranger = service.from_environ({**service.environ("owner"), "CONFIGSVC_KMS_KEYS": "*"})
    foreign = stranger.data_keys.add(namespace, FOREIGN_KEY)
    stranger.values.put(namespace, "text", "theirs")
    told: list[Part] = []
    done = service.admin("owner").data_keys.rotate(namespace, KMS_KEY, fresh=True, on_part=told.append)
    assert set(done.refused) == {"text"}
    assert "CONFIGSVC_KMS_KEYS" in done.refused[make_draft("text", "").key].detail
    assert done.left == (foreign,)
    assert done.sealed == {"json", "bytes"}
    assert ("text",) in [part.keys for part in told if part.error]


def test_a_namespace_that_takes_no_envelopes_any_more_refuses_by_key(
    service: Loopback, owner: Admin, namespace: str
) -> None:
    service.admin("admin").namespaces.create(namespace, forms=["plain", "kms"])
    done = owner.data_keys.rotate(namespace)
    assert set(done.refused) == {"text", "json", "bytes"}
    assert len(done.left) == 1


def test_without_a_data_key_the_kms_key_has_to_be_named(service: Loopback) -> None:
    owner, namespace = service.admin("owner"), f"empty.{uuid4().hex[:8]}"
    owner.namespaces.create(namespace)
    with pytest.raises(Misconfigured, match="data-key add"):
        owner.data_keys.rotate(namespace)
    done = owner.data_keys.rotate(namespace, KMS_KEY)
    assert (done.sealed, _live(owner, namespace)) == (frozenset(), [done.kid])


def test_a_data_key_in_use_cannot_be_retired(owner: Admin, namespace: str) -> None:
    (kid,) = _live(owner, namespace)
    with pytest.raises(Conflict, match="served"):
        owner.data_keys.retire(namespace, kid)


def test_a_clock_that_went_back_makes_no_data_key_older(service: Loopback, owner: Admin, namespace: str) -> None:
    (old,) = _live(owner, namespace)
    service.clock.behind = 2.0
    try:
        done = owner.data_keys.rotate(namespace)
    finally:
        service.clock.behind = 0.0
    assert done.sealed == {"text", "json", "bytes"}
    assert done.retired == (old,)
    assert _kids(owner, namespace) == {done.kid}
