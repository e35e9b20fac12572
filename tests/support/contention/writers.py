"""The results of concurrent writers of one namespace: `python -m tests.support.contention.writers` prints the table."""

from __future__ import annotations

import sys
from typing import NamedTuple

from configsvc.adapters.memory import MemoryRepository
from configsvc.model import names
from configsvc.model.change_set import Put
from configsvc.model.errors import Contended
from configsvc.service.verbs.keys import put_key
from tests.support.contention.virtual import SeededChance, SlowTable, VirtualTime
from tests.support.service.world import DEVELOPER, NS, make_world

WRITERS = (2, 5, 10, 20, 50)
WRITES = 20
"""Writes per writer, one after the other."""

SECONDS = 8.0


class WriterResults(NamedTuple):
    """The results of the writes: latencies of those that succeeded, the number of refusals, and transactions sent."""

    writers: int
    made: tuple[float, ...]
    refused: int
    commits: int
    elapsed: float

    def within(self, share: float) -> float:
        """The latency in seconds for this share of the writes."""
        return sorted(self.made)[int(share * (len(self.made) - 1))]

    @property
    def tries(self) -> float:
        """Transactions per successful write."""
        return self.commits / len(self.made)


def run_writers(
    writers: int, writes: int = WRITES, seed: int = 1, memory: MemoryRepository | None = None
) -> WriterResults:
    """Runs this many writers in one namespace, each with its own key and writing without pauses."""
    memory, time = memory or MemoryRepository(), VirtualTime()
    world = make_world(memory)
    table = SlowTable(memory, time, seed)
    ports = world.ports._replace(repository=table, clock=time, chance=SeededChance(seed))
    made, refused = list[float](), list[int]()

    def write(number: int) -> None:
        for each in range(writes):
            began = time.monotonic()
            try:
                wanted = Put(names.parse_key(f"k{number}"), "plain", "text/plain", str(each))
                put_key(ports.within(SECONDS), DEVELOPER, NS, wanted, "why", None)
                made.append(time.monotonic() - began)
            except Contended:
                refused.append(number)

    time.run(*(lambda number=number: write(number) for number in range(writers)))
    return WriterResults(writers, tuple(made), len(refused), table.commits, time.monotonic())


def main(seed: int) -> None:
    """The table."""
    print("writers  made  refused   p50 s   p99 s  longest  tries  writes/s")  # noqa: T201
    for writers in WRITERS:
        each = run_writers(writers, seed=seed)
        print(  # noqa: T201
            f"{writers:7}  {len(each.made):4}  {each.refused:7}  {each.within(0.5):6.3f}  {each.within(0.99):6.3f}  "
            f"{max(each.made):7.3f}  {each.tries:5.2f}  {len(each.made) / each.elapsed:8.1f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
