"""Whatever happens to summaries, the past matches a plain list, or is refused; nothing is left out of it."""

import json
import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import ConfigsvcError, Gone
from configsvc.model.names import Key
from configsvc.model.snapshot import parse
from configsvc.service.engine import records
from configsvc.service.engine.log_tree import write_summaries
from configsvc.service.engine.ports import LostRace, StoreUnavailable, Write, WriteAction
from configsvc.service.engine.records import LogRecord, RetentionSettings, StoredSummary
from configsvc.service.verbs.change_log import LogWanted, list_changes
from configsvc.service.verbs.history import diff_revisions, fetch_revision
from configsvc.service.verbs.keys import destroy_version
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, delete_namespace
from configsvc.service.verbs.upkeep import run_upkeep
from tests.support.service.world import ADMIN, NS, READER, World, make_world, text

PARTITION = records.of_namespace(NS)
KEYS = tuple("abcdefghijkl")


class Fated(MemoryRepository):
    """A table where a summary is written at once, much later, torn, without an answer, or never."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self._late = list[Sequence[WriteAction]]()
        self.counts = {"late": 0, "torn": 0, "lost": 0}

    def commit(self, actions: Sequence[WriteAction]) -> None:
        first = actions[0]
        if not (isinstance(first, Write) and isinstance(first.record, StoredSummary)):
            return super().commit(actions)
        match self._chance.randrange(8):
            case 0 | 1:
                self.counts["lost"] += 1
                raise StoreUnavailable("lost", retry_after=1)
            case 2 | 3:
                self.counts["late"] += 1
                self._late.append(actions)
                return None
            case 4:
                self.counts["torn"] += 1
                packed = first.record.packed[: self._chance.randrange(len(first.record.packed))]
                return super().commit([first._replace(record=first.record._replace(packed=packed))])
            case _:
                return super().commit(actions)

    def thaw(self) -> None:
        """Lets some of the stopped writers continue."""
        self._chance.shuffle(self._late)
        for _ in range(len(self._late) // 2):
            try:
                super().commit(self._late.pop())
            except LostRace:
                continue


class Lived:
    """Does at random everything that the service can do to a namespace, and notes what each revision served."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # no secret
        self.table = Fated(self.chance)
        self.world: World = make_world(self.table)
        self.world.set(retention=RetentionSettings(versions=3, deleted_days=2))
        self.active, self.served = dict[str, int](), dict[int, dict[str, int]]()
        self.values = dict[tuple[str, int], str]()
        self.every = dict[int, LogRecord]()
        self.done = dict[str, int]()
        self._note()

    def live(self, steps: int) -> "Lived":
        kinds: tuple[tuple[int, Callable[[], object]], ...] = (
            (60, self._put), (15, self._stage), (15, self._activate), (25, self._delete), (6, self._destroy),
            (3, self._upkeep), (1, self._lift), (1, self._reborn), (4, self.table.thaw), (4, self._late_writer),
        )  # fmt: skip
        weights, does = [weight for weight, _ in kinds], [do for _, do in kinds]
        for _ in range(steps):
            self.world.clock.pass_by(self.chance.choice((-600, 60, 3600, 9000)))
            (do,) = self.chance.choices(does, weights)
            try:
                do()
            except ConfigsvcError:
                continue
            self.done[do.__name__] = self.done.get(do.__name__, 0) + 1
            self._note()
        return self

    def _note(self) -> None:
        head = self.world.head()
        new = (each for each in self.world.log() if each.revision not in self.every)
        for record in new:
            self.every[record.revision] = record
            self.served.setdefault(record.revision, dict(self.active))
        assert head.revision in self.every

    def _key(self) -> str:
        return self.chance.choice(KEYS)

    def _put(self) -> None:
        keys = self.chance.sample(KEYS, self.chance.randint(1, 4))
        operations = [text(key, f"{key} {self.chance.random()}") for key in keys]
        self.world.change(*operations)
        for operation in operations:
            self._gave(operation.key, operation.value, serves=True)

    def _stage(self) -> None:
        operation = text(self._key(), f"staged {self.chance.random()}", activate=False)
        self.world.change(operation)
        self._gave(operation.key, operation.value, serves=False)

    def _gave(self, key: str, value: str, *, serves: bool) -> None:
        number = max(
            each.entry.version
            for each in self.table.query(PARTITION, f"V#{key}#")
            if isinstance(each, records.StoredVersion)
        )
        self.values[key, number] = value
        if serves:
            self.active[key] = number

    def _activate(self) -> None:
        key = self._key()
        stored = [each for each in self.table.query(PARTITION, f"V#{key}#") if isinstance(each, records.StoredVersion)]
        if stored:
            number = self.chance.choice(stored).entry.version
            self.world.change(Activate(names.parse_key(key), number))
            self.active[key] = number

    def _delete(self) -> None:
        key = self._key()
        self.world.change(Delete(names.parse_key(key)))
        del self.active[key]

    def _destroy(self) -> None:
        key = self._key()
        numbers = [number for name, number in self.values if name == key and self.active.get(key) != number]
        if numbers:
            destroy_version(self.world.ports, ADMIN, NS, Key(key), self.chance.choice(numbers), None)

    def _upkeep(self) -> None:
        days = self.chance.choice((None, 3, 8))
        self.world.set(retention=RetentionSettings(versions=3, log_days=days, deleted_days=1))
        self._note()
        cursor: str | None = None
        for _ in range(self.chance.choice((1, 50))):
            answer = run_upkeep(self.world.ports, ADMIN, NS, cursor)
            self._note()
            if answer["done"]:
                return
            cursor = answer["cursor"] if isinstance(answer["cursor"], str) else None

    def _lift(self) -> None:
        head = self.world.head()
        lift_namespace(self.world.ports, ADMIN, NS, head.revision + self.chance.choice((1, 17, 300, 5000)), None)

    def _reborn(self) -> None:
        for key in sorted(self.active):
            self.world.change(Delete(names.parse_key(key)))
            del self.active[key]
            self._note()
        delete_namespace(self.world.ports, ADMIN, NS, None)
        self._note()
        create_namespace(self.world.ports, ADMIN, NS, NamespaceWanted(), None)

    def _late_writer(self) -> None:
        """Runs the writer of a summary that stopped after its transaction, however long ago."""
        ends = [revision for revision in self.every if revision % 16 == 0]
        if ends:
            write_summaries(self.world.ports, PARTITION, self.chance.choice(ends))

    def oldest(self) -> int:
        return self.world.log()[0].revision

    def whole(self, key: str, number: int) -> bool:
        at = records.version(NS, key, number)
        found = self.table.get([at]).get(at)
        return isinstance(found, records.StoredVersion) and not found.destroyed

    def kept(self, key: str, number: int) -> bool:
        at = records.version(NS, key, number)
        return bool(self.table.get([at]))


def fetch_entries(lived: Lived, revision: int) -> dict[str, str] | None:
    try:
        body = fetch_revision(lived.world.ports, READER, NS, revision, None).body
    except Gone:
        return None
    return {entry.key: entry.value for entry in parse(json.loads(body or "")).entries}


def expect_entries(lived: Lived, revision: int) -> dict[str, str] | None:
    active = lived.served[revision]
    served_now = revision >= lived.world.head().served
    if not served_now and (revision < lived.oldest() or not all(lived.whole(*each) for each in active.items())):
        return None
    return {key: lived.values[key, number] for key, number in active.items()}


@pytest.fixture(scope="module", params=[(3, 350), (7, 350), pytest.param((10, 1000), marks=pytest.mark.slow)])
def lived(request: pytest.FixtureRequest) -> Lived:
    seed, steps = request.param
    return Lived(seed).live(steps)


def test_every_kind_of_event_happens(lived: Lived) -> None:
    assert len(lived.done) == 10
    assert min(lived.table.counts.values()) > 1
    assert any(change.op == "purge" for record in lived.every.values() for change in record.changes)


def test_every_revision_is_unchanged_or_gone(lived: Lived) -> None:
    some = lived.chance.sample(sorted(lived.served), 100)
    wrong = [each for each in some if fetch_entries(lived, each) != expect_entries(lived, each)]
    assert wrong == []


def test_upkeep_keeps_versions_the_log_needs_except_of_purged_keys(lived: Lived) -> None:
    purged = {change.key for record in lived.every.values() for change in record.changes if change.op == "purge"}
    served = [
        item for revision, active in lived.served.items() if revision >= lived.oldest() for item in active.items()
    ]
    assert {key for key, number in served if not lived.kept(key, number)} <= purged


def test_a_paged_diff_of_any_two_revisions_matches_the_list(lived: Lived) -> None:
    revisions = sorted(lived.served)
    for _ in range(60):
        start, end = lived.chance.choice(revisions), lived.chance.choice(revisions[-300:])
        limit = lived.chance.randint(1, 5)
        was, now = lived.served[start], lived.served[end]
        expected = [(key, was.get(key), now.get(key)) for key in sorted({*was, *now}) if was.get(key) != now.get(key)]
        try:
            found = list(read_differences(lived, start, end, limit))
        except Gone:
            served = lived.world.head().served
            assert any(each < min(lived.oldest(), served) for each in (start, end)) or not all(
                lived.kept(key, number) for key, *numbers in expected for number in numbers if number
            )
        else:
            assert found == expected


def read_differences(lived: Lived, start: int, end: int, limit: int) -> Iterator[tuple[str, int | None, int | None]]:
    cursor: str | None = None
    while True:
        page = diff_revisions(lived.world.ports, READER, NS, start, end, limit, cursor)
        found = page["differences"]
        assert isinstance(found, list)
        assert len(found) <= limit
        for each in found:
            yield each["key"], *(each[side] and each[side]["version"] for side in ("was", "now"))
        if page["cursor"] is None:
            return
        assert isinstance(page["cursor"], str)
        cursor = page["cursor"]


@pytest.mark.parametrize("newest", [False, True])
def test_every_search_matches_the_list(lived: Lived, *, newest: bool) -> None:
    log = lived.world.log()
    times = sorted(record.at for record in log)
    chance = lived.chance
    for _ in range(25):
        low, high = sorted(chance.sample(range(len(times)), 2))
        wanted = LogWanted(
            since=chance.choice((None, chance.choice(log).revision)),
            key=chance.choice((None, *KEYS, "none")),
            principal=chance.choice((None, None, log[-1].principal, "api-key:nobody")),
            after_time=chance.choice((None, times[low])),
            before_time=chance.choice((None, times[high])),
            newest=newest,
        )
        expected = [record.revision for record in log if is_wanted(record, wanted)]
        found = list(read_pages(lived.world, wanted, chance.choice((1, 2, 7, 100, 1000))))
        assert found == (expected[::-1] if newest else expected), wanted


def is_wanted(record: LogRecord, wanted: LogWanted) -> bool:
    named = {change.key for change in record.changes} | ({record.subject} if record.verb == "destroy" else set())
    return (
        record.revision > (wanted.since or 0)
        and (wanted.key is None or wanted.key in named)
        and wanted.principal in (None, record.principal)
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
