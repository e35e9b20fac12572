"""Lost races and lost answers: no write is lost or done twice, and no caller waits for ever."""

from collections.abc import Callable, Sequence

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model import names
from configsvc.model.change_set import Activate, ChangeSet
from configsvc.model.errors import Conflict, Contended, PreconditionFailed, Unavailable, VersionClaimed
from configsvc.service.engine import records
from configsvc.service.engine.ports import LostRace, StampCheck, StoreUnavailable, Write, WriteAction
from configsvc.service.engine.records import Record, RecordAddress
from configsvc.service.engine.writing import retry_lost_races
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from tests.support.service.fakes import Commits
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, DEVELOPER, NS, ROLES, World, make_retry_key, make_world, sealed, text


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_lost_race_is_decided_again_and_commits(world: World) -> None:
    world.repository.before_commit.append(lambda: ignore(world.put(text("a", "theirs"))))
    assert world.put(text("a", "ours")).body == {
        "namespace": NS, "key": "a", "version": 2, "revision": 4, "active": 2,
    }  # fmt: skip
    assert [each.changes[0].version for each in world.log()[-2:]] == [1, 2]


def test_a_lost_race_is_412_only_if_the_precondition_fails(world: World) -> None:
    world.put(text("a"))
    world.repository.before_commit.append(lambda: ignore(world.put(text("other"))))
    assert world.put(text("a", if_match=3)).body["revision"] == 5
    world.repository.before_commit.append(lambda: ignore(world.put(text("a"))))
    with pytest.raises(PreconditionFailed) as failed:
        world.put(text("a", if_match=5))
    assert failed.value.members["revision"] == 6


def test_a_lost_race_for_a_version_names_the_next(world: World) -> None:
    world.repository.before_commit.append(lambda: ignore(world.put(sealed("a", 1, ciphertext=b"theirs"))))
    with pytest.raises(VersionClaimed) as claimed:
        world.put(sealed("a", 1))
    assert claimed.value.members["next_version"] == 2


def test_races_lost_until_the_deadline_end_in_429_with_retry_after(world: World) -> None:
    world.ports = world.ports.within(8.0)
    world.repository.before_commit.extend([lambda: bump(world)] * 3000)
    with pytest.raises(Contended) as busy:
        world.put(text("a"))
    assert (busy.value.status, busy.value.code, busy.value.members) == (429, "contended", {"retry_after": 1})
    assert busy.value.detail == "Too many concurrent writes to this namespace. Try again."
    assert 6.9 < sum(world.clock.slept) <= 7.4


def test_pauses_have_full_jitter_and_get_shorter_with_age(world: World) -> None:
    world.repository.before_commit.extend([lambda: bump(world)] * 7)
    world.put(text("a"))
    assert world.clock.slept[:3] == pytest.approx([0.025, 0.148125, 0.137016], rel=1e-3)
    assert world.clock.slept[1:] == sorted(world.clock.slept[1:], reverse=True)


def test_a_refusal_after_lost_races_names_the_grants(world: World) -> None:
    world.ports = world.ports.within(1.0)
    world.repository.before_commit.extend([lose_race] * 3000)
    with pytest.raises(Contended) as busy:
        set_grants(world.ports, ADMIN, ROLES + "Developer", (), None)
    assert busy.value.detail == "Too many concurrent writes to the grants. Try again."


def test_a_limited_number_of_attempts_is_observed(world: World) -> None:
    tries = list[int]()

    def attempt() -> None:
        tries.append(1)
        lose_race()

    with pytest.raises(Contended):
        retry_lost_races(world.ports, NS, attempt, 3)
    assert len(tries) == 3


def lose_race() -> None:
    raise LostRace


def bump(world: World) -> None:
    """Writes to HEAD behind the loop's back."""
    head = world.head()
    world.repository._inner.commit([Write(head._replace(revision=head.revision + 1), head.revision)])  # noqa: SLF001


def test_a_lost_answer_is_given_again_for_the_idempotency_key(world: World) -> None:
    world.repository.lose_answer = True
    with pytest.raises(Unavailable):
        world.put(text("a"), make_retry_key("k1"))
    assert world.put(text("a"), make_retry_key("k1")).body["version"] == 1
    assert world.head().revision == 3


def test_an_envelope_whose_answer_was_lost_needs_no_idempotency_key(world: World) -> None:
    world.repository.lose_answer = True
    with pytest.raises(Unavailable):
        world.put(sealed("a", 1))
    assert world.put(sealed("a", 1)).body["version"] == 1
    assert world.head().revision == 3


def test_a_put_is_conditioned_on_every_record_it_read(world: World) -> None:
    world.put(sealed("a", 1))
    world.put(sealed("a", 2), make_retry_key("k1"))
    expected = {get_address(action): action.expected for action in world.repository.committed}
    assert expected == {
        records.head(NS): 3,
        records.settings(NS): 1,
        records.data_key(NS, kid()): 2,
        records.key(NS, "a"): 3,
        records.version(NS, "a", 2): None,
        records.log(records.of_namespace(NS), 4): None,
        next(at for at in expected if at.sk.startswith("I#")): None,
    }


def get_address(action: WriteAction) -> RecordAddress:
    return records.address_of(action.record) if isinstance(action, Write) else action.address


def test_repeated_writes_change_nothing_and_are_not_remembered(world: World) -> None:
    world.repository.calls.clear()
    add_data_key(world.ports, ADMIN, NS, data_key(), make_retry_key("k1"))
    assert "commit" not in world.repository.calls
    create_namespace(world.ports, ADMIN, NS, NamespaceWanted(), make_retry_key("k2"))
    assert world.repository.committed == [StampCheck(records.head(NS), 2), StampCheck(records.settings(NS), 1)]


def test_no_first_answer_is_looked_up_after_the_store_failed(world: World) -> None:
    world.set(snapshot_bytes=90)
    world.repository.before_commit.append(fail)
    world.repository.calls.clear()
    with pytest.raises(StoreUnavailable):
        world.put(text("a", "x" * 100), make_retry_key("k1"))
    assert world.repository.calls == ["get"]


def fail() -> None:
    raise StoreUnavailable("It is away.", retry_after=1)


@pytest.mark.parametrize(("data_keys", "commits"), [(7, [100]), (8, [1 + 30, 101 - 30])])
def test_checks_that_do_not_fit_are_committed_first_at_that_revision(
    world: World, data_keys: int, commits: list[int]
) -> None:
    """30 new keys, each with its version and a check besides; HEAD, settings, the log, and the data keys."""
    for number in range(1, data_keys):
        add_data_key(world.ports, ADMIN, NS, data_key(number), None)
    world.clock.pass_by(11)
    watched = Commits(world.repository)
    puts = [sealed(f"k{number}", 1, number=number % data_keys) for number in range(30)]
    commit_change_set(world.ports._replace(repository=watched), DEVELOPER, NS, ChangeSet(tuple(puts)), None)
    assert [len(each) for each in watched.commits] == commits
    assert all(records.head(NS) in map(get_address, each) for each in watched.commits)


def test_only_the_write_of_each_sixteenth_revision_writes_a_summary(world: World) -> None:
    for _ in range(3, 16):
        world.put(text("a"))
    assert not [sk for sk in world.stored() if sk.startswith("S#")]
    world.put(text("a"))
    assert [sk for sk in world.stored() if sk.startswith("S#")] == ["S#1#000000000016"]
    world.repository.calls.clear()
    world.set()
    assert world.repository.calls == ["get", "commit"]


class Torn(MemoryRepository):
    """A batch whose first records are older than its last: the key is read before a write, HEAD after it."""

    def __init__(self) -> None:
        super().__init__()
        self.old: dict[RecordAddress, Record] = {}

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        found = super().get(addresses)
        torn = {at: self.old[at] for at in addresses if at in self.old}
        self.old = {}
        return found | torn


def test_a_torn_batch_with_a_current_head_loses_no_update() -> None:
    table = Torn()
    world = make_world(table)
    world.put(text("a", "1"))
    at = records.key(NS, "a")
    old = table.get([at])
    world.put(text("a", "2"))
    table.old = old
    assert world.put(text("a", "3")).body["version"] == 3


def test_a_version_younger_than_the_head_read_is_read_again() -> None:
    table = Torn()
    world = make_world(table)
    old = table.get([records.head(NS)])
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    world.put(sealed("a", 1, number=1)._replace(activate=False))
    table.old = old
    assert world.change(Activate(names.parse_key("a"), 1)).status == 200


class Beheaded(Torn):
    """A table that always returns old records, or omits them."""

    def __init__(self) -> None:
        super().__init__()
        self.without: RecordAddress | None = None

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        found = MemoryRepository.get(self, addresses) | {at: self.old[at] for at in addresses if at in self.old}
        return {at: record for at, record in found.items() if at != self.without}


def find_lost_addresses(asked: Callable[[], object]) -> tuple[RecordAddress, ...]:
    with pytest.raises(Contended) as busy:
        asked()
    race = busy.value.__context__
    assert isinstance(race, LostRace)
    return race.addresses


def test_a_lost_race_names_the_records_that_do_not_fit_together() -> None:
    table = Beheaded()
    world = make_world(table)
    world.ports = world.ports.within(1.0)
    old = table.get([records.head(NS)])
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    world.put(sealed("a", 1, number=1)._replace(activate=False))
    table.old = old
    assert find_lost_addresses(lambda: world.change(Activate(names.parse_key("a"), 1))) == (
        records.head(NS), records.version(NS, "a", 1),
    )  # fmt: skip
    table.old, table.without = {}, records.settings(NS)
    assert find_lost_addresses(lambda: world.put(text("b"))) == (records.head(NS), records.settings(NS))


def test_a_settings_change_before_the_commit_is_noticed(world: World) -> None:
    world.repository.before_commit.append(lambda: ignore(world.set(read_only=True)))
    with pytest.raises(Conflict):
        world.put(text("a"))


def ignore(_outcome: object) -> None:
    return
