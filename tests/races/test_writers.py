"""Runs 8 writers with 50 writes each on one namespace: nothing is lost, no number is used twice."""

from collections import Counter
from collections.abc import Callable
from os import sched_yield

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.service.engine import records
from configsvc.service.engine.ports import Repository, WriteOutcome
from configsvc.service.engine.records import Head, KeyState, LogRecord, StoredVersion
from configsvc.service.engine.tally import add_stamps
from local.emulator.launcher import Emulator
from tests.support.contracts import tables
from tests.support.races.planted import Forgetful
from tests.support.races.writers import NS, WRITERS, WRITES, prepare, run_writers

KEYS = 4


def check(repository: Repository, outcomes: list[WriteOutcome]) -> None:
    """Checks that the answers, the change log, the versions and HEAD agree."""
    many = WRITERS * WRITES
    revisions = [outcome.body["revision"] for outcome in outcomes]
    assert sorted(revisions, key=str) == sorted(range(2, many + 2), key=str)
    partition = records.of_namespace(NS)
    log = [each for each in repository.query(partition, "R#") if isinstance(each, LogRecord)]
    assert [each.revision for each in log] == list(range(1, many + 2))
    answered = {(o.body["key"], o.body["version"], o.body["revision"]) for o in outcomes}
    assert answered == {(change.key, change.version, each.revision) for each in log for change in each.changes}
    versions = [each for each in repository.query(partition, "V#") if isinstance(each, StoredVersion)]
    assert Counter(each.entry.key for each in versions) == {f"k{key}": count_writes(key) for key in range(KEYS)}
    assert sorted(each.entry.value for each in versions) == sorted(
        f"{w}-{n}" for w in range(WRITERS) for n in range(WRITES)
    )
    head = repository.get([records.head(NS)])[records.head(NS)]
    states = [each for each in repository.query(partition, "K#") if isinstance(each, KeyState)]
    assert isinstance(head, Head)
    assert (head.revision, head.entries, head.stamps) == (many + 1, KEYS, add_stamps(0, (), states))
    assert {each.key: each.latest for each in states} == {f"k{key}": count_writes(key) for key in range(KEYS)}
    follow(log)


def follow(log: list[LogRecord]) -> None:
    """Checks that each write saw what the one before it on that key left: no update is lost."""
    active: dict[str, int | None] = {}
    for record in log:
        for change in record.changes:
            assert change.was == active.get(change.key)
            active[change.key] = change.now


def count_writes(key: int) -> int:
    return WRITERS * len(range(key, WRITES, KEYS))


def share(repository: Repository) -> Callable[[], Repository]:
    return lambda: repository


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.timeout(300)
def test_400_writes_of_8_writers_to_dynamodb_make_400_revisions(emulator: Emulator) -> None:
    client = tables.make_client(emulator.url)
    repository = tables.make_repository(client)
    prepare(repository)
    check(repository, run_writers(share(repository), KEYS))


def test_400_writes_of_8_writers_with_torn_reads_make_400_revisions() -> None:
    repository = MemoryRepository(between=sched_yield)
    prepare(repository)
    check(repository, run_writers(share(repository), KEYS))


@pytest.mark.parametrize(
    "kept",
    [lambda sk: sk == "HEAD", lambda sk: sk != "HEAD" and not sk.startswith("R#")],
    ids=["only HEAD is checked", "HEAD and the log are not"],
)
def test_a_table_that_ignores_conditions_is_detected(kept: Callable[[str], bool]) -> None:
    repository = Forgetful(sched_yield, kept)
    prepare(repository)
    outcomes = run_writers(share(repository), KEYS)
    with pytest.raises(AssertionError):
        check(repository, outcomes)
