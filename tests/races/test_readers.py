"""Reads during writes: each snapshot is of one revision, and none is older than the one before."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from os import sched_yield
from threading import Event

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model import names
from configsvc.model.change_set import ChangeSet, Put
from configsvc.model.errors import Contended, Unavailable
from configsvc.model.snapshot import SealedSnapshot, parse
from configsvc.service.engine.ports import Repository
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.snapshots import fetch_snapshot
from local.emulator.launcher import Emulator
from tests.support.contracts import tables
from tests.support.races.writers import make_service, prepare
from tests.support.service.world import DEVELOPER, NS, READER

KEYS = tuple(names.parse_key(f"k{number}") for number in range(5))
READERS = 3


def write(repository: Repository, writes: int, done: Event) -> None:
    """Commits change sets that give all keys one value: the revision they will have."""
    ports = make_service(repository)
    try:
        for number in range(writes):
            operations = tuple(Put(key, "plain", "text/plain", str(number + 2)) for key in KEYS)
            commit_change_set(ports, DEVELOPER, NS, ChangeSet(operations), None)
    finally:
        done.set()


def read(repository: Repository, done: Event) -> list[SealedSnapshot]:
    def snapshots() -> Iterator[SealedSnapshot]:
        while not done.is_set():
            try:
                fetched = fetch_snapshot(make_service(repository), READER, NS, None)
            except (Contended, Unavailable):
                continue
            yield parse(json.loads(fetched.body or ""))

    return list(snapshots())


def race(repository: Repository, writes: int) -> None:
    prepare(repository)
    done = Event()
    with ThreadPoolExecutor(READERS + 1) as pool:
        readers = [pool.submit(read, repository, done) for _ in range(READERS)]
        pool.submit(write, repository, writes, done).result()
        seen = [reader.result() for reader in readers]
    for snapshots in seen:
        revisions = [snapshot.revision for snapshot in snapshots]
        assert revisions == sorted(revisions)
    every = [snapshot for snapshots in seen for snapshot in snapshots if snapshot.entries]
    assert {each.revision for each in every}
    for snapshot in every:
        assert {entry.value for entry in snapshot.entries} == {str(snapshot.revision)}
        assert len(snapshot.entries) == len(KEYS)


def test_snapshots_are_of_one_revision_during_writes_and_torn_reads() -> None:
    race(MemoryRepository(between=sched_yield), 300)


@pytest.mark.slow
@pytest.mark.emulator
def test_snapshots_are_of_one_revision_during_writes_to_dynamodb(emulator: Emulator) -> None:
    race(tables.make_repository(tables.make_client(emulator.url)), 60)
