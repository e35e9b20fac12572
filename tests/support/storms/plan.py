"""The plan that a seed determines: each thread's workload, failing calls of the store, and kills of processes.

It does not determine how threads interleave, so the same seed need not give the same history. Faults and kills are
triggered by counts and not by the clock, so they hit about the same requests on any machine.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from local.emulator.microburst import Rule

NAMESPACES = ("storm.one", "storm.two")
PAIRS = 3
"""Pairs of keys in each namespace. The two keys of a pair are always written together."""


class Size(NamedTuple):
    """The size of a storm. `writes` are the operations of each writer; each reader does twice as many."""

    writes: int
    kills: int
    writers: int = 8
    readers: int = 8
    environments: int = 4

    @property
    def reads(self) -> int:
        """The operations of each reader. Most send an ETag and are cheap."""
        return 2 * self.writes

    @property
    def operations(self) -> int:
        """All operations together."""
        return self.writers * self.writes + self.readers * self.reads


class Kill(NamedTuple):
    """After this many operations have begun, wait this many seconds and kill one of the live processes."""

    after: int
    pause: float
    place: int


def seed_randomness(seed: int, name: str) -> random.Random:
    """The randomness of one part of the storm."""
    return random.Random(f"{seed} {name}")  # noqa: S311  # a workload, not a secret


def plan_kills(seed: int, size: Size) -> Sequence[Kill]:
    """Plans the kills, spread over the storm, the last well before its end."""
    drawn, every = seed_randomness(seed, "kills"), size.operations * 0.9 / max(size.kills, 1)
    return [
        Kill(int(every * (number + drawn.random() * 0.8)), drawn.uniform(0, 0.05), drawn.randrange(size.environments))
        for number in range(size.kills)
    ]


_LOST: Rule = {"response": {"abort_frac": 0.0}}
"""The call is done, but its response never arrives."""
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
    """Plans rules for the store: single calls and runs of calls that fail, are late, or are done without a response."""
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
    """Long enough for others to come between."""
    return _plan_row(operation, {"latency": {"dist": "uniform", "min": 5, "max": 60}}, 1, passing)


def _plan_late(operation: str, milliseconds: int, passing: int) -> Rule:
    """Forwarded after the service has stopped waiting."""
    return _plan_row(operation, {"latency": milliseconds, "times": 1}, 1, passing)
