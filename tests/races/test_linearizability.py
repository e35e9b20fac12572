"""Checks that the answers to many writers and readers of one namespace have an order that real time allows."""

from collections.abc import Callable
from itertools import count
from os import sched_yield

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.service.engine.ports import Repository
from local.emulator.launcher import Emulator
from tests.support.contracts import tables
from tests.support.machines import recount
from tests.support.machines.planted import StaleHead
from tests.support.races.histories import Size, record_history
from tests.support.races.linearizability import (
    NAMESPACE,
    History,
    Looked,
    NotLinearizable,
    Refused,
    Seen,
    Written,
    check,
)
from tests.support.races.planted import Forgetful
from tests.support.races.writers import NS


def keep_table(table: Repository) -> Repository:
    return table


def make_switcher() -> Callable[[], None]:
    """Returns a function that yields to other threads at every other gap: at each gap, hardly any read would hold."""
    gaps = count()

    def let_in() -> None:
        if next(gaps) % 2 == 0:
            sched_yield()

    return let_in


def record_and_check(table: Repository, size: Size) -> History:
    history = record_history(table, keep_table, size)
    check(history)
    found = recount.read_stored(table, NS)
    assert found
    recount.check(found)
    assert found.head.revision == 1 + len(history.written)
    assert history.seen
    assert history.refused
    return history


def test_writers_on_a_table_with_torn_reads_are_linearizable() -> None:
    record_and_check(MemoryRepository(make_switcher()), Size(16, 60))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_64_writers_of_300_operations_are_linearizable() -> None:
    record_and_check(MemoryRepository(make_switcher()), Size(64, 300))


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_64_writers_of_1500_operations_are_linearizable() -> None:
    record_and_check(MemoryRepository(make_switcher()), Size(64, 1500))


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.timeout(300)
def test_16_writers_of_60_operations_on_dynamodb_are_linearizable(emulator: Emulator) -> None:
    record_and_check(tables.make_repository(tables.make_client(emulator.url)), Size(16, 60))


def test_a_planted_lost_update_is_detected() -> None:
    table = Forgetful(sched_yield, lambda sk: sk == "HEAD")
    history = record_history(table, keep_table, Size(16, 60))
    with pytest.raises(NotLinearizable):
        check(history)


def test_a_planted_stale_read_is_detected() -> None:
    history = record_history(MemoryRepository(make_switcher()), StaleHead, Size(16, 60))
    with pytest.raises(NotLinearizable):
        check(history)


PUT = Written(1.0, 2.0, 2, (("k", "put", 1, 1),), {})
AGAIN = Written(3.0, 4.0, 3, (("k", "put", 2, 2),), {"k": 2})


@pytest.mark.parametrize(
    "history",
    [
        History(1, [PUT, AGAIN._replace(revision=2)], [], []),
        History(1, [PUT, AGAIN._replace(revision=4)], [], []),
        History(1, [PUT, AGAIN._replace(rows=(("k", "put", 1, 1),))], [], []),
        History(1, [PUT, AGAIN._replace(bases={"k": 1})], [], []),
        History(1, [PUT, AGAIN], [Seen(5.0, 6.0, 2, {"k": 1})], []),
        History(1, [PUT, AGAIN], [Seen(0.0, 0.5, 2, {"k": 1})], []),
        History(1, [PUT, AGAIN], [Seen(3.5, 3.6, 2, {"k": 2})], []),
        History(1, [PUT._replace(start=5.0, end=6.0), AGAIN], [], []),
        History(1, [PUT, AGAIN], [], [Refused(5.0, 6.0, "k", 3)]),
        History(1, [PUT, AGAIN], [Seen(3.2, 3.3, 3, {"k": 2}), Seen(3.4, 3.5, 2, {"k": 1})], []),
        History(1, [PUT, AGAIN._replace(bases={NAMESPACE: 1})], [], []),
        History(1, [PUT, AGAIN._replace(bases={"k": "unserved"})], [], []),
        History(1, [PUT, AGAIN], [], [Refused(2.5, 2.6, NAMESPACE, 2)]),
        History(1, [PUT, AGAIN], [], [Refused(2.5, 2.6, "k", "served")]),
        History(1, [PUT, AGAIN], [], [Refused(0.0, 0.5, "k", "unserved")]),
        History(1, [PUT, AGAIN], [], [], [Looked(5.0, 6.0, "k", 2, 1)]),
        History(1, [PUT, AGAIN], [], [], [Looked(2.5, 2.6, "k", 2, 2)]),
        History(1, [PUT, AGAIN], [], [], [Looked(2.5, 2.6, NAMESPACE, 3, None)]),
    ],
    ids=[
        "a duplicate revision", "a gap", "a duplicate version", "a lost update", "an old snapshot", "an early snapshot",
        "a snapshot that never existed", "the later write first", "a refusal without a reason", "backwards",
        "a lost update of the namespace", "put over a served key", "the namespace refused without a reason",
        "refused as if it were not served", "refused as if it were served", "an old key", "a key that never existed",
        "the namespace too early",
    ],
)  # fmt: skip
def test_a_history_that_is_not_linearizable_is_rejected(history: History) -> None:
    with pytest.raises(NotLinearizable):
        check(history)


def test_a_linearizable_history_is_accepted() -> None:
    seen = [Seen(0.0, 1.0, 1, {}), Seen(2.0, 3.5, 2, {"k": 1}), Seen(3.5, 3.6, 3, {"k": 2})]
    unknown = Written(1.0, float("inf"), 4, (("k", "delete", None, None),), {})
    refused = [Refused(3.0, 3.5, "k", 2), Refused(1.5, 1.6, "k", "served"), Refused(3.0, 3.1, NAMESPACE, 1)]
    looked = [Looked(2.0, 3.5, "k", 2, 1), Looked(0.0, 0.1, NAMESPACE, 1, None), Looked(4.0, 4.1, "k", 3, 2)]
    check(History(1, [unknown, AGAIN, PUT], [*seen, Seen(9.0, 9.5, 4, {})], refused, looked))
