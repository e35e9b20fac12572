"""However long the history is, a request reads a bounded number of bytes in a bounded number of calls."""

import json
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.table_bytes import Counted
from configsvc.adapters.memory import MemoryRepository
from configsvc.model import limits, names
from configsvc.model.change_set import Activate, Delete, Operation
from configsvc.model.errors import Internal
from configsvc.model.names import Key
from configsvc.model.snapshot import parse
from configsvc.service.engine import log_tree, records, summaries
from configsvc.service.engine.log_tree import write_summaries
from configsvc.service.engine.ports import Remove, StoreUnavailable, Write
from configsvc.service.engine.records import LoggedChange, LogRecord, RetentionSettings, StoredSummary
from configsvc.service.engine.summaries import Node
from configsvc.service.verbs.change_log import LogWanted, list_changes
from configsvc.service.verbs.history import diff_revisions, fetch_revision
from configsvc.service.verbs.keys import destroy_version
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.upkeep import run_upkeep
from tests.support.service.world import ADMIN, NS, READER, World, make_world, text

KEYS = 20
DAY = 24 * 3600.0
PARTITION = records.of_namespace(NS)


class Grown(NamedTuple):
    """A namespace with many revisions, and its table."""

    world: World
    table: Counted


def grow_world(revisions: int) -> Grown:
    """Writes once a minute, each time one of twenty keys."""
    table = Counted(MemoryRepository())
    world = make_world(table)
    for number in range(3, revisions + 1):
        world.clock.pass_by(60)
        world.put(text(f"key.{number * 7 % KEYS}", str(number)))
    table.clear()
    return Grown(world, table)


def read_revision(world: World, revision: int) -> dict[str, str]:
    body = fetch_revision(world.ports, READER, NS, revision, None).body or ""
    return {entry.key: entry.value for entry in parse(json.loads(body)).entries}


def search_log(world: World, wanted: LogWanted, limit: int = 10) -> list[int]:
    found = list_changes(world.ports, READER, NS, wanted, limit, None)["changes"]
    assert isinstance(found, list)
    return [each["revision"] for each in found]


REQUESTS: dict[str, Callable[[World], object]] = {
    "time travel, far": lambda world: read_revision(world, 40),
    "time travel, near": lambda world: read_revision(world, world.head().revision - 10),
    "diff of everything": lambda world: diff_revisions(world.ports, READER, NS, 40, None, 1000, None),
    "diff, a later page": lambda world: diff_revisions(world.ports, READER, NS, 40, None, 2, "a2V5LjQ"),
    "log of the last hour": lambda world: search_log(world, LogWanted(after_time=compute_hour_ago(world))),
    "log of a key": lambda world: search_log(world, LogWanted(key="key.3", newest=True)),
    "log of nobody": lambda world: search_log(world, LogWanted(principal="arn:aws:iam::123456789012:role/Nobody")),
    "newest of the log": lambda world: search_log(world, LogWanted(newest=True)),
    "put": lambda world: world.put(text("key.1", "new")),
    "upkeep": lambda world: run_upkeep(world.ports, ADMIN, NS),
}


def compute_hour_ago(world: World) -> str:
    world.clock.pass_by(-3600)
    then = world.clock.now().text
    world.clock.pass_by(3600)
    return then


@pytest.mark.parametrize("revisions", [200, 1000, pytest.param(8000, marks=pytest.mark.slow)])
def test_s58_the_cost_of_a_request_does_not_grow_with_history(revisions: int) -> None:
    world, table = grow_world(revisions)
    world.set(retention=RetentionSettings(versions=10))
    costs = dict[str, tuple[int, int]]()
    for name, request in REQUESTS.items():
        table.clear()
        request(world)
        costs[name] = (table.calls, table.read)
    del costs["upkeep"]  # which examines at most a thousand versions
    assert {name: cost for name, cost in costs.items() if cost[0] > 30 or cost[1] > 150_000} == {}


def test_an_upkeep_reads_a_bounded_number_of_versions_and_log_summaries() -> None:
    world, table = grow_world(3000)
    world.set(retention=RetentionSettings(versions=10))
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert answer["done"] is False
    assert table.read < 600_000
    assert table.calls < 30


@pytest.mark.slow
def test_an_upkeep_of_one_long_key_reads_bounded_steps_and_ends() -> None:
    table = Counted(MemoryRepository())
    world = make_world(table)
    for number in range(1, 2201):
        world.put(text("a", "v" * 1000, activate=number % 500 == 0))
    world.set(retention=RetentionSettings(versions=10))
    cursor, reads = "", list[int]()
    for _ in range(20):
        table.clear()
        answer = run_upkeep(world.ports, ADMIN, NS, cursor or None)
        reads.append(table.read)
        cursor = str(answer["cursor"] or "")
        if answer["done"]:
            break
    left = [
        each.entry.version
        for each in world.repository.query(PARTITION, "V#")
        if isinstance(each, records.StoredVersion)
    ]
    assert left == [500, 1000, 1500, 2000, *range(2191, 2201)]
    assert max(reads) < 2_500_000


class History:
    """Random writes, and a plain list of what each revision served and which keys its record names."""

    def __init__(self, seed: int) -> None:
        self.world = make_world()
        self._random = random.Random(seed)  # noqa: S311  # no secret
        self.served = dict[int, dict[str, int]]()
        self.active, self.latest = dict[str, int](), dict[str, int]()
        self._note()

    def write(self, number: int) -> "History":
        for _ in range(number):
            self.world.clock.pass_by(self._random.choice((-3600, 60, 600, 7200)))
            self._step(self._random.choice("abcd"))
            self._note()
        return self

    def _note(self) -> None:
        self.served[self.world.head().revision] = dict(self.active)

    def _step(self, key: str) -> None:
        kind, latest = self._random.choice(("put", "stage", "activate", "delete", "destroy")), self.latest.get(key, 0)
        version = self._random.randint(1, latest) if latest else 0
        if kind == "destroy" and version and self.active.get(key) != version:
            destroy_version(self.world.ports, ADMIN, NS, Key(key), version, None)
        elif kind == "delete" and key in self.active:
            self._change(Delete(names.parse_key(key)))
            del self.active[key]
        elif kind == "activate" and version and self._whole(key, version):
            self._change(Activate(names.parse_key(key), version))
            self.active[key] = version
        else:
            self._change(text(key, f"{key}{latest}", activate=kind != "stage"))
            self.latest[key] = latest + 1
            self.active |= {} if kind == "stage" else {key: latest + 1}

    def _change(self, operation: Operation) -> None:
        self.world.change(operation)

    def _whole(self, key: str, version: int) -> bool:
        at_ = records.version(NS, key, version)
        found = self.world.repository.get([at_])[at_]
        return isinstance(found, records.StoredVersion) and not found.destroyed


def list_moved_keys(history: History, start: int, end: int) -> list[str]:
    was, now = history.served[start], history.served[end]
    return [key for key in sorted({*was, *now}) if was.get(key) != now.get(key)]


@pytest.fixture(scope="module", params=range(3))
def history(request: pytest.FixtureRequest) -> History:
    return History(request.param).write(600)


def test_s58_a_diff_of_any_two_revisions_matches_a_plain_list(history: History) -> None:
    last = history.world.head().revision
    for start, end in ((2, last), (15, 17), (16, 33), (255, 257), (256, 512), (300, 2), (511, 513), (last - 3, last)):
        found = diff_revisions(history.world.ports, READER, NS, start, end, 1000, None)["differences"]
        assert isinstance(found, list)
        assert [each["key"] for each in found] == list_moved_keys(history, start, end)
        was = history.served[start]
        assert all((each["was"] and each["was"]["version"]) == was.get(each["key"]) for each in found)


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_a_filter_finds_the_same_as_a_full_search_both_ways(history: History, limit: int, *, newest: bool) -> None:
    every = history.world.log()
    times = sorted(record.at for record in every)
    for wanted in (
        LogWanted(key="a"), LogWanted(key="c", since=300),
        LogWanted(after_time=times[-20]), LogWanted(before_time=times[20]),
        LogWanted(after_time=times[100], before_time=times[140], key="b"), LogWanted(key="zz"), LogWanted(since=595),
    ):  # fmt: skip
        expected = [record.revision for record in every if is_wanted(record, wanted)]
        found = list(read_pages(history.world, wanted._replace(newest=newest), limit))
        assert found == (expected[::-1] if newest else expected)


def is_wanted(record: LogRecord, wanted: LogWanted) -> bool:
    named = {change.key for change in record.changes} | ({record.subject} if record.verb == "destroy" else set())
    return (
        record.revision > (wanted.since or 0)
        and (wanted.key is None or wanted.key in named)
        and (wanted.after_time is None or record.at >= wanted.after_time)
        and (wanted.before_time is None or record.at < wanted.before_time)
    )


def read_pages(world: World, wanted: LogWanted, limit: int) -> Iterator[int]:
    cursor: str | None = None
    for _ in range(2000):
        page = list_changes(world.ports, READER, NS, wanted, limit, cursor)
        found, more = page["changes"], page["cursor"]
        assert isinstance(found, list)
        yield from (each["revision"] for each in found)
        if not isinstance(more, str):
            return
        cursor = more
    raise AssertionError("endless pages")


def list_summaries(world: World) -> list[StoredSummary]:
    found = world.repository.query(PARTITION, "S#")
    return [each for each in found if isinstance(each, StoredSummary)]


def collect_answers(world: World) -> list[object]:
    last = world.head().revision
    ends = (2, 16, 40, 257, 300, last - 3)
    return [read_revision(world, end) for end in ends] + [
        search_log(world, LogWanted(key="key.3"), 1000),
        search_log(world, LogWanted(key="no")),
    ]


@pytest.fixture(scope="module")
def old() -> World:
    return grow_world(300).world


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_s58_answers_do_not_depend_on_missing_or_torn_summaries(old: World, data: st.DataObject) -> None:
    expected, kept = collect_answers(old), list_summaries(old)
    fates = [data.draw(st.sampled_from(["kept", "lost", "torn"])) for _ in kept]
    shares = [data.draw(st.floats(0, 0.99)) for _ in kept]
    for summary, fate, share in zip(kept, fates, shares, strict=True):
        if fate == "lost":
            old.repository.commit([Remove(records.address_of(summary), summary.revision)])
        if fate == "torn":
            torn = summary._replace(packed=summary.packed[: int(len(summary.packed) * share)])
            old.repository.commit([Write(torn, summary.revision)])
    found = collect_answers(old)
    left = {records.address_of(summary) for summary in list_summaries(old)}
    for summary in kept:
        there = summary.revision if records.address_of(summary) in left else None
        old.repository.commit([Write(summary, there)])
    assert found == expected


def test_an_unwritten_summary_affects_neither_the_write_nor_the_next_level() -> None:
    table = MemoryRepository()
    world = make_world(table)
    for number in range(3, 16):
        world.put(text("a", str(number)))
    world.repository.before_commit += [lambda: None, lose_answer]
    assert world.put(text("a", "16")).status == 201
    assert list_summaries(world) == []
    for number in range(17, 257):
        world.put(text("a", str(number)))
    assert [(each.level, each.revision) for each in list_summaries(world) if each.revision in {16, 256}] == [
        (1, 256),
        (2, 256),
    ]
    assert read_revision(world, 10) == {"a": "10"}


def lose_answer() -> None:
    raise StoreUnavailable("The table does not answer.", retry_after=1)


def test_summaries_from_before_a_restore_are_overwritten() -> None:
    world = make_world()
    left = StoredSummary(names.parse_namespace(NS), 16, 1, "", "", (), b"before a restore")
    world.repository.commit([Write(left, None)])
    for number in range(3, 20):
        world.put(text("a", str(number)))
    assert [each.packed == b"before a restore" for each in list_summaries(world)] == [False]
    assert read_revision(world, 10) == {"a": "10"}


def test_reads_pass_a_lift_that_skips_any_number_of_revisions() -> None:
    table = Counted(MemoryRepository())
    world = make_world(table)
    for number in range(3, 40):
        world.put(text("a", str(number)))
    lift_namespace(world.ports, ADMIN, NS, limits.REVISION_LIFT_OWN // 3, None)
    for number in range(40):
        world.put(text("b", str(number)))
    table.clear()
    assert read_revision(world, 20) == {"a": "20"}
    assert search_log(world, LogWanted(key="a", newest=True), 1) == [39]
    assert search_log(world, LogWanted(key="b"), 1)[0] > limits.REVISION_LIFT_OWN // 3
    assert table.calls < 150


def test_upkeep_removes_the_summaries_of_removed_records_only() -> None:
    world, _ = grow_world(600)
    expected = {revision: read_revision(world, revision) for revision in (520, 560, 590)}
    world.set(retention=RetentionSettings(versions=3, log_days=1))
    world.clock.pass_by(DAY - 100 * 60)
    for _ in range(10):
        if run_upkeep(world.ports, ADMIN, NS)["done"]:
            break
    oldest = world.log()[0].revision
    assert 490 < oldest < 520
    assert min(each.revision for each in list_summaries(world)) >= oldest
    assert {revision: read_revision(world, revision) for revision in expected} == expected
    assert [each for each in search_log(world, LogWanted(key="key.3"), 1000) if each < oldest] == []


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_a_cover_is_complete_and_short_and_has_no_overlap(one: int, other: int) -> None:
    after, until = sorted((one, other))
    nodes = list(summaries.cover(after, until))
    assert [node.start for node in nodes] == [after, *(node.end for node in nodes)][: len(nodes)]
    assert not nodes or nodes[-1].end == until
    assert len(nodes) <= 30 * 4
    assert all(node.end % summaries.compute_width(node.level) == 0 for node in nodes)
    assert all(part.level == node.level - 1 for node in nodes if node.level for part in node.list_children())


def test_a_summary_too_large_for_an_item_is_not_stored() -> None:
    keys = {
        names.parse_key(f"{number:0250x}"): summaries.TouchedKey(changed=True, now=number) for number in range(70_000)
    }
    large = summaries.Summary("", "", frozenset(), keys)
    assert summaries.pack_summary(large, PARTITION, Node(4, 65536)) is None


def test_a_summary_survives_packing_and_limits_its_principals() -> None:
    world, _ = grow_world(40)
    parts = [summaries.summarise_record(record) for record in world.log()]
    every = summaries.merge_summaries(parts)
    kept = summaries.pack_summary(every, PARTITION, Node(1, 16))
    assert kept
    known = summaries.unpack_summary(kept)
    assert known
    assert known[0] == every
    many = [parts[0]._replace(principals=frozenset((str(number),))) for number in range(limits.SUMMARY_PRINCIPALS + 1)]
    assert summaries.merge_summaries(many[:-1]).principals == frozenset(map(str, range(limits.SUMMARY_PRINCIPALS)))
    assert summaries.merge_summaries(many).principals is None


def write_wide_log(number: int, world: World) -> None:
    """Writes change sets as large as possible to the table: forty keys with the longest names, all different."""
    (first,) = [record for record in world.log() if record.revision == world.head().revision]
    head = world.head()
    for revision in range(first.revision + 1, first.revision + number + 1):
        keys = [names.parse_key(f"{revision:05d}.{each:02d}.".ljust(255, "k")) for each in range(40)]
        changes_ = tuple(LoggedChange(key, "put", 1, None, 1) for key in keys)
        record = first._replace(revision=revision, served=revision, verb="change", changes=changes_)
        moved_ = head._replace(revision=revision, served=revision)
        world.repository.commit([Write(moved_, revision - 1), Write(record, None)])
        write_summaries(world.ports, PARTITION, revision)


@pytest.mark.parametrize("newest", [False, True])
def test_a_search_ends_however_large_the_summaries_are(*, newest: bool) -> None:
    world = make_world()
    write_wide_log(254, world)
    for revision in (3, 100, 256):
        key = f"{revision:05d}.07.".ljust(255, "k")
        assert list(read_pages(world, LogWanted(key=key, newest=newest), 10)) == [revision]
    assert list(read_pages(world, LogWanted(key="none", newest=newest), 10)) == []


def refuse(world: World) -> None:
    def refusal() -> None:
        raise Internal("The table refuses.")

    world.repository.before_commit += [lambda: None, refusal]


def damage(world: World) -> None:
    record = next(each for each in world.log() if each.revision == 9)
    world.repository.commit([Write(record._replace(verb="destroy", subject="/"), 9)])


@pytest.mark.parametrize("fault", [refuse, damage])
def test_a_failed_summary_does_not_fail_the_write_before_it(fault: Callable[[World], None]) -> None:
    world = make_world()
    for number in range(3, 16):
        world.put(text("a", str(number)))
    fault(world)
    assert (world.put(text("a", "16")).status, world.head().revision) == (201, 16)
    assert list_summaries(world) == []


@pytest.mark.parametrize("asked", [1, 100, 2_000_000])
def test_time_travel_passes_a_lift_that_lowered_a_raised_head(asked: int) -> None:
    world, _ = grow_world(50)
    head = world.head()
    expected = read_revision(world, 40)
    world.repository.commit([Write(head._replace(revision=1_000_000), head.revision)])
    lift_namespace(world.ports, ADMIN, NS, asked, None)
    for number in range(20):
        world.put(text("key.3", f"after {number}"))
    assert read_revision(world, 40) == expected
    assert diff_revisions(world.ports, READER, NS, 40, 50, 1000, None)["differences"] != []


def test_s58_a_gap_in_the_log_is_never_ignored() -> None:
    world, _ = grow_world(100)
    for hole in (20, 30, 50):
        record = next(each for each in world.log() if each.revision == hole)
        end = -(-hole // 16) * 16
        summary = next(each for each in list_summaries(world) if each.revision == end)
        world.repository.commit([Remove(records.log(PARTITION, hole), hole), Remove(records.address_of(summary), end)])
        assert log_tree.read_between(world.repository, PARTITION, 16, 100) is None
        world.repository.commit([Write(record, None), Write(summary, None)])
    assert log_tree.read_between(world.repository, PARTITION, 16, 100) is not None
