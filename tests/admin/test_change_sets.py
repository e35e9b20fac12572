from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from configsvc.model import limits
from configsvc.model.errors import (
    Forbidden,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unprocessable,
    VersionClaimed,
)
from configsvc_client.admin import Activate, Delete, Draft, make_draft
from tests.support.admin.loopback import Loopback, lost


def _writes(service: Loopback) -> list[str]:
    return [each for each in service.requests if each.startswith(("POST", "PUT"))]


def test_a_change_set_is_one_revision_and_one_kms_call(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    first = admin.change_sets.apply(namespace, [make_draft("one", "1"), make_draft("two", "2")], "both")
    changed = admin.change_sets.apply(namespace, [make_draft("one", "1b"), Delete(make_draft("two", "").key)])
    assert changed.revision == first.revision + 1
    assert {key: each.data for key, each in admin.values.get_all(namespace).items()} == {"one": b"1b"}
    back = admin.change_sets.apply(
        namespace, [Activate(make_draft("one", "").key, 1), Activate(make_draft("two", "").key, 1)]
    )
    assert back.versions == {"one": 1, "two": 1}
    assert {key: each.data for key, each in admin.values.get_all(namespace).items()} == {"one": b"1", "two": b"2"}
    assert service.kms.count("Decrypt") == 1


def test_a_change_set_with_a_wrong_precondition_changes_nothing(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    revision = admin.change_sets.apply(namespace, [make_draft("one", "1")]).revision
    with pytest.raises(PreconditionFailed):
        admin.change_sets.apply(namespace, [make_draft("one", "2")], if_match=revision - 1)
    with pytest.raises(PreconditionFailed):
        admin.change_sets.apply(
            namespace, [make_draft("two", "2"), make_draft("one", "2")._replace(if_match=revision + 5)]
        )
    assert admin.values.get_snapshot(namespace).revision == revision


def test_create_only_holds_in_a_change_set(service: Loopback, namespace: str) -> None:
    admin, new = service.admin(), [make_draft(key, "1")._replace(create_only=True) for key in ("one", "two")]
    done = admin.change_sets.apply(namespace, new)
    with pytest.raises(PreconditionFailed):
        admin.change_sets.apply(namespace, [make_draft("three", "3"), new[0]])
    admin.change_sets.apply(namespace, [Delete(new[0].key)])
    admin.change_sets.apply(namespace, [new[0]._replace(data=b"again")])
    assert {key: each.data for key, each in admin.values.get_all(namespace).items()} == {"one": b"again", "two": b"1"}
    assert done.versions == {"one": 1, "two": 1}


def test_300_values_take_one_kms_call_and_few_requests(service: Loopback, namespace: str) -> None:
    drafts = [make_draft(f"key.{number:03}", f"value {number}") for number in range(300)]
    parts = list(service.admin().change_sets.store(namespace, drafts))
    assert [part.error for part in parts] == [None] * 8
    assert len(service.requests) == 10  # the next versions, the keyring, 8 change sets
    assert service.kms.count("Decrypt") == len(service.kms.calls) == 1
    values = service.admin().values.get_all(namespace)
    assert {key: each.data for key, each in values.items()} == {each.key: each.data for each in drafts}


@pytest.mark.slow
def test_values_that_are_refused_are_named_and_the_rest_is_stored(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "sealed", "secret")
    large = make_draft("large", "x" * limits.STORED_VALUE)
    declassified = Draft(make_draft("sealed", "").key, b"public", form="plain")
    fine = [make_draft(f"fine.{number}", str(number)) for number in range(45)]
    parts = list(admin.change_sets.store(namespace, [*fine[:3], large, declassified, *fine[3:]]))
    refused = {key: part.error for part in parts if part.error for key in part.keys}
    assert {key: type(error) for key, error in refused.items()} == {"large": TooLarge, "sealed": Unprocessable}
    stored = {key for part in parts if not part.error for key in part.keys}
    assert stored == {each.key for each in fine}
    assert set(admin.values.get_all(namespace)) == stored | {"sealed"}


def test_a_change_set_whose_answer_is_lost_is_done_once(service: Loopback, namespace: str) -> None:
    service.failing.append(lost)
    (part,) = service.admin().change_sets.store(namespace, [make_draft("one", "1")])
    assert len(_writes(service)) == 2
    snapshot = service.admin().values.get_snapshot(namespace)
    assert (part.error, part.revision, snapshot.entries[0].version) == (None, snapshot.revision, 1)


def test_who_may_not_write_learns_so_at_once_and_the_series_ends(service: Loopback, namespace: str) -> None:
    drafts = [make_draft(f"key.{number}", "1") for number in range(90)]
    with pytest.raises((Forbidden, NotFound)):
        list(service.admin("reader").change_sets.store(namespace, drafts))
    assert len(_writes(service)) == 1


def test_a_right_that_one_key_asks_for_stops_that_key_only(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "sealed", "secret")
    declassified = Draft(make_draft("sealed", "").key, b"public", form="plain", declassify=True)
    refused, stored = admin.change_sets.store(namespace, [make_draft("one", "1"), declassified, make_draft("two", "2")])
    assert (refused.keys, type(refused.error)) == (("sealed",), Forbidden)
    assert (stored.keys, stored.error) == (("one", "two"), None)


@pytest.mark.slow
def test_writers_of_one_key_all_get_through_and_none_is_overwritten(service: Loopback, namespace: str) -> None:
    def write(writer: int) -> list[int]:
        admin = service.admin()
        return [admin.values.put(namespace, "hot", f"{writer}.{number}").version for number in range(5)]

    with ThreadPoolExecutor(6) as pool:
        versions = [version for found in pool.map(write, range(6)) for version in found]
    assert sorted(versions) == list(range(1, 31))


def test_a_change_set_that_lost_a_race_is_resealed(service: Loopback, namespace: str) -> None:
    def write(writer: int) -> list[int]:
        admin = service.admin()
        drafts = [make_draft("hot", str(writer)), make_draft("cold", str(writer))]
        return [admin.change_sets.apply(namespace, drafts).revision for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        revisions = [revision for found in pool.map(write, range(4)) for revision in found]
    assert len(set(revisions)) == 12
    values = service.admin().values.get_all(namespace)
    assert (values["hot"].version, values["cold"].version) == (12, 12)
    assert values["hot"].data == values["cold"].data


def test_with_if_match_a_lost_race_is_told_and_not_sealed_again(service: Loopback, namespace: str) -> None:
    admin, other = service.admin(), service.admin()
    stored = admin.values.put(namespace, "one", "1")
    other.values.put(namespace, "one", "2")
    service.requests.clear()
    with pytest.raises((PreconditionFailed, VersionClaimed)):
        admin.values.put(namespace, "one", "3", if_match=stored.revision)
    assert len(_writes(service)) == 1


def test_what_someone_wrote_since_the_snapshot_is_not_overwritten(service: Loopback, namespace: str) -> None:
    admin = service.admin()
    for key in ("early", "late", "gone", "mine"):
        admin.values.put(namespace, key, "1")
    keys = ("early", "early.new", "gone", "late", "late.new", "mine", "mine.new")
    snapshot = admin.values.get_snapshot(namespace)
    for key in ("early", "early.new"):  # before the keys are read
        admin.values.put(namespace, key, "theirs")
    admin.values.delete(namespace, "gone")
    guarded = admin.values.guard(namespace, [make_draft(key, "ours") for key in keys], snapshot)
    assert set(guarded.overtaken) == {"early", "early.new", "gone"}
    for key in ("late", "late.new"):  # after
        admin.values.put(namespace, key, "theirs")
    done = admin.change_sets.store(namespace, guarded.drafts, known=guarded.known)
    assert {key for part in done if part.error for key in part.keys} == {"late", "late.new"}
    values = {key: each.data for key, each in admin.values.get_all(namespace).items()}
    assert {key for key, value in values.items() if value == b"ours"} == {"mine", "mine.new"}
    assert "gone" not in values


@pytest.mark.parametrize(
    ("drafts", "said"),
    [
        ([make_draft(f"k{number}", "x") for number in range(limits.OPERATIONS + 1)], "40 keys, and these are 41"),
        ([make_draft(f"k{number}", "x" * 190_000) for number in range(5)], "1048576 bytes of stored values"),
        ([make_draft("large", "x" * 200_000)], "large has 200000 bytes"),
        ([make_draft("k", "x" * 5000, form="kms")], "at most 4096"),
    ],
)
def test_an_oversized_change_set_is_refused_before_any_request(
    service: Loopback, namespace: str, drafts: list[Draft], said: str
) -> None:
    admin = service.admin()
    with pytest.raises(TooLarge, match=said):
        admin.change_sets.apply(namespace, drafts)
    assert (service.requests, service.kms.calls) == ([], [])
    admin.change_sets.apply(
        namespace, [make_draft("empty", "", form="kms"), make_draft("full", "x" * 4096, form="kms")]
    )


def test_a_change_set_of_exactly_the_maximum_size_is_stored(service: Loopback, namespace: str) -> None:
    service.admin("admin").namespaces.create(namespace, snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    admin = service.admin()
    drafts = [make_draft(f"k{number}", "x" * limits.STORED_VALUE, form="plain") for number in range(4)]
    assert len(admin.change_sets.apply(namespace, drafts).versions) == 4
    with pytest.raises(
        TooLarge, match=rf"at most {limits.MIB} bytes of stored values, and these take {limits.MIB + 1}\."
    ):
        admin.change_sets.apply(namespace, [*drafts, make_draft("more", "x", form="plain")])


def test_a_change_set_whose_body_is_too_large_says_so(service: Loopback, namespace: str) -> None:
    drafts = [make_draft(f"k{number}", "\x01" * 200_000, form="plain") for number in range(2)]  # 6 bytes each in JSON
    with pytest.raises(TooLarge, match=f"A request has at most {limits.REQUEST_BYTES} bytes.*longer in JSON"):
        service.admin().change_sets.apply(namespace, drafts)
    assert service.requests == []
