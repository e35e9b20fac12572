"""Records histories: many threads on one namespace, each with its own service, and what each observed and when."""

import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from threading import Barrier
from time import perf_counter
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.change_set import Activate, ChangeSet, Delete, Operation, Put
from configsvc.model.errors import ConfigsvcError, Contended, NotFound, PreconditionFailed, Unavailable
from configsvc.service.engine import records
from configsvc.service.engine.ports import Repository, ServicePorts
from configsvc.service.engine.records import LogRecord
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.snapshots import fetch_snapshot
from tests.support.races.linearizability import Base, History, Refused, Row, Seen, Written
from tests.support.races.writers import NS, READER, make_service, prepare
from tests.support.service.world import DEVELOPER

READS = 0.25
"""The share of operations that read a snapshot."""


class Size(NamedTuple):
    """The number of threads, operations of each, and keys."""

    writers: int
    operations: int
    keys: int = 8


class Observed(NamedTuple):
    """The observations of one thread; `unknown` are writes without an answer, by message, with their start."""

    written: list[Written]
    seen: list[Seen]
    refused: list[Refused]
    unknown: dict[str, tuple[float, dict[str, Base]]]


def record_history(table: Repository, front: Callable[[Repository], Repository], size: Size) -> History:
    """Records everything that happens; each thread reaches the table through `front`."""
    prepare(table)
    start = Barrier(size.writers)

    def run(number: int) -> Observed:
        writer = _Writer(make_service(front(table)), number, size)
        start.wait()
        for each in range(size.operations):
            writer.act(each)
        return writer.observed

    with ThreadPoolExecutor(size.writers) as pool:
        every = list(pool.map(run, range(size.writers)))
    written = [each for observed in every for each in observed.written]
    return History(
        1, written + _find_unanswered(table, every), [each for observed in every for each in observed.seen],
        [each for observed in every for each in observed.refused],
    )  # fmt: skip


def _find_unanswered(table: Repository, every: Sequence[Observed]) -> list[Written]:
    """Returns writes in the log that got no answer: they happened at some time after they began."""
    unknown = {message: asked for observed in every for message, asked in observed.unknown.items()}
    log = table.query(records.of_namespace(NS), "R#")
    return [
        Written(
            unknown[each.message][0], inf, each.revision,
            tuple((c.key, c.op, c.version, c.now) for c in each.changes), unknown[each.message][1],
        )
        for each in log
        if isinstance(each, LogRecord) and each.message in unknown
    ]  # fmt: skip


class _Writer:
    """One thread: it remembers its last read, and makes that the precondition of some of its writes."""

    def __init__(self, ports: ServicePorts, number: int, size: Size) -> None:
        self._ports = ports
        self._number = number
        self._keys = [names.parse_key(f"k{key}") for key in range(size.keys)]
        self._random = random.Random(number)  # noqa: S311  # a workload, not a secret
        self._touched: dict[str, int] = {}
        self._latest: dict[str, int] = {}
        self.observed = Observed([], [], [], {})

    def act(self, number: int) -> None:
        if self._random.random() < READS:
            self._read()
        else:
            self._write(f"{self._number}-{number}")

    def _read(self) -> None:
        start = perf_counter()
        try:
            fetched = fetch_snapshot(self._ports, READER, NS, None)
        except (Contended, Unavailable):
            return
        end = perf_counter()
        body = json.loads(fetched.body or "")
        active = {entry["key"]: entry["version"] for entry in body["entries"]}
        self.observed.seen.append(Seen(start, end, body["revision"], active))

    def _write(self, message: str) -> None:
        keys = self._random.sample(self._keys, 1 if self._random.random() < 0.8 else 2)
        operations = tuple(self._operation(key, message) for key in keys)
        bases: dict[str, Base] = {each.key: each.if_match for each in operations if each.if_match}
        start = perf_counter()
        try:
            outcome = commit_change_set(self._ports, DEVELOPER, NS, ChangeSet(operations, message), None)
        except (Contended, Unavailable):
            self.observed.unknown[message] = (start, bases)
            return
        except PreconditionFailed as error:
            self._refused(start, error, bases)
            return
        except NotFound:
            return
        end = perf_counter()
        revision, results = outcome.body["revision"], outcome.body["results"]
        assert isinstance(revision, int)
        assert isinstance(results, list)
        rows: tuple[Row, ...] = tuple((each["key"], each["op"], each["version"], each["active"]) for each in results)
        self.observed.written.append(Written(start, end, revision, rows, bases))
        for key, op, version, _ in rows:
            self._touched[key] = revision
            if op == "put" and version:
                self._latest[key] = version

    def _operation(self, key: names.Key, message: str) -> Operation:
        if_match = self._touched.get(key) if self._random.random() < 0.3 else None
        latest = self._latest.get(key)
        dice = self._random.random()
        if latest and dice < 0.15:
            return Activate(key, self._random.randint(max(1, latest - 3), latest), if_match)
        if latest and dice < 0.25:
            return Delete(key, if_match)
        return Put(key, "plain", "text/plain", message, dice < 0.9, if_match=if_match)

    def _refused(self, start: float, error: ConfigsvcError, bases: dict[str, Base]) -> None:
        key = str(error.members["key"])
        self.observed.refused.append(Refused(start, perf_counter(), key, bases[key]))
        self._touched.pop(key, None)
