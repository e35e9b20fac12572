"""What a seed fixes: the workload of each thread, which calls of the store fail and how, and when a process is killed.

How the threads interleave it does not fix, so the same seed need not give the same history again. Faults and kills
come by counts and not by the clock, so they meet about the same requests on any machine.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from local.emulator.microburst import Rule

NAMESPACES = ("storm.one", "storm.two")
PAIRS = 3
"""Pairs of keys in each namespace, both of which are always written together."""


class Size(NamedTuple):
    """How much of a storm; `writes` are the operations of each writer, and each reader does twice as many."""

    writes: int
    kills: int
    writers: int = 8
    readers: int = 8
    environments: int = 4

    @property
    def reads(self) -> int:
        """The operations of each reader: most of them ask with an ETag, and cost little."""
        return 2 * self.writes

    @property
    def operations(self) -> int:
        """All of them together."""
        return self.writers * self.writes + self.readers * self.reads


class Kill(NamedTuple):
    """Once so many operations have begun, wait so many seconds, and kill that process of those that live."""

    after: int
    pause: float
    place: int


def seed_randomness(seed: int, name: str) -> random.Random:
    """The randomness of one part of the storm."""
    return random.Random(f"{seed} {name}")  # noqa: S311  # a workload, not a secret


def plan_kills(seed: int, size: Size) -> Sequence[Kill]:
    """Spread over the whole storm, the last well before its end."""
    drawn, every = seed_randomness(seed, "kills"), size.operations * 0.9 / max(size.kills, 1)
    return [
        Kill(int(every * (number + drawn.random() * 0.8)), drawn.uniform(0, 0.05), drawn.randrange(size.environments))
        for number in range(size.kills)
    ]


_LOST: Rule = {"response": {"abort_frac": 0.0}}
"""The call is done, and its answer never comes."""
_CONFLICT: Rule = {
    "error": {
        "code": "TransactionCanceledException",
        "status": 400,
        "fields": {"CancellationReasons": [{"Code": "TransactionConflict"}]},
    }
}
_THROTTLED: Rule = {"error": {"code": "ThrottlingException", "status": 400}}
_FAILED: Rule = {"error": {"code": "InternalServerError", "status": 500}}


def plan_faults(seed: int) -> Sequence[Rule]:
    """Rules for the store: single calls and runs of them that fail, are late, or are done and never answered."""
    drawn = seed_randomness(seed, "faults")
    every: list[Rule] = [
        _plan_late("TransactWriteItems", 3300, drawn.randint(40, 200)),
        _plan_row("TransactWriteItems", _LOST, 6, drawn.randint(50, 90)),
        _plan_row("TransactWriteItems", _LOST, 1, drawn.randint(10, 20)),
        _plan_row("TransactWriteItems", _CONFLICT, drawn.randint(1, 2), drawn.randint(10, 20)),
        _plan_row("TransactWriteItems", _THROTTLED, 8, drawn.randint(60, 90)),
        _plan_row("TransactWriteItems", _FAILED, drawn.randint(1, 4), drawn.randint(30, 60)),
        _plan_slow("TransactWriteItems", drawn.randint(5, 9)),
        *(_plan_row(each, _THROTTLED, drawn.randint(1, 4), drawn.randint(40, 80)) for each in _READS),
        *(_plan_row(each, _LOST, 1, drawn.randint(40, 80)) for each in _READS),
        *(_plan_slow(each, drawn.randint(6, 12)) for each in _READS),
    ]
    return every


_READS = ("GetItem", "BatchGetItem", "Query")


def _plan_row(operation: str, fault: Rule, failing: int, passing: int) -> Rule:
    return {"service": "dynamodb", "operation": operation, "sequence": [failing, passing], **fault}


def _plan_slow(operation: str, passing: int) -> Rule:
    """Long enough that others come between."""
    return _plan_row(operation, {"latency": {"dist": "uniform", "min": 5, "max": 60}}, 1, passing)


def _plan_late(operation: str, milliseconds: int, passing: int) -> Rule:
    """Passed on after the service has stopped waiting for it."""
    return _plan_row(operation, {"latency": milliseconds, "times": 1}, 1, passing)
