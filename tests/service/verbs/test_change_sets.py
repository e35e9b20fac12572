"""Change sets: all or nothing, at one revision, within the limits of one transaction."""

from collections.abc import Sequence

import pytest

from configsvc.adapters.items import to_item
from configsvc.adapters.memory import MemoryRepository
from configsvc.model import limits, names
from configsvc.model.change_set import Activate, ChangeSet, Delete, Operation, Put
from configsvc.model.errors import Conflict, InvalidRequest, NotFound, PreconditionFailed, TooLarge
from configsvc.model.names import Key
from configsvc.service.engine import records
from configsvc.service.engine.ports import Remove, StampCheck, Write
from configsvc.service.engine.records import Record, RecordAddress, address_of
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.read_keys import get_key
from tests.support.adapters.sizes import count_item_bytes
from tests.support.service.fakes import Commits
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, World, make_retry_key, make_world, sealed, text


@pytest.fixture
def world() -> World:
    return make_world()


def activate(key: str, version: int, if_match: int | None = None) -> Activate:
    return Activate(names.parse_key(key), version, if_match)


def delete(key: str, if_match: int | None = None) -> Delete:
    return Delete(names.parse_key(key), if_match)


def test_all_operations_commit_at_one_revision(world: World) -> None:
    world.put(text("a", "1"))
    world.put(text("a", "2"))
    world.put(text("b"))
    outcome = world.change(activate("a", 1), delete("b"), sealed("c", 1))
    assert (outcome.status, outcome.etag) == (200, '"6"')
    assert outcome.body == {
        "namespace": NS,
        "revision": 6,
        "results": [
            {"key": "a", "op": "activate", "version": 1, "active": 1},
            {"key": "b", "op": "delete", "version": None, "active": None},
            {"key": "c", "op": "put", "version": 1, "active": 1},
        ],
    }
    assert world.log()[-1].changes == (
        ("a", "activate", 1, 2, 1), ("b", "delete", None, 1, None), ("c", "put", 1, None, 1),
    )  # fmt: skip


def test_one_failed_operation_fails_all_and_every_failure_is_named(world: World) -> None:
    world.put(sealed("c", 1))
    before = world.stored()
    with pytest.raises(NotFound) as refused:
        world.change(text("a"), activate("b", 3), sealed("c", 1, ciphertext=b"other"))
    failed = refused.value.members["failed"]
    assert isinstance(failed, list)
    assert [(each["key"], each["code"], each.get("next_version")) for each in failed if isinstance(each, dict)] == [
        ("b", "not_found", None), ("c", "version_claimed", 2),
    ]  # fmt: skip
    assert world.stored() == before


def test_each_failure_has_its_key_code_detail_and_members(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        world.change(activate("b", 3), delete("c"))
    assert refused.value.members["failed"] == [
        {"key": "b", "version": 3, "code": "not_found", "detail": "The key has no such version."},
        {"key": "c", "code": "not_found", "detail": "Nothing is served under that key."},
    ]


def test_a_refusal_for_an_unserved_key_is_proven_in_a_transaction(world: World) -> None:
    world.put(text("a"))
    world.change(delete("a"))
    watched = Commits(world.repository)
    with pytest.raises(NotFound):
        commit_change_set(
            world.ports._replace(repository=watched), DEVELOPER, NS, ChangeSet((activate("a", 9),), "why"), None
        )
    shown = [records.key(NS, "a"), records.unserved_key(NS, "a"), records.version(NS, "a", 9)]
    stamps = [None, 4, None]
    assert watched.commits == [[StampCheck(records.head(NS), 4), *map(StampCheck, shown, stamps)]]


def test_a_refusal_for_an_existing_version_checks_its_stamp(world: World) -> None:
    world.put(text("a"))
    world.change(delete("a"))
    with pytest.raises(PreconditionFailed):
        world.change(activate("a", 1, if_match=3))
    assert StampCheck(records.version(NS, "a", 1), 3) in world.repository.committed


def test_a_refusal_for_a_served_key_takes_no_transaction(world: World) -> None:
    world.put(text("a"))
    world.repository.calls.clear()
    with pytest.raises(NotFound):
        world.change(activate("a", 9))
    assert world.repository.calls == ["get"]


def test_a_key_put_during_the_refusal_of_its_deletion_is_deleted(world: World) -> None:
    world.repository.before_commit.append(lambda: world.put(text("a")))
    assert world.change(delete("a")).status == 200


def test_an_activation_is_conditioned_on_its_version(world: World) -> None:
    world.put(text("a"))
    world.put(text("a"))
    world.change(activate("a", 1))
    assert StampCheck(records.version(NS, "a", 1), 3) in world.repository.committed


class Forgetful(MemoryRepository):
    """A table that once returns a batch without records that came while it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.left_out: list[RecordAddress] = []

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        found = super().get(addresses)
        left_out, self.left_out = self.left_out, []
        return {at: record for at, record in found.items() if at not in left_out}


@pytest.mark.parametrize("missing", [records.settings(NS), records.data_key(NS, kid())], ids=["settings", "data key"])
def test_a_batch_that_misses_records_of_its_head_is_read_again(missing: RecordAddress) -> None:
    table = Forgetful()
    world = make_world(table)
    table.left_out = [missing]
    world.repository.calls.clear()
    assert world.put(sealed("a", 1)).status == 201
    assert world.repository.calls == ["get", "get", "commit"]


def test_a_staged_version_is_served_once_activated(world: World) -> None:
    world.put(text("a", "1"))
    world.put(text("a", "2", activate=False))
    world.change(activate("a", 2))
    assert get_key(world.ports, READER, NS, Key("a"))[0]["value"] == "2"


def test_activate_brings_a_deleted_key_back(world: World) -> None:
    world.put(text("a", "1"))
    world.change(delete("a"))
    with pytest.raises(NotFound) as absent:
        get_key(world.ports, READER, NS, Key("a"))
    assert absent.value.members["next_version"] == 2
    world.change(activate("a", 1))
    assert get_key(world.ports, READER, NS, Key("a"))[0]["value"] == "1"


def test_a_deleted_key_keeps_counting_its_versions(world: World) -> None:
    world.put(text("a"))
    world.change(delete("a"))
    assert world.put(text("a")).body["version"] == 2


@pytest.mark.parametrize("operation", [delete("never"), activate("never", 1)])
def test_a_key_that_never_existed_cannot_be_deleted_or_activated(world: World, operation: Delete | Activate) -> None:
    with pytest.raises(NotFound):
        world.change(operation)


def test_deleting_an_unserved_key_is_refused(world: World) -> None:
    world.put(text("a", activate=False))
    with pytest.raises(NotFound):
        world.change(delete("a"))


def test_each_operation_may_have_its_own_precondition(world: World) -> None:
    world.put(text("a"))
    world.put(text("b"))
    with pytest.raises(PreconditionFailed):
        world.change(delete("a", if_match=3), delete("b", if_match=3))
    assert world.change(delete("a", if_match=3), delete("b", if_match=4)).status == 200


def test_a_change_set_may_have_a_namespace_precondition(world: World) -> None:
    world.put(text("a"))
    with pytest.raises(PreconditionFailed) as failed:
        world.change(text("a"), if_match=2)
    assert failed.value.members["revision"] == 3
    assert world.change(text("a"), if_match=3).body["revision"] == 4


def test_the_largest_change_set_takes_at_most_100_actions_per_transaction() -> None:
    world = make_world()
    for number in range(1, 10):
        add_data_key(world.ports, ADMIN, NS, data_key(number), None)
    world.clock.pass_by(11)
    world.repository.calls.clear()
    world.change(*(sealed(f"k{number}", 1, number=number % 10) for number in range(limits.OPERATIONS)))
    assert world.repository.calls == ["get", "commit", "commit"]
    assert len(world.repository.committed) == 40 * 2 + 10 + 3


def test_more_data_keys_than_a_transaction_can_check_are_refused(world: World) -> None:
    with pytest.raises(TooLarge) as refused:
        world.change(*(sealed(f"k{number}", 1, number=number) for number in range(limits.CHANGE_SET_KIDS + 1)))
    assert refused.value.members == {"limit": limits.CHANGE_SET_KIDS}


def test_a_key_may_occur_only_once_in_a_change_set(world: World) -> None:
    with pytest.raises(InvalidRequest):
        world.change(text("a"), delete("a"))


def test_a_change_set_takes_at_most_1_mib_of_values(world: World) -> None:
    world.set(snapshot_bytes=2 * limits.MIB)
    whole = [text(f"k{number}", "x" * limits.STORED_VALUE) for number in range(4)]
    world.change(*whole)
    with pytest.raises(TooLarge):
        world.change(*whole, text("more", "x"))


def test_activated_values_count_towards_the_bytes_of_a_change_set(world: World) -> None:
    world.set(snapshot_bytes=2 * limits.MIB)
    world.change(*(text(f"k{number}", "x" * limits.STORED_VALUE, activate=False) for number in range(4)))
    with pytest.raises(TooLarge):
        world.change(*(activate(f"k{number}", 1) for number in range(4)), text("more", "x"))


def serve_large_values(world: World) -> list[Put]:
    """Makes 16 keys that serve 255 KiB each; the puts that it returns fit into a change set."""
    world.set(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    for number in range(16):
        world.put(text(f"k{number}", "x" * 255 * limits.KIB))
    return [text(f"k{number}", "y" * 60 * limits.KIB, activate=False) for number in range(16)]


def test_served_values_count_towards_the_size_of_a_transaction(world: World) -> None:
    staged = serve_large_values(world)
    before = world.stored()
    with pytest.raises(TooLarge, match="Split") as refused:
        world.change(*staged)
    size = 16 * (255 + 60) * limits.KIB
    assert refused.value.members == {"limit": limits.TRANSACTION_VALUES, "size": size}
    assert world.stored() == before
    assert world.change(*staged[:8]).status == world.change(*staged[8:]).status == 200


def test_the_snapshot_limit_is_reported_before_the_transaction_limit(world: World) -> None:
    staged = [put._replace(value="y") for put in serve_large_values(world)]
    before = world.stored()
    with pytest.raises(TooLarge, match="split the namespace") as refused:
        world.change(*staged, text("more", "x" * 64 * limits.KIB))
    assert refused.value.members["limit"] == limits.SNAPSHOT_BYTES_MOST
    assert world.stored() == before


def test_all_records_behind_a_refusal_are_checked_at_one_revision(world: World) -> None:
    staged = serve_large_values(world)
    watched = Commits(world.repository)
    with pytest.raises(TooLarge):
        commit_change_set(world.ports._replace(repository=watched), DEVELOPER, NS, ChangeSet(tuple(staged)), None)
    head = StampCheck(records.head(NS), world.head().revision)
    checked = [action for commit in watched.commits for action in commit if isinstance(action, StampCheck)]
    assert len(checked) == sum(map(len, watched.commits))
    assert [head in commit for commit in watched.commits] == [True] * len(watched.commits)
    assert len(watched.commits) > 1
    once = [action.address for action in checked if action != head]
    assert {records.settings(NS), *(records.key(NS, put.key) for put in staged)} < set(once)
    assert len(once) == len(set(once))


def test_a_write_during_the_checks_of_a_refusal_repeats_the_decision(world: World) -> None:
    staged = serve_large_values(world)
    smaller = [text(f"k{number}", "x") for number in range(16)]
    world.repository.before_commit.extend([do_nothing, lambda: world.change(*smaller)])
    assert world.change(*staged).status == 200


def do_nothing() -> None:
    return


def test_a_torn_read_refuses_no_change_set_for_its_size(world: World) -> None:
    staged = serve_large_values(world)
    smaller = [text(f"k{number}", "x") for number in range(16)]
    world.repository.before_commit.append(lambda: world.change(*smaller))
    assert world.change(*staged).status == 200


def test_a_transaction_has_room_for_everything_besides_values(world: World) -> None:
    longest = [f"{number:02}".ljust(255, "k") for number in range(limits.OPERATIONS)]
    for number in range(1, limits.LIVE_DATA_KEYS):
        add_data_key(world.ports, ADMIN, NS, data_key(number), None)
    world.set(description="\U0001f511" * limits.DESCRIPTION)
    puts = tuple(sealed(key, 1, number=at % limits.CHANGE_SET_KIDS) for at, key in enumerate(longest))
    who = DEVELOPER._replace(arn="a" * 2048, user_agent="u" * 256, correlation_id="c" * 128)
    why = "\U0001f511" * limits.MESSAGE
    commit_change_set(world.ports, who, NS, ChangeSet(puts, why), make_retry_key("i" * limits.IDEMPOTENCY_KEY))
    touched = world.repository.get(
        [each.address if isinstance(each, StampCheck) else address_of(each.record) for each in list_committed(world)]
    )
    size = sum(count_item_bytes(to_item(record)) for record in touched.values())
    values = 2 * sum(len(put.value) for put in puts)
    assert size - values + limits.SCHEMAS_BYTES < limits.TRANSACTION_BYTES - limits.TRANSACTION_VALUES


def list_committed(world: World) -> list[Write | StampCheck]:
    return [each for each in world.repository.committed if not isinstance(each, Remove)]


def test_every_envelope_counts_as_a_seal_and_served_ones_as_served(world: World) -> None:
    world.change(sealed("a", 1), sealed("b", 1)._replace(activate=False))
    world.put(sealed("a", 2))
    count = world.head().kids[kid()]
    assert (count.seals, count.served) == (3, 1)
    world.change(delete("a"), activate("b", 1))
    assert world.head().kids[kid()] == count
    world.change(delete("b"))
    assert world.head().kids[kid()].served == 0


def test_a_data_key_seals_at_most_2_to_the_20_values(world: World) -> None:
    set_seals(world, limits.SEALS_PER_DATA_KEY - 1)
    with pytest.raises(Conflict, match="Rotate"):
        world.change(sealed("a", 1), sealed("b", 1))
    world.put(sealed("a", 1))
    with pytest.raises(Conflict, match="Rotate"):
        world.put(sealed("a", 2))
    world.put(text("b"))


def set_seals(world: World, seals: int) -> None:
    head = world.head()
    kids = {kid(): head.kids[kid()]._replace(seals=seals)}
    world.repository.commit([Write(head._replace(kids=kids, revision=head.revision + 1), head.revision)])


def test_a_message_above_its_limit_is_refused(world: World) -> None:
    operation = Put(names.parse_key("a"), "plain", "text/plain", "")
    with pytest.raises(InvalidRequest):
        commit_change_set(world.ports, DEVELOPER, NS, ChangeSet((operation,), "x" * (limits.MESSAGE + 1)), None)


EDGES = pytest.mark.parametrize(("more", "taken"), [(0, True), (1, False)], ids=["at the limit", "a byte above"])


def measure_refusal(world: World, *operations: Operation) -> dict[str, object]:
    """Returns the limit and size that a refusal names; nothing if the change set is accepted."""
    try:
        world.change(*operations)
    except TooLarge as error:
        return {**error.members}
    return {}


@EDGES
def test_activated_values_may_reach_the_byte_limit_of_a_change_set(world: World, more: int, *, taken: bool) -> None:
    world.set(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    for number, less in enumerate((0, 0, 0, 2 - more)):
        world.put(text(f"k{number}", "x" * (limits.STORED_VALUE - less), activate=False))
    wanted: list[Operation] = [*(activate(f"k{number}", 1) for number in range(4)), text("last", "\u00e9")]
    limit = limits.CHANGE_SET_BYTES
    assert measure_refusal(world, *wanted) == ({} if taken else {"limit": limit, "size": limit + 1})


@EDGES
def test_served_values_may_reach_the_byte_limit_of_a_transaction(world: World, more: int, *, taken: bool) -> None:
    """Activated and deleted values count together with staged ones and those that stay."""
    world.set(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    most, limit = limits.STORED_VALUE, limits.TRANSACTION_VALUES
    whole = (limit - 6) // most
    for number, size in enumerate([*[most] * whole, limit - 6 - whole * most + more]):
        world.put(text(f"k{number}", "x" * size))
    world.put(text("chosen", "zz", activate=False))
    staged = [text(f"k{number}", "y", activate=False) for number in range(2)]
    deleted = [Delete(names.parse_key(f"k{number}")) for number in range(2, whole + 1)]
    assert measure_refusal(world, *staged, *deleted, activate("chosen", 1)) == (
        {} if taken else {"limit": limit, "size": limit + 1}
    )
