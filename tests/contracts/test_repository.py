"""Tests what the service requires of its table, on every implementation."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from bench.stub_dynamodb import StubDynamoDb, serve
from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.memory import MemoryRepository
from configsvc.model.errors import Internal
from configsvc.service.engine import records
from configsvc.service.engine.ports import LostRace, Remove, Repository, StampCheck, Write
from configsvc.service.engine.records import KeyState, Record, RecordAddress, address_of
from tests.support.contracts import tables
from tests.support.contracts.samples import EVERY_KIND, NS, PARTITION, make_head, make_state

EMULATED = [pytest.param(name, marks=pytest.mark.emulator) for name in ("emulator", "emulator, our client")]


@pytest.fixture(params=["memory", "stub", "stub, our client", "moto", *EMULATED])
def repository(request: pytest.FixtureRequest) -> Iterator[Repository]:
    if request.param == "memory":
        yield MemoryRepository()
    elif request.param == "stub":
        with serve(StubDynamoDb(MemoryRepository())) as url:
            yield DynamoRepository(tables.make_client(url), "stub")
    elif request.param == "stub, our client":
        with serve(StubDynamoDb(MemoryRepository())) as url:
            yield DynamoRepository(tables.make_json_client(url), "stub")
    elif request.param == "emulator, our client":
        url = request.getfixturevalue("emulator").url
        yield DynamoRepository(tables.make_json_client(url), tables.create_table(tables.make_client(url)))
    elif request.param == "moto":
        with mock_aws():
            yield tables.make_repository(tables.make_client())
    else:
        yield tables.make_repository(tables.make_client(request.getfixturevalue("emulator").url))


def keys(found: Iterator[Record]) -> list[str]:
    return [each.key for each in found if isinstance(each, KeyState)]


def test_every_kind_of_record_comes_back_as_it_was_written(repository: Repository) -> None:
    repository.commit([Write(record, None) for record in EVERY_KIND])
    wanted = [address_of(record) for record in EVERY_KIND]
    assert repository.get(wanted) == dict(zip(wanted, EVERY_KIND, strict=True))
    assert {address: repository.get([address])[address] for address in wanted} == repository.get(wanted)


def test_absent_records_are_not_found_alone_or_among_others(repository: Repository) -> None:
    repository.commit([Write(make_head(), None)])
    nothing = RecordAddress(PARTITION, "K#nothing")
    assert repository.get([nothing]) == {}
    assert list(repository.get([nothing, records.head(NS), nothing])) == [records.head(NS)]


def test_records_are_read_together_and_absent_ones_omitted(repository: Repository) -> None:
    written = [make_state(f"k{number:03}") for number in range(12)]  # moto still takes 25 addresses, DynamoDB 100
    repository.commit([Write(record, None) for record in written])
    wanted = [at for record in written for at in (address_of(record), records.unserved_key(NS, record.key))]
    assert repository.get_together(wanted) == {address_of(record): record for record in written}


def test_a_batch_of_more_than_100_is_read_whole(repository: Repository) -> None:
    written = [make_state(f"k{number:03}") for number in range(150)]
    repository.commit([Write(record, None) for record in written[:100]])
    repository.commit([Write(record, None) for record in written[100:]])
    assert len(repository.get([address_of(record) for record in written])) == 150


def test_a_write_over_an_existing_record_is_a_lost_race(repository: Repository) -> None:
    repository.commit([Write(make_state("a", 1), None)])
    with pytest.raises(LostRace) as lost:
        repository.commit([Write(make_state("a", 2), None)])
    assert lost.value.addresses == (records.key(NS, "a"),)


@pytest.mark.parametrize("expected", [None, 2])
def test_a_write_over_a_changed_stamp_is_a_lost_race(repository: Repository, expected: int | None) -> None:
    repository.commit([Write(make_state("a", 1), None)])
    with pytest.raises(LostRace):
        repository.commit([Write(make_state("a", 3), expected)])
    repository.commit([Write(make_state("a", 3), 1)])
    assert repository.get([records.key(NS, "a")])[records.key(NS, "a")].revision == 3


def test_a_write_over_a_removed_record_is_a_lost_race(repository: Repository) -> None:
    with pytest.raises(LostRace):
        repository.commit([Write(make_state("a", 2), 1)])


def test_one_failed_condition_leaves_everything_unchanged(repository: Repository) -> None:
    repository.commit([Write(make_head(), None), Write(make_state("a", 1), None)])
    before = list(repository.query(PARTITION, ""))
    with pytest.raises(LostRace) as lost:
        repository.commit(
            [
                Write(make_head(2), 1),
                Write(make_state("b", 2), None),
                Remove(records.key(NS, "a"), 1),
                StampCheck(records.key(NS, "c"), 7),
            ]
        )
    assert lost.value.addresses == (records.key(NS, "c"),)
    assert list(repository.query(PARTITION, "")) == before


def test_a_check_conditions_a_transaction_on_a_stamp_or_on_absence(repository: Repository) -> None:
    repository.commit([Write(make_head(), None)])
    repository.commit(
        [StampCheck(records.head(NS), 1), StampCheck(records.key(NS, "a"), None), Write(make_state("b"), None)]
    )
    for check in (StampCheck(records.head(NS), 2), StampCheck(records.head(NS), None)):
        with pytest.raises(LostRace):
            repository.commit([check, Write(make_state("c"), None)])
    assert keys(repository.query(PARTITION, "K#")) == ["b"]


def test_a_transaction_may_consist_of_checks_only(repository: Repository) -> None:
    repository.commit([Write(make_head(), None)])
    repository.commit([StampCheck(records.head(NS), 1)])
    with pytest.raises(LostRace):
        repository.commit([StampCheck(records.head(NS), 2)])
    assert list(repository.get([records.head(NS)]).values()) == [make_head()]


@pytest.mark.parametrize("repository", ["memory", "stub"], indirect=True)  # moto and the emulator take any size
def test_a_transaction_of_more_than_4_mb_is_refused_whole(repository: Repository) -> None:
    values = [make_state(f"k{number:02}", value="x" * 250_000) for number in range(17)]
    with pytest.raises((ValueError, Internal)):
        repository.commit([Write(record, None) for record in values])
    assert keys(repository.query(PARTITION, "K#")) == []
    repository.commit([Write(record, None) for record in values[:16]])
    assert len(keys(repository.query(PARTITION, "K#"))) == 16


@pytest.mark.parametrize("repository", ["memory", "stub"], indirect=True)
@pytest.mark.parametrize("touch", [StampCheck, Remove])
def test_checked_and_removed_records_count_towards_the_size_of_a_transaction(
    repository: Repository, touch: type[StampCheck | Remove]
) -> None:
    values = [make_state(f"k{number:02}", value="x" * 250_000) for number in range(17)]
    for start in (0, 9):
        repository.commit([Write(record, None) for record in values[start : start + 9]])
    touched = [touch(address_of(record), record.revision) for record in values]
    with pytest.raises((ValueError, Internal)):
        repository.commit(touched)
    assert len(keys(repository.query(PARTITION, "K#"))) == 17
    repository.commit(touched[:16])


@pytest.mark.parametrize("repository", ["memory", "stub"], indirect=True)
def test_records_read_together_have_at_most_4_mb(repository: Repository) -> None:
    values = [make_state(f"k{number:02}", value="x" * 250_000) for number in range(17)]
    for start in (0, 9):
        repository.commit([Write(record, None) for record in values[start : start + 9]])
    with pytest.raises((ValueError, Internal)):
        repository.get_together([address_of(record) for record in values])
    assert len(repository.get_together([address_of(record) for record in values[:16]])) == 16


def test_a_removed_record_is_gone_and_may_be_written_again(repository: Repository) -> None:
    repository.commit([Write(make_state("a", 1), None)])
    with pytest.raises(LostRace):
        repository.commit([Remove(records.key(NS, "a"), 2)])
    repository.commit([Remove(records.key(NS, "a"), 1)])
    assert repository.get([records.key(NS, "a")]) == {}
    repository.commit([Write(make_state("a", 5), None)])


def test_a_query_returns_a_prefix_of_one_partition_in_order(repository: Repository) -> None:
    names = ["b", "a.b", "A", "a-b", "a", "a_b", "Z9"]
    repository.commit([Write(record, None) for record in EVERY_KIND if not isinstance(record, KeyState)])
    repository.commit([Write(make_state(name), None) for name in names])
    assert keys(repository.query(PARTITION, "K#")) == sorted(names)
    assert keys(repository.query(PARTITION, "K#a")) == sorted(name for name in names if name.startswith("a"))
    assert keys(repository.query("N#payments", "K#")) == []


@pytest.mark.parametrize("after", ["K#k05", "K#k05x"], ids=["an existing key", "an absent key"])
def test_a_query_continues_after_a_key(repository: Repository, after: str) -> None:
    repository.commit([Write(make_state(f"k{number:02}"), None) for number in range(10)])
    assert keys(repository.query(PARTITION, "K#", after=after)) == ["k06", "k07", "k08", "k09"]
    assert keys(repository.query(PARTITION, "K#k0", after=after, limit=2)) == ["k06", "k07"]


def test_a_query_ends_at_its_limit(repository: Repository) -> None:
    repository.commit([Write(make_state(f"k{number}"), None) for number in range(3)])
    assert keys(repository.query(PARTITION, "K#", limit=2)) == ["k0", "k1"]
    assert keys(repository.query(PARTITION, "K#", limit=9)) == ["k0", "k1", "k2"]


def test_a_reverse_query_begins_at_the_end_of_the_prefix(repository: Repository) -> None:
    repository.commit([Write(make_state(name), None) for name in ("a", "b", "b.1", "b.2", "b.3", "c")])
    assert keys(repository.query(PARTITION, "K#", reverse=True)) == ["c", "b.3", "b.2", "b.1", "b", "a"]
    assert keys(repository.query(PARTITION, "K#b.", limit=2, reverse=True)) == ["b.3", "b.2"]
    assert keys(repository.query(PARTITION, "K#b.", after="K#b.2", reverse=True)) == ["b.1"]
    assert keys(repository.query(PARTITION, "K#b.", after="K#b.1", reverse=True)) == []
    assert keys(repository.query(PARTITION, "K#d", reverse=True)) == []


def test_a_query_without_values_has_everything_else(repository: Repository) -> None:
    shown, gone = make_state("a"), make_state("b", value=None)._replace(rotate_by="2027-01-31", deleted_at="2026-07-28")
    assert shown.entry
    versions = [record for record in EVERY_KIND if address_of(record).sk.startswith("V#db")]
    repository.commit([Write(shown, None), Write(gone, None), *(Write(v, None) for v in versions)])
    assert list(repository.query(PARTITION, "K#", values=False)) == [
        shown._replace(entry=shown.entry._replace(value=""))
    ]
    assert list(repository.query(PARTITION, "U#", values=False)) == [gone]
    (version,) = repository.query(PARTITION, "V#", values=False)
    assert "AAAA" not in str(version._asdict())


def test_a_query_of_more_than_1_mb_is_read_whole(repository: Repository) -> None:
    for number in range(6):
        repository.commit([Write(make_state(f"k{number}", value=str(number) * 250_000), None)])
    found = list(repository.query(PARTITION, "K#"))
    assert [each.entry.value[0] for each in found if isinstance(each, KeyState) and each.entry] == list("012345")
    assert keys(repository.query(PARTITION, "K#", limit=5)) == ["k0", "k1", "k2", "k3", "k4"]


def test_a_batch_of_more_than_16_mb_is_read_whole(repository: Repository) -> None:
    written = [make_state(f"k{number:02}", value="x" * 262_144) for number in range(66)]
    for start in range(0, 66, 11):
        repository.commit([Write(record, None) for record in written[start : start + 11]])
    assert len(repository.get([address_of(record) for record in written])) == 66
