"""Counts: requests, KMS calls and the bytes of a poll. They are the same in every run."""

from __future__ import annotations

from collections import Counter

from bench.client.cloud import CHANGING, namespace_of
from bench.client.ground import Ground
from bench.gates import Row
from bench.measure import Sides

_POLLS = 50
_BYTES = 300


def measure_counts(ground: Ground, rounds: int) -> tuple[list[Row], Sides]:
    """Count ours, with the peers' figures for comparison."""
    del rounds  # they are the same in each
    return [*_requests(ground), *_refreshes(ground), *_modules(ground)], Sides({})


def _requests(ground: Ground) -> list[Row]:
    theirs = {
        1: f"get_parameter {_count(ground, 'powertools')}",
        100: "",
        1000: f"get_parameters {_count(ground, 'powertools_thousand')}, by name {_count(ground, 'powertools_by_name')}",
    }
    return [_row(f"requests to load {size}", _count(ground, "configsvc", size), 2, theirs[size]) for size in theirs]


def _count(ground: Ground, side: str, size: int = 1) -> int:
    return ground.counted("cold.py", side, namespace=namespace_of(size))["requests"]


def _refreshes(ground: Ground) -> list[Row]:
    unchanged, changed = (
        ground.counted("refreshes.py", str(_POLLS), namespace=name) for name in (namespace_of(10), CHANGING)
    )
    start = ground.counted("refreshes.py", "0", namespace=namespace_of(10))
    ssm = ground.counted("ssm_polls.py", str(_POLLS))
    asked, told = (_each(unchanged - start, name) for name in ("bytes asked", "bytes told"))
    return [
        _row(f"KMS calls of {_POLLS} unchanged polls", unchanged["Decrypt"] - start["Decrypt"], 0),
        _row(f"KMS calls of {_POLLS} polls that find a change", changed["Decrypt"] - start["Decrypt"], 0),
        _row("bytes of an unchanged poll, sent", asked, _BYTES, f"get_parameters of 10 {_each(ssm, 'bytes asked')}"),
        _row("bytes of an unchanged poll, received", told, _BYTES, f"get_parameters of 10 {_each(ssm, 'bytes told')}"),
    ]


def _modules(ground: Ground) -> list[Row]:
    def loaded(side: str) -> int:
        return int(ground.run("cold.py", side)["modules"])

    return [_row("modules beyond the runtime's", loaded("configsvc"), None, f"get_parameter {loaded('powertools')}")]


def _each(found: Counter[str], name: str) -> int:
    return round(found[name] / _POLLS)


def _row(name: str, ours: int, gate: int | None, theirs: str = "") -> Row:
    return Row(name, ours, str(ours), theirs, gate)
