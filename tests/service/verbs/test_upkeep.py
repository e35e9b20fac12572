"""Upkeep removes what retention no longer keeps, and nothing that anyone can still ask for."""

from itertools import pairwise

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import Contended, Forbidden, Gone, InvalidRequest, NotFound
from configsvc.service.engine import records, retention
from configsvc.service.engine.ports import Remove
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.history import fetch_revision
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.upkeep import run_upkeep
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, STRANGER, World, make_world, text

DAY = 24 * 3600.0


@pytest.fixture
def world() -> World:
    return make_world()


def write_daily(world: World, number: int, key: str = "a") -> None:
    """Writes one new version each day."""
    for _ in range(number):
        world.clock.pass_by(DAY)
        world.put(text(key))


def list_stored(world: World, key: str = "a") -> list[int]:
    found = world.repository.query(records.of_namespace(NS), f"V#{key}#")
    return [int(records.address_of(each).sk.rpartition("#")[2]) for each in found]


def list_logged(world: World) -> list[int]:
    return [each.revision for each in world.log()]


def test_everything_is_kept_by_default(world: World) -> None:
    write_daily(world, 5)
    before = world.stored()
    assert run_upkeep(world.ports, ADMIN, NS) == {
        "namespace": NS, "log_pruned": 0, "keys_purged": 0, "versions_pruned": 0, "oldest_revision": 1, "done": True,
        "cursor": None,
    }  # fmt: skip
    assert world.stored() == before


def test_versions_that_the_log_needs_are_kept(world: World) -> None:
    write_daily(world, 5)
    world.set(retention=RetentionSettings(versions=1))
    assert run_upkeep(world.ports, ADMIN, NS)["versions_pruned"] == 0
    assert list_stored(world) == [1, 2, 3, 4, 5]


def test_pruning_the_log_frees_the_versions_it_needed(world: World) -> None:
    write_daily(world, 10)
    world.set(retention=RetentionSettings(versions=2, log_days=3))
    world.clock.pass_by(DAY / 2)
    revision = world.head()
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert (answer["log_pruned"], answer["oldest_revision"], answer["done"]) == (9, 10, True)
    assert list_logged(world) == [10, 11, 12, 13]
    assert list_stored(world) == [8, 9, 10]
    assert answer["versions_pruned"] == 7
    assert world.head() == revision


def test_large_versions_are_removed_in_transactions_that_fit(world: World) -> None:
    for _ in range(20):
        world.put(text("a", "x" * limits.STORED_VALUE))
    world.clock.pass_by(9 * DAY)
    world.set(retention=RetentionSettings(versions=1, log_days=1))
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert (answer["versions_pruned"], answer["done"], list_stored(world)) == (19, True, [20])


def test_the_newest_versions_are_kept_even_if_never_served(world: World) -> None:
    world.put(text("a"))
    for _ in range(6):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=3))
    run_upkeep(world.ports, ADMIN, NS)
    assert list_stored(world) == [1, 5, 6, 7]


def test_the_active_version_stays_however_old(world: World) -> None:
    world.put(text("a"))
    for _ in range(5):
        world.put(text("a", activate=False))
    world.clock.pass_by(100 * DAY)
    world.set(retention=RetentionSettings(versions=1, log_days=1))
    run_upkeep(world.ports, ADMIN, NS)
    assert list_stored(world) == [1, 6]
    assert world.fetch().status == 200
    assert run_upkeep(world.ports, ADMIN, NS)["done"] is True


def test_only_the_newest_versions_of_an_unserved_key_stay(world: World) -> None:
    write_daily(world, 5)
    world.change(Delete(names.parse_key("a")))
    world.clock.pass_by(9 * DAY)
    world.set(retention=RetentionSettings(versions=2, log_days=1))
    run_upkeep(world.ports, ADMIN, NS)
    assert list_stored(world) == [4, 5]
    world.change(Activate(names.parse_key("a"), 5))


def test_the_record_of_the_newest_revision_stays(world: World) -> None:
    write_daily(world, 3)
    world.set(retention=RetentionSettings(log_days=1))
    world.clock.pass_by(100 * DAY)
    run_upkeep(world.ports, ADMIN, NS)
    assert list_logged(world) == [world.head().revision]
    assert list_stored(world) == [1, 2, 3]


def test_pruned_revisions_are_gone_and_the_rest_is_served(world: World) -> None:
    write_daily(world, 10)
    expected = {revision: fetch_revision(world.ports, READER, NS, revision, None) for revision in range(1, 13)}
    world.set(retention=RetentionSettings(versions=1, log_days=3))
    world.clock.pass_by(DAY / 2)
    run_upkeep(world.ports, ADMIN, NS)
    for revision, fetched in expected.items():
        if revision >= 10:
            assert fetch_revision(world.ports, READER, NS, revision, None).body == fetched.body
            continue
        with pytest.raises(Gone) as gone:
            fetch_revision(world.ports, READER, NS, revision, None)
        assert gone.value.members["oldest"] == 10


def test_a_lift_is_no_gap_in_the_log(world: World) -> None:
    write_daily(world, 3)
    lift_namespace(world.ports, ADMIN, NS, 100, None)
    for _ in range(4):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=1))
    assert run_upkeep(world.ports, ADMIN, NS)["versions_pruned"] == 3
    assert list_stored(world) == [1, 2, 3, 104]


def test_a_version_activated_during_upkeep_stays(world: World) -> None:
    world.put(text("a"))
    for _ in range(4):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=1))
    world.repository.before_commit.append(lambda: world.change(Activate(names.parse_key("a"), 3)))
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert (answer["versions_pruned"], answer["done"], answer["cursor"]) == (0, False, None)
    assert world.fetch().status == 200
    assert run_upkeep(world.ports, ADMIN, NS)["versions_pruned"] == 2
    assert list_stored(world) == [1, 3, 5]


def test_retention_widened_during_upkeep_applies(world: World) -> None:
    write_daily(world, 5)
    world.set(retention=RetentionSettings(versions=1, log_days=1))
    world.clock.pass_by(100 * DAY)
    world.repository.before_commit.append(lambda: world.set(retention=RetentionSettings()))
    before = list_logged(world)
    assert run_upkeep(world.ports, ADMIN, NS)["log_pruned"] == 0
    assert list_logged(world)[:-1] == before


def test_a_version_served_briefly_during_upkeep_stays(world: World) -> None:
    """The log is read, then a version comes and goes, then the key is read."""
    for _ in range(3):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=1))
    come_and_go = (Activate(names.parse_key("a"), 1), Activate(names.parse_key("a"), 3))
    world.repository.before_query.extend([lambda: None, lambda: [world.change(each) for each in come_and_go]])
    answer = run_upkeep(world.ports, ADMIN, NS)
    assert (answer["versions_pruned"], answer["done"]) == (0, False)
    assert fetch_revision(world.ports, READER, NS, world.head().revision - 1, None).status == 200


def test_fewer_versions_than_are_kept_stay(world: World) -> None:
    for _ in range(4):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=6))
    assert run_upkeep(world.ports, ADMIN, NS)["versions_pruned"] == 0


def test_the_retention_at_the_commit_decides_which_versions_stay(world: World) -> None:
    for _ in range(4):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=1))
    world.repository.before_commit.append(lambda: world.set(retention=RetentionSettings(versions=3)))
    assert run_upkeep(world.ports, ADMIN, NS)["done"] is False
    assert list_stored(world) == [1, 2, 3, 4]


def test_upkeep_removes_no_version_if_the_log_has_a_gap(world: World) -> None:
    for _ in range(4):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=1))
    world.repository.commit([Remove(records.log(records.of_namespace(NS), 4), 4)])
    with pytest.raises(Contended):
        run_upkeep(world.ports, ADMIN, NS)
    assert list_stored(world) == [1, 2, 3, 4]


def test_one_call_removes_a_limited_number_and_the_next_continues(world: World) -> None:
    for key in ("a", "b"):
        for _ in range(limits.UPKEEP_VERSIONS // 2 + 20):
            world.put(text(key, activate=False))
    world.set(retention=RetentionSettings(versions=1))
    first = run_upkeep(world.ports, ADMIN, NS)
    assert (first["versions_pruned"], first["done"]) == (limits.UPKEEP_VERSIONS, False)
    assert isinstance(first["cursor"], str)
    second = run_upkeep(world.ports, ADMIN, NS, first["cursor"])
    assert (second["versions_pruned"], second["done"], second["cursor"]) == (38, True, None)
    assert (len(list_stored(world, "a")), len(list_stored(world, "b"))) == (1, 1)


def test_the_log_is_pruned_first_and_oldest_first(world: World) -> None:
    for _ in range(limits.UPKEEP_LOG + 50):
        world.put(text("a"))
    world.clock.pass_by(100 * DAY)
    world.set(retention=RetentionSettings(versions=1, log_days=1))
    first = run_upkeep(world.ports, ADMIN, NS)
    assert (first["log_pruned"], first["versions_pruned"], first["done"]) == (limits.UPKEEP_LOG, 0, False)
    assert all(after == before + 1 for before, after in pairwise(list_logged(world)))
    answers = [run_upkeep(world.ports, ADMIN, NS)]
    while not answers[-1]["done"]:
        cursor = answers[-1]["cursor"]
        answers.append(run_upkeep(world.ports, ADMIN, NS, str(cursor) if cursor else None))
    assert list_stored(world) == [limits.UPKEEP_LOG + 50]
    assert len(list_logged(world)) == 1


def test_many_kept_versions_do_not_block_upkeep(world: World) -> None:
    for number in range(3):
        for _ in range(limits.UPKEEP_LOOKED // 2 - 1):
            world.put(text(f"k{number}", activate=False))
    world.set(retention=RetentionSettings(versions=limits.RETENTION_VERSIONS))
    first = run_upkeep(world.ports, ADMIN, NS)
    assert first["done"] is False
    assert run_upkeep(world.ports, ADMIN, NS, str(first["cursor"]))["done"] is True


def test_no_transaction_has_more_than_a_hundred_actions(world: World) -> None:
    for _ in range(300):
        world.put(text("a", activate=False))
    world.set(retention=RetentionSettings(versions=1))
    assert run_upkeep(world.ports, ADMIN, NS)["versions_pruned"] == 299


def test_only_an_admin_runs_upkeep(world: World) -> None:
    for caller, refusal in ((DEVELOPER, Forbidden), (STRANGER, NotFound)):
        with pytest.raises(refusal):
            run_upkeep(world.ports, caller, NS)


def test_an_invalid_upkeep_cursor_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest):
        run_upkeep(world.ports, ADMIN, NS, "!")


def test_a_time_in_the_log_is_parsed_as_written(world: World) -> None:
    now = world.clock.now()
    assert retention.parse_seconds(now.text) == now.seconds // 1
