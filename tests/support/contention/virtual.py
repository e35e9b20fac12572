"""Concurrent writers in virtual time: each is a thread, one runs at a time, and only waiting moves the clock.

So every run is the same, and takes only as long as its steps. The table takes as long as DynamoDB: a read sees the
state halfway through. A transaction checks its conditions, locks its items for a while, and then applies; a concurrent
one on the same items is cancelled with a conflict.
"""

from __future__ import annotations

import heapq
import math
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.system import to_moment
from configsvc.service.engine.ports import LostRace, WallMoment, Write, WriteAction
from configsvc.service.engine.records import Record, RecordAddress, address_of

READ_SECONDS, COMMIT_SECONDS = 0.004, 0.015
"""Medians; each call's own is log-normal."""

SPREAD = 0.35
PAGE_RECORDS = 250
"""Records of one page of a Query: 1 MB at 4 KB each."""

PAGE_SECONDS = 0.03

_BEGAN = 1_800_000_000.0


class VirtualTime:
    """A clock, and the threads that wait for its moments."""

    def __init__(self) -> None:
        self._now = 0.0
        self._waiting: list[tuple[float, int, threading.Semaphore]] = []
        self._number = 0
        self._ended = threading.Semaphore(0)
        self._alive = 0

    def now(self) -> WallMoment:
        return to_moment(_BEGAN + self._now)

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        mine = self._wait_until(self._now + seconds)
        self._wake_next()
        mine.acquire()

    def run(self, *works: Callable[[], None]) -> None:
        """Runs these concurrently, from now on, until all have ended."""
        self._alive = len(works)
        faults = list[BaseException]()
        for work in works:
            begin = self._wait_until(self._now)
            threading.Thread(target=self._work, args=(begin, work, faults), daemon=True).start()
        self._wake_next()
        self._ended.acquire()
        if faults:
            raise faults[0]

    def _work(self, begin: threading.Semaphore, work: Callable[[], None], faults: list[BaseException]) -> None:
        begin.acquire()
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised by run()
            faults.append(error)
        self._alive -= 1
        if self._alive:
            self._wake_next()
        else:
            self._ended.release()

    def _wait_until(self, seconds: float) -> threading.Semaphore:
        mine = threading.Semaphore(0)
        self._number += 1
        heapq.heappush(self._waiting, (seconds, self._number, mine))
        return mine

    def _wake_next(self) -> None:
        self._now, _, waiting = heapq.heappop(self._waiting)
        waiting.release()


class SeededChance:
    """Tags and jitter from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # pauses, not secrets

    def tag(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def uniform(self, most: float) -> float:
        return self.random.random() * most


class SlowTable:
    """A table in memory that takes as long as DynamoDB, and counts its calls."""

    def __init__(self, table: MemoryRepository, time: VirtualTime, seed: int) -> None:
        self._table = table
        self._time = time
        self._random = random.Random(seed)  # noqa: S311  # latencies
        self._held: set[RecordAddress] = set()
        self.reads = self.commits = self.records = 0

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        half = self._took(READ_SECONDS) / 2
        self._time.sleep(half)
        found = self._table.get(addresses)
        self.reads += 1
        self.records += len(found)
        self._time.sleep(half)
        return found

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        if self._held & set(addresses):
            self._time.sleep(self._took(READ_SECONDS))
            raise LostRace(addresses)
        return self.get(addresses)

    def query(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int | None = None,
        values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:
        left = math.inf if limit is None else limit
        while left > 0:
            page = int(min(left, PAGE_RECORDS))
            half = self._took(READ_SECONDS if page < PAGE_RECORDS else PAGE_SECONDS) / 2
            self._time.sleep(half)
            found = self._table.query(partition, prefix, after=after, limit=page, values=values, reverse=reverse)
            records = list(islice(found, page))
            self.reads += 1
            self.records += len(records)
            self._time.sleep(half)
            yield from records
            if len(records) < page:
                return
            left -= page
            after = address_of(records[-1]).sk

    def commit(self, actions: Sequence[WriteAction]) -> None:
        self.commits += 1
        took = self._took(COMMIT_SECONDS)
        addresses = {address_of(each.record) if isinstance(each, Write) else each.address for each in actions}
        self._time.sleep(took * 0.3)
        if addresses & self._held:
            self._time.sleep(took * 0.2)
            raise LostRace(tuple(addresses & self._held))
        self._held |= addresses
        self._time.sleep(took * 0.4)
        self._held -= addresses
        try:
            self._table.commit(actions)
        finally:
            self._time.sleep(took * 0.3)

    def _took(self, median: float) -> float:
        return median * math.exp(self._random.gauss(0.0, SPREAD))
