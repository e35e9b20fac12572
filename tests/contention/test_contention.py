"""Concurrent writers of one namespace, in virtual time: all succeed, older writes first."""

from configsvc.adapters.memory import MemoryRepository
from configsvc.service.engine import records, writing
from tests.support.contention.writers import SECONDS, run_writers
from tests.support.service.world import NS


def test_s54_twenty_busy_writers_all_succeed_in_fair_turns() -> None:
    each = run_writers(20)
    assert each.refused == 0
    assert len(each.made) / each.elapsed > 40  # a transaction takes 15 ms, and they come one after the other
    assert each.within(0.99) < 2.5
    assert each.tries < 6


def test_s54_fifty_busy_writers_are_not_refused() -> None:
    each = run_writers(50, writes=10)
    assert each.refused == 0
    assert max(each.made) < SECONDS - writing.COMMIT_SECONDS


def test_two_writers_hardly_slow_each_other() -> None:
    each = run_writers(2)
    assert each.within(0.5) < 0.03
    assert each.tries < 1.5


def test_older_writes_wait_less() -> None:
    pauses = [writing.compute_longest_pause(5, age / 4) for age in range(12)]
    assert pauses == sorted(pauses, reverse=True)
    assert pauses[0] > 20 * pauses[-1] > 0
    assert writing.compute_longest_pause(1, 0.0) < writing.compute_longest_pause(2, 0.0)


def test_the_same_seed_is_the_same_run() -> None:
    assert run_writers(5, writes=5, seed=3) == run_writers(5, writes=5, seed=3) != run_writers(5, writes=5, seed=4)


def test_every_acknowledged_write_is_stored_once() -> None:
    memory = MemoryRepository()
    each = run_writers(10, writes=5, memory=memory)
    log = [one for one in memory.query(records.of_namespace(NS), "R#") if isinstance(one, records.LogRecord)]
    assert len([one for one in log if one.changes]) == len(each.made) == 50
