"""Unserved keys cost readers nothing, and upkeep purges deleted ones for good."""

import json
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.items import to_item
from configsvc.adapters.memory import MemoryRepository
from configsvc.model import limits, names
from configsvc.model.change_set import Activate, Delete, Put
from configsvc.model.errors import Contended, Gone, NotFound, VersionClaimed
from configsvc.model.names import Key
from configsvc.service.engine import records, retention
from configsvc.service.engine.ports import Caller, LostRace
from configsvc.service.engine.records import Record, RetentionSettings, StoredVersion
from configsvc.service.verbs.history import diff_revisions, fetch_revision
from configsvc.service.verbs.namespaces import delete_namespace
from configsvc.service.verbs.read_keys import get_key, list_keys, list_versions
from configsvc.service.verbs.snapshots import fetch_snapshot
from configsvc.service.verbs.upkeep import run_upkeep
from tests.support.adapters.sizes import count_item_bytes
from tests.support.machines import recount
from tests.support.service.fakes import Watched
from tests.support.service.world import ADMIN, NS, READER, World, make_world, sealed, text

DAY = 24 * 3600.0


class Weighed(MemoryRepository):
    """Counts the bytes of the items that queries read, as DynamoDB does: before values are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def query(
        self, partition: str, prefix: str, *, after: str = "", limit: int | None = None, values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:  # fmt: skip
        for record in super().query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse):
            self.bytes += count_item_bytes(to_item(record))
            yield record


@pytest.fixture
def world() -> World:
    return make_world()


def delete_keys(world: World, *keys: str) -> None:
    """Puts and deletes keys, as many at once as a change set takes."""
    for start in range(0, len(keys), limits.OPERATIONS):
        some = keys[start : start + limits.OPERATIONS]
        world.change(*(text(key) for key in some))
        world.change(*(Delete(names.parse_key(key)) for key in some))


def measure_cold_read(table: Weighed) -> int:
    """Returns the bytes that the first snapshot of a new process reads by Query."""
    table.bytes = 0
    assert json.loads(World(table).fetch().body or "")["namespace"] == NS
    return table.bytes


@pytest.mark.parametrize("staged", [False, True], ids=["deleted", "staged"])
def test_s57_a_cold_snapshot_reads_only_served_keys(staged: bool) -> None:  # noqa: FBT001  # a parameter
    table = Weighed()
    world = make_world(table)
    world.put(text("live"))
    alone = measure_cold_read(table)
    others = [f"services.payments.key-{number:05}" for number in range(1000)]
    if staged:
        for start in range(0, len(others), limits.OPERATIONS):
            world.change(*(text(key, activate=False) for key in others[start : start + limits.OPERATIONS]))
    else:
        delete_keys(world, *others)
    assert measure_cold_read(table) == alone < 200


def test_s57_a_recreated_namespace_reads_nothing_of_its_past() -> None:
    table = Weighed()
    world = make_world(table)
    delete_keys(world, *(f"k{number}" for number in range(80)))
    delete_namespace(world.ports, ADMIN, NS, None)
    world.set()
    assert measure_cold_read(table) == 0
    world.put(text("live"))
    assert measure_cold_read(table) < 200


def test_a_deleted_key_continues_its_version_numbers(world: World) -> None:
    delete_keys(world, "a")
    delete_keys(world, "a")
    with pytest.raises(NotFound) as nothing:
        get_key(world.ports, READER, NS, Key("a"))
    assert nothing.value.members["next_version"] == 3
    assert world.put(text("a")).body["version"] == 3
    world.change(Delete(names.parse_key("a")))
    assert world.change(Activate(names.parse_key("a"), 1)).status == 200
    assert get_key(world.ports, READER, NS, Key("a"))[0]["latest"] == 3
    assert [each["state"] for each in list_all_keys(world)] == ["served"]


def list_all_keys(world: World) -> list[dict[str, object]]:
    page = list_keys(world.ports, READER, NS, "", 1000, None)["keys"]
    assert isinstance(page, list)
    return page


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_keys_are_in_order_of_key(world: World, limit: int) -> None:
    delete_keys(world, *"acegi")
    world.change(*(text(key) for key in "bdaf"), *(text(key, activate=False) for key in "hj"))
    found, cursor, more = list[str](), None, True
    while more:
        page = list_keys(world.ports, READER, NS, "", limit, cursor)
        assert isinstance(page["keys"], list)
        found += [f"{each['key']} {each['state']}" for each in page["keys"]]
        cursor = page["cursor"] if isinstance(page["cursor"], str) else None
        more = cursor is not None
    states = ["served", "served", "deleted", "served", "deleted", "served", "deleted", "staged", "deleted", "staged"]
    assert found == [f"{key} {state}" for key, state in zip("abcdefghij", states, strict=True)]


def test_a_key_deleted_while_a_page_is_read_is_listed(world: World) -> None:
    world.put(text("a"))
    world.repository.before_query.extend([_do_nothing, lambda: world.change(Delete(names.parse_key("a")))])
    assert [each["key"] for each in list_all_keys(world)] == ["a"]


def _do_nothing() -> None:
    return


def tend(world: World, who: Caller = ADMIN) -> dict[str, int]:
    """Runs upkeep to its end, and returns how much it removed."""
    counts, cursor = dict.fromkeys(("log_pruned", "keys_purged", "versions_pruned"), 0), None
    for _ in range(1000):
        answer = run_upkeep(world.ports, who, NS, cursor)
        counts = {name: number + _require_int(answer[name]) for name, number in counts.items()}
        cursor = answer["cursor"] if isinstance(answer["cursor"], str) else None
        if answer["done"]:
            return counts
    raise AssertionError("upkeep did not end")


def _require_int(found: object) -> int:
    assert isinstance(found, int)
    return found


def list_left(world: World) -> list[str]:
    """Returns the sort keys of all states and versions in the table."""
    return [sk for sk in world.stored() if sk[0] in "KUV"]


def check_records(world: World) -> None:
    found = recount.read_stored(world.repository, NS)
    assert found
    recount.check(found, pruned=True)


def test_deleted_keys_stay_for_ever_by_default(world: World) -> None:
    delete_keys(world, "a")
    world.clock.pass_by(1000 * DAY)
    assert tend(world)["keys_purged"] == 0
    world.set(retention=RetentionSettings(deleted_days=1001))
    assert tend(world)["keys_purged"] == 0
    assert list_left(world) == ["U#a", "V#a#0000000001"]


def test_a_key_deleted_long_ago_is_purged_with_its_versions(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=30))
    delete_keys(world, "a", "b")
    delete_keys(world, "a")
    world.put(text("live"))
    world.clock.pass_by(31 * DAY)
    delete_keys(world, "late")
    before = world.fetch()
    assert tend(world) == {"log_pruned": 0, "keys_purged": 2, "versions_pruned": 3}
    assert list_left(world) == ["K#live", "U#late", "V#late#0000000001", "V#live#0000000001"]
    assert world.fetch(before.etag).status == 304
    record = world.log()[-1]
    assert (record.verb, record.principal) == ("purge", ADMIN.principal)
    assert [(each.key, each.op, each.version) for each in record.changes] == [("a", "purge", 2), ("b", "purge", 1)]
    check_records(world)


def test_s57_the_numbers_of_a_purged_key_stay_used(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    for _ in range(3):
        delete_keys(world, "a")
    world.clock.pass_by(2 * DAY)
    tend(world)
    assert world.head().floor == 3
    assert world.put(text("a")).body["version"] == 4
    check_records(world)


def test_only_revisions_that_served_a_purged_key_are_gone(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    world.put(text("live"))
    without = world.head().revision
    delete_keys(world, "a")
    having = world.head().revision - 1
    world.clock.pass_by(2 * DAY)
    tend(world)
    assert fetch_revision(world.ports, READER, NS, without, None).status == 200
    with pytest.raises(Gone, match="Version 1 of a, which was served then"):
        fetch_revision(world.ports, READER, NS, having, None)
    with pytest.raises(Gone):
        diff_revisions(world.ports, READER, NS, without, having, 10, None)
    assert diff_revisions(world.ports, READER, NS, without, world.head().revision, 10, None)["differences"] == []


@pytest.mark.parametrize("again", [text("a"), text("a", activate=False), Activate(names.parse_key("a"), 1)])
@pytest.mark.parametrize("commit", [0, 1])
def test_a_key_written_during_its_purge_reuses_no_number(world: World, again: Put | Activate, commit: int) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    delete_keys(world, "a", "b")
    world.clock.pass_by(2 * DAY)

    def interrupt() -> None:
        try:
            world.change(again)
        except NotFound:
            assert isinstance(again, Activate)

    world.repository.before_commit.extend([*[_do_nothing] * commit, interrupt])
    tend(world)
    assert "U#b" not in list_left(world)
    check_records(world)


class Killed(Exception):
    """The process has ended."""


def die() -> None:
    raise Killed


def test_s57_the_next_upkeep_finishes_a_killed_purge(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    delete_keys(world, *(f"k{number}" for number in range(5)))
    world.clock.pass_by(2 * DAY)
    for commits in range(6):
        world.repository.before_commit.extend([*[_do_nothing] * commits, die])
        try:
            tend(world)
        except Killed:
            check_records(world)
    world.repository.before_commit.clear()
    tend(world)
    assert list_left(world) == []
    assert world.head().floor == 1


def test_an_envelope_after_a_killed_purge_learns_the_next_version(
    world: World,
) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    world.put(sealed("a", 1))
    world.change(Delete(names.parse_key("a")))
    world.clock.pass_by(2 * DAY)
    world.repository.before_commit.extend([_do_nothing, die])
    with pytest.raises(Killed):
        tend(world)
    assert list_left(world) == ["U#a"]
    with pytest.raises(VersionClaimed) as claimed:
        world.put(sealed("a", 1))
    assert claimed.value.members["next_version"] == 2


def test_s57_many_deleted_keys_are_purged_in_bounded_steps(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    keys = [f"k{number:03}" for number in range(120)]
    for _ in range(5):
        delete_keys(world, *keys)
    world.clock.pass_by(2 * DAY)
    world.repository.calls.clear()
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert _require_int(answer["keys_purged"]) <= retention.KEYS
    assert _require_int(answer["versions_pruned"]) <= limits.UPKEEP_VERSIONS
    assert world.repository.calls.count("commit") <= retention.KEYS + 1
    assert tend(world)["keys_purged"] == len(keys) - _require_int(answer["keys_purged"])
    assert list_left(world) == []
    assert [each.verb for each in world.log()].count("purge") == -(-len(keys) // retention.KEYS)
    assert max(len(each.changes) for each in world.log()) <= retention.KEYS


def test_a_purge_begins_no_other_key_after_its_time(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    delete_keys(world, *"abcde")
    world.clock.pass_by(2 * DAY)
    world.repository.before_commit.extend([lambda: world.clock.pass_by(limits.UPKEEP_SECONDS / 2)] * 10)
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert (answer["keys_purged"], answer["versions_pruned"], answer["done"]) == (2, 2, False)
    world.repository.before_commit.clear()
    assert tend(world)["keys_purged"] == 3
    assert list_left(world) == []


def test_a_key_with_many_versions_is_purged_in_several_upkeeps(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    for _ in range(limits.UPKEEP_VERSIONS + 5):
        world.put(text("a"))
    world.change(Delete(names.parse_key("a")))
    world.clock.pass_by(2 * DAY)
    first = run_upkeep(world.ports, ADMIN, NS)
    assert (first["keys_purged"], first["versions_pruned"], first["done"]) == (0, limits.UPKEEP_VERSIONS, False)
    numbers = [
        each.entry.version for each in _select_versions(world.repository.query(records.of_namespace(NS), "V#a#"))
    ]
    assert numbers == list(range(limits.UPKEEP_VERSIONS + 1, limits.UPKEEP_VERSIONS + 6))
    assert tend(world) == {"log_pruned": 0, "keys_purged": 1, "versions_pruned": 5}


def test_a_key_written_as_its_purge_begins_does_not_block_others(world: World) -> None:
    world.set(retention=RetentionSettings(deleted_days=1))
    for _ in range(limits.UPKEEP_VERSIONS + 5):
        world.put(text("a"))
    world.change(Delete(names.parse_key("a")))
    delete_keys(world, "b")
    world.clock.pass_by(2 * DAY)
    world.repository.before_commit.append(lambda: world.put(text("a")))
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert (answer["keys_purged"], answer["versions_pruned"], answer["done"]) == (1, 1, True)
    assert "U#b" not in list_left(world)


def _select_versions(found: Iterable[Record]) -> list[StoredVersion]:
    return [each for each in found if isinstance(each, StoredVersion)]


def test_large_keys_that_are_served_again_do_not_block_a_purge(world: World) -> None:
    keys = [f"k{number:02}" for number in range(17)]
    world.set(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST, retention=RetentionSettings(deleted_days=1))
    delete_keys(world, *keys, "z")
    for key in keys:
        world.put(text(key, "x" * 245_000))
    world.clock.pass_by(2 * DAY)
    assert tend(world)["keys_purged"] == 1
    assert [sk for sk in list_left(world) if sk[0] in "KU"] == [f"{kind}#{key}" for kind in "KU" for key in keys]


def test_a_read_only_namespace_keeps_its_deleted_keys(world: World) -> None:
    delete_keys(world, "a")
    world.set(retention=RetentionSettings(deleted_days=1))
    world.clock.pass_by(2 * DAY)
    world.repository.before_commit.extend([_do_nothing, lambda: world.set(read_only=True)])
    with pytest.raises(Exception, match=r"write here|read-only"):
        tend(world)
    assert "U#a" in list_left(world)


moves = st.lists(
    st.tuples(st.sampled_from(["put", "stage", "delete", "activate", "wait", "tend"]), st.sampled_from("abc"))
)


@given(moves)
def test_no_version_number_is_used_twice_despite_purges(history: list[tuple[str, str]]) -> None:
    world = make_world()
    world.set(retention=RetentionSettings(deleted_days=1))
    given_out = set[tuple[str, object]]()
    served = dict[str, str]()
    for number, (what, key) in enumerate(history):
        match what:
            case "put" | "stage":
                body = world.put(text(key, str(number), activate=what == "put")).body
                assert (key, body["version"]) not in given_out
                given_out.add((key, body["version"]))
                if what == "put":
                    served[key] = str(number)
            case "delete" if key in served:
                world.change(Delete(names.parse_key(key)))
                del served[key]
            case "wait":
                world.clock.pass_by(2 * DAY)
            case "tend":
                tend(world)
        entries = json.loads(world.fetch().body or "")["entries"]
        assert {each["key"]: each["value"] for each in entries} == served
    check_records(world)


def test_an_unserved_key_is_described_as_of_one_moment(world: World) -> None:
    """The batch read meets neither its `K#` nor its `U#`, but the answer must not say that it never existed."""
    world.put(text("a"))
    table = Between(world)
    with pytest.raises(NotFound, match="Nothing is served"):
        get_key(world.ports._replace(repository=table), READER, NS, Key("a"))


class Between(Watched):
    """A batch reads the `U#` of a key before it is deleted, and everything else afterwards."""

    def __init__(self, world: World) -> None:
        super().__init__(world.repository)
        self._world = world

    def get(self, addresses: Sequence[records.RecordAddress]) -> dict[records.RecordAddress, Record]:
        early = [each for each in addresses if each.sk.startswith("U#")]
        found = self._world.repository.get(early) if early else {}
        if early:
            self._world.change(Delete(names.parse_key("a")))
        return {**found, **self._world.repository.get([each for each in addresses if each not in early])}


@pytest.mark.parametrize("times", [2, 9])
def test_a_read_blocked_by_a_transaction_is_retried_until_the_deadline(world: World, times: int) -> None:
    delete_keys(world, "a")
    table = Busy(world.repository, times)
    with pytest.raises(NotFound, match="Nothing is served"):
        get_key(world.ports._replace(repository=table).within(3.0), READER, NS, Key("a"))
    assert table.times == 0


def test_a_key_under_constant_writes_is_contended_at_the_deadline(world: World) -> None:
    delete_keys(world, "a")
    table, began = Busy(world.repository, times=1000), world.clock.monotonic()
    with pytest.raises(Contended, match="Try again"):
        list_versions(world.ports._replace(repository=table).within(3.0), READER, NS, Key("a"), 10, None)
    assert 2.5 < world.clock.monotonic() - began < 3.0


class Busy(Watched):
    """Another transaction is writing the records for so many reads."""

    def __init__(self, inner: Watched, times: int) -> None:
        super().__init__(inner)
        self.times = times

    def get_together(self, addresses: Sequence[records.RecordAddress]) -> dict[records.RecordAddress, Record]:
        if self.times:
            self.times -= 1
            raise LostRace
        return super().get_together(addresses)


class Torn(Watched):
    """The first read of served keys meets other keys than there are."""

    def __init__(self, inner: Watched, met: Sequence[Record]) -> None:
        super().__init__(inner)
        self._met = [met]

    def query(
        self, partition: str, prefix: str, *, after: str = "", limit: int | None = None, values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:  # fmt: skip
        if prefix == "K#" and self._met:
            return iter(self._met.pop())
        return super().query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)


def test_a_stale_deleted_key_does_not_mask_a_missing_one(world: World) -> None:
    """One revision wrote both, so the sum of the revisions is right."""
    world.change(text("a"), text("b"))
    deleted = world.repository.get([records.key(NS, "a")])
    world.change(Delete(names.parse_key("a")))
    torn = world.ports._replace(repository=Torn(world.repository, list(deleted.values())))
    entries = json.loads(fetch_snapshot(torn, READER, NS, None).body or "")["entries"]
    assert [each["key"] for each in entries] == ["b"]
