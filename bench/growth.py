"""Growth: calls and bytes of a request, with few keys and many, after a short history and a long one.

Counted on the table in memory as DynamoDB counts, so the figures are the same in each run and on each machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bench.gates import Row
from bench.measure import Sides
from bench.table_bytes import Counted
from configsvc.adapters.caches import RenderedSnapshots
from configsvc.adapters.memory import MemoryRepository
from configsvc.model import limits
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.change_log import LogWanted, list_changes
from configsvc.service.verbs.history import diff_revisions, fetch_revision
from configsvc.service.verbs.upkeep import run_upkeep
from tests.support.service.world import ADMIN, NS, READER, World, make_world, text

KEYS = {100: 4, 1000: 5, 5000: 4}
"""How many keys, and the power of ten of records up to which such a namespace grows: the longest fills for a minute."""
KB = 1000
_VALUE = "v" * 100
_SET = 40


class Cost(NamedTuple):
    """The cost of one request."""

    calls: int
    read: int


class Request(NamedTuple):
    """A request, and the most bytes that it may read: so many, and so many for each key."""

    run: Callable[[World], object]
    most: int
    per_key: int = 0


def measure_growth(rounds: int) -> tuple[list[Row], Sides]:
    """Up to 10 to the power of `rounds` records."""
    rows = list[Row]()
    for keys, most in KEYS.items():
        table = Counted(MemoryRepository())
        world = _fill(table, keys)
        costs: dict[str, dict[int, Cost]] = {name: {} for name in REQUESTS}
        for power in range(1, min(rounds, most) + 1):
            _grow(world, keys, 10**power)
            for name, request in REQUESTS.items():
                costs[name][10**power] = _measure_cost(world, table, request)
        rows += [_row(name, keys, costs[name]) for name in REQUESTS]
    return rows, Sides({})


def _row(name: str, keys: int, costs: dict[int, Cost]) -> Row:
    told = ", ".join(
        f"{records:,}: {cost.calls} {'call' if cost.calls == 1 else 'calls'} {cost.read / KB:.1f} KB"
        for records, cost in costs.items()
    )
    worst, request = max(cost.read for cost in costs.values()), REQUESTS[name]
    return Row(f"{name}, {keys:,} keys, KB", worst / KB, told, "", (request.most + request.per_key * keys) / KB)


def _measure_cost(world: World, table: Counted, request: Request) -> Cost:
    table.clear()
    request.run(world)
    return Cost(table.calls, table.read)


def _fill(table: Counted, keys: int) -> World:
    world = make_world(table)
    world.set(retention=RetentionSettings(versions=10), snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    for start in range(0, keys, _SET):
        world.change(*(text(_key(number), _VALUE) for number in range(start, min(start + _SET, keys))))
    return world


def _grow(world: World, keys: int, records: int) -> None:
    """Until so many records came after the first of each key; a write every minute, of a key that varies."""
    first = 3 + -(-keys // _SET)
    for number in range(world.head().revision - first, records):
        world.clock.pass_by(60)
        world.put(text(_key(number * 7919 % keys), _VALUE))


def _key(number: int) -> str:
    return f"service.setting-{number:05d}"


def _read_cold(world: World) -> object:
    cold = world.ports._replace(snapshots=RenderedSnapshots())
    return fetch_revision(cold, READER, NS, world.head().served, None)


def _poll_unchanged(world: World) -> object:
    return world.fetch(f'"{world.head().served}-{world.head().tag}"')


def _travel(back: int | None) -> Callable[[World], object]:
    """So many revisions back, or to the fourth of all."""

    def run(world: World) -> object:
        return fetch_revision(world.ports, READER, NS, 4 if back is None else world.head().revision - back, None)

    return run


def _log(wanted: LogWanted, limit: int) -> Callable[[World], object]:
    return lambda world: list_changes(world.ports, READER, NS, wanted, limit, None)


def _since(world: World) -> object:
    world.clock.pass_by(-7200)
    then = world.clock.now().text
    world.clock.pass_by(7200)
    return list_changes(world.ports, READER, NS, LogWanted(after_time=then), 1000, None)


REQUESTS = {
    "cold snapshot": Request(_read_cold, 3 * KB, 450),
    "put": Request(lambda world: world.put(text(_key(1), _VALUE)), 20 * KB),
    "time travel, 5 back": Request(_travel(5), 20 * KB, 450),
    "time travel, all the way": Request(_travel(None), 700 * KB, 900),
    "diff of all, 100 keys": Request(
        lambda world: diff_revisions(world.ports, READER, NS, 4, None, 100, None), 750 * KB, 100
    ),
    "log of two hours": Request(_since, 500 * KB, 100),
    "log of a key, last 10": Request(_log(LogWanted(key=_key(7), newest=True), 10), 1500 * KB, 300),
    "log, last 50": Request(_log(LogWanted(newest=True), 50), 150 * KB),
    "upkeep": Request(lambda world: run_upkeep(world.ports, ADMIN, NS), 1200 * KB, 100),
}
