"""Whatever is written and whenever upkeep runs, every revision in the log is served as a plain model has it."""

from contextlib import suppress
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from configsvc.adapters.memory import MemoryRepository
from configsvc.model.errors import Unavailable
from configsvc.service.engine import records
from configsvc.service.engine.records import Head, KeyState, RetentionSettings, StoredVersion
from configsvc.service.verbs.lift import compare_heads, rebuild_head
from configsvc.service.verbs.upkeep import run_upkeep
from tests.service.engine.test_history_properties import fetch_entries, model_entries
from tests.support.service.histories import ModelledWorld, Step, histories
from tests.support.service.world import ADMIN, NS

DAY = 24 * 3600.0

moments = st.lists(st.integers(0, 13), max_size=4)
retentions = st.builds(RetentionSettings, st.none() | st.integers(1, 3), st.none() | st.integers(1, 4), st.none())


def retain(model: ModelledWorld, retention: RetentionSettings) -> None:
    """Sets the retention, which is a revision unless it is unchanged."""
    before = model.world.head().revision
    model.world.set(retention=retention)
    model.revisions.extend(model.revisions[-1:] * (model.world.head().revision - before))


def write(model: ModelledWorld, history: list[list[Step]], pruned_at: list[int]) -> None:
    """Writes a change set a day, and runs upkeep after some of them."""
    for number, change_set in enumerate(history):
        model.world.clock.pass_by(DAY)
        model.write([change_set])
        if number in pruned_at:
            run_upkeep(model.world.ports, ADMIN, NS)


def check(model: ModelledWorld) -> None:
    world = model.world
    found = [each for each in world.repository.query(records.of_namespace(NS), "") if not isinstance(each, Head)]
    oldest = world.log()[0].revision
    head = world.head()
    for revision in range(1, model.revision + 1):
        gone = revision < min(oldest, head.served)
        assert fetch_entries(model, revision) == (None if gone else model_entries(model, revision))
    kept = {(each.entry.key, each.entry.version) for each in found if isinstance(each, StoredVersion)}
    served = {(each.key, each.active) for each in found if isinstance(each, KeyState) and each.active}
    assert served <= kept
    assert compare_heads(head, rebuild_head(head, found)) == ()


@settings(max_examples=150)
@given(histories, retentions, moments)
def test_every_revision_in_the_log_is_served_after_upkeep(
    history: list[list[Step]], retention: RetentionSettings, pruned_at: list[int]
) -> None:
    model = ModelledWorld()
    retain(model, retention)
    write(model, history, pruned_at)
    check(model)


@given(histories, retentions)
def test_upkeep_is_idempotent_and_moves_no_revision(history: list[list[Step]], retention: RetentionSettings) -> None:
    model = ModelledWorld()
    write(model, history, [])
    retain(model, retention)
    model.world.clock.pass_by(2 * DAY)
    head = model.world.head()
    assert run_upkeep(model.world.ports, ADMIN, NS)["done"] is True
    after = model.world.stored()
    again = run_upkeep(model.world.ports, ADMIN, NS)
    assert (again["log_pruned"], again["versions_pruned"]) == (0, 0)
    assert (model.world.stored(), model.world.head()) == (after, head)


@given(histories, retentions)
def test_upkeep_leaves_only_versions_that_retention_or_log_need(
    history: list[list[Step]], retention: RetentionSettings
) -> None:
    model = ModelledWorld()
    write(model, history, [])
    retain(model, retention)
    model.world.clock.pass_by(2 * DAY)
    run_upkeep(model.world.ports, ADMIN, NS)
    if retention.versions is None:
        return
    oldest = model.world.log()[0].revision
    needed = {item for active in model.revisions[oldest:] for item in active.items()}
    for key in {name for name, _ in model.values}:
        newest = sorted((version for name, version in model.values if name == key), reverse=True)
        found = model.world.repository.query(records.of_namespace(NS), f"V#{key}#")
        left = {each.entry.version for each in found if isinstance(each, StoredVersion)}
        assert left == {*newest[: retention.versions], *(version for name, version in needed if name == key)}


@settings(max_examples=200)
@given(histories, histories, retentions, st.data())
def test_writes_during_upkeep_take_nothing_from_the_log(
    history: list[list[Step]], interruptions: list[list[Step]], retention: RetentionSettings, data: st.DataObject
) -> None:
    pending = iter(interruptions)
    gaps = set(data.draw(st.lists(st.integers(0, 60), max_size=6)))
    passed, running = count(), False

    def between() -> None:
        nonlocal running
        if running and next(passed) in gaps:
            running = False
            model.write([change_set for change_set in [next(pending, None)] if change_set])
            running = True

    model = ModelledWorld(MemoryRepository(between))
    write(model, history, [])
    retain(model, retention)
    model.world.clock.pass_by(2 * DAY)
    running = True
    with suppress(Unavailable):
        run_upkeep(model.world.ports, ADMIN, NS)
    running = False
    check(model)


@given(histories, st.data())
def test_upkeep_killed_between_two_transactions_leaves_consistent_records(
    history: list[list[Step]], data: st.DataObject
) -> None:
    model = ModelledWorld()
    write(model, history, [])
    retain(model, RetentionSettings(1, 1))
    model.world.clock.pass_by(2 * DAY)

    def die() -> None:
        raise Killed

    model.world.repository.before_commit.extend([lambda: None] * data.draw(st.integers(0, 4)) + [die])
    with suppress(Killed):
        run_upkeep(model.world.ports, ADMIN, NS)
    model.world.repository.before_commit.clear()
    check(model)


class Killed(Exception):
    """The process is gone."""
