"""A snapshot of a large namespace is read during writes, in virtual time."""

from __future__ import annotations

import json
import random
from typing import NamedTuple

import pytest

from configsvc.adapters.caches import RenderedSnapshots
from configsvc.adapters.memory import MemoryRepository
from configsvc.model import etag, names
from configsvc.model.change_set import ChangeSet, Put
from configsvc.model.errors import Contended, Unavailable
from configsvc.service.engine import records
from configsvc.service.engine.ports import Write
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.snapshots import fetch_snapshot
from tests.support.contention.virtual import PAGE_RECORDS, SeededChance, SlowTable, VirtualTime
from tests.support.service.world import DEVELOPER, NS, READER, World, make_world, text

SECONDS = 3.0
READINGS = 40
WRITERS = 3


class Read(NamedTuple):
    """The number of reads that succeeded and that were refused, and the cost of one."""

    answered: int
    refused: int
    records: float


def fill_namespace(keys: int) -> tuple[MemoryRepository, World]:
    memory = MemoryRepository()
    world = make_world(memory)
    for first in range(0, keys, 40):
        puts = [
            Put(names.parse_key(f"k{number:05}"), "plain", "text/plain", "0") for number in range(first, first + 40)
        ]
        commit_change_set(world.ports, DEVELOPER, NS, ChangeSet(tuple(puts), "why", None), None)
    return memory, world


def read_during_writes(keys: int, writes_a_second: int, seed: int = 1) -> Read:
    """Reads the whole namespace repeatedly without a cache, during this many writes per second."""
    memory, world = fill_namespace(keys)
    time, reading = VirtualTime(), True
    table, written = SlowTable(memory, time, seed), random.Random(seed)  # noqa: S311  # which key
    chance = SeededChance(seed)
    ports = world.ports._replace(repository=table, clock=time, chance=chance)
    answered, refused, cost = 0, 0, 0

    def write() -> None:
        while reading:
            time.sleep(chance.random.expovariate(writes_a_second / WRITERS))
            key = names.parse_key(f"k{written.randrange(keys):05}")
            put_key(
                ports.within(8.0), DEVELOPER, NS, Put(key, "plain", "text/plain", f"{time.monotonic()}"), "why", None
            )

    def read() -> None:
        nonlocal reading, answered, refused, cost
        counting = SlowTable(memory, time, seed + 1)
        for _ in range(READINGS):
            fresh = ports._replace(repository=counting, snapshots=RenderedSnapshots()).within(SECONDS)
            try:
                found = fetch_snapshot(fresh, READER, NS, None)
            except Contended:
                refused += 1
                continue
            answered += 1
            check_values(memory, found.etag, found.body)
        reading, cost = False, counting.records

    time.run(read, *[write] * WRITERS)
    return Read(answered, refused, cost / READINGS)


def check_values(memory: MemoryRepository, tag: str, body: str | None) -> None:
    """Checks that each value is that of the last write up to the response's revision, by log and versions."""
    served, _ = etag.parse_snapshot(tag)
    entries = {each["key"]: each["version"] for each in json.loads(body or "")["entries"]}
    log = [each for each in memory.query(records.of_namespace(NS), "R#") if isinstance(each, records.LogRecord)]
    right = {one.key: one.now for each in log if each.revision <= served for one in each.changes}
    assert entries == {key: version for key, version in right.items() if version}


@pytest.mark.parametrize(("keys", "writes"), [(1000, 10), (1000, 50)])
def test_s53_snapshots_during_writes_have_one_revision_and_read_keys_once(keys: int, writes: int) -> None:
    read = read_during_writes(keys, writes)
    assert (read.answered, read.refused) == (READINGS, 0)
    assert read.records < keys * 1.2  # a second reading of all keys would be twice as many


@pytest.mark.slow
@pytest.mark.parametrize("writes", [10, 50])
def test_s53_snapshots_of_5000_keys_do_too(writes: int) -> None:
    read = read_during_writes(5000, writes)
    assert (read.answered, read.refused) == (READINGS, 0)
    assert read.records < 5000 * 1.1


def test_a_page_of_the_simulated_query_is_shorter_than_a_namespace() -> None:
    assert PAGE_RECORDS * 3 < 1000


def test_inconsistent_records_are_a_fault_and_no_concurrent_write() -> None:
    world = make_world()
    world.put(text("a"))
    head = world.head()
    world.repository._inner.commit([Write(head._replace(stamps=head.stamps + 1), head.revision)])  # noqa: SLF001
    with pytest.raises(Unavailable, match="are inconsistent"):
        world.fetch()
