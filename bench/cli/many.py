"""Secrets in and out: `import` and `export` compared with credstash's `putall` and `getall`, on one emulator.

The first round goes through a proxy that counts and is dropped; the others are timed without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bench.cli.ground import CONFIGSVC, CREDSTASH, Ground, ground, run
from bench.client.pair import Pair
from bench.gates import Row
from bench.measure import Sides
from local.network.proxy import CountingProxy

FULL, FEW = 1000, 200
_IN, _OUT = "import", "export"
_PUTALL, _GETALL = "credstash putall", "credstash getall"
_IMPORTED, _EXPORTED = 30, 2
"""The most requests to the service that importing and exporting a thousand may take."""


class Trip(NamedTuple):
    """One way in and out on both sides: the seconds of each."""

    seconds: Mapping[str, float]


def measure_many(rounds: int) -> tuple[list[Row], Sides]:
    """A thousand secrets; fewer where it has to be short (one round)."""
    size = FULL if rounds > 1 else FEW
    values = {f"k{number:04}": str(number).rjust(64, "v") for number in range(size)}
    with ground() as made:
        file = made.folder / "values.json"
        file.write_text(json.dumps(values))
        counts = _count_requests(made, file)
        trips = [_trip(made, file, f"round.{number}", values) for number in range(max(1, rounds - 1))]
    times = Sides({side: [trip.seconds[side] for trip in trips] for side in (_IN, _OUT, _PUTALL, _GETALL)})
    return [*_rows(size, times), *_count_rows(size, counts)], times


def _trip(ground: Ground, file: Path, name: str, values: Mapping[str, str]) -> Trip:
    namespace, table, out = ground.namespace(name), ground.table(name), ground.folder / f"{name}.json"
    ours = {**ground.ours, "CONFIGSVC_NAMESPACES": namespace}
    stored, _ = run(CONFIGSVC, "import", file, variables=ours)
    written, _ = run(CONFIGSVC, "export", out, variables=ours)
    put, _ = run(CREDSTASH, "-t", table, "putall", f"@{file}", variables=ground.theirs)
    got, text = run(CREDSTASH, "-t", table, "getall", variables=ground.theirs)
    if not json.loads(out.read_text()) == json.loads(text) == values:
        raise RuntimeError("a side returned other values than were stored")
    return Trip({_IN: stored, _OUT: written, _PUTALL: put, _GETALL: got})


def _count_requests(ground: Ground, file: Path) -> dict[str, tuple[int, int]]:
    """Requests of each command and, of them, KMS calls."""
    found: dict[str, tuple[int, int]] = {}
    namespace, table = ground.namespace("counted"), ground.table("counted")
    with CountingProxy({"aws": ground.endpoint}) as proxy:
        ours, theirs = (
            {name: text.replace(ground.endpoint, proxy.url("aws")) for name, text in each.items()}
            for each in (ground.ours, ground.theirs)
        )
        ours["CONFIGSVC_NAMESPACES"] = namespace
        out = ground.folder / "counted.json"
        for side, command, words, variables in (
            (_IN, CONFIGSVC, ("import", file), ours),
            (_OUT, CONFIGSVC, ("export", out), ours),
            (_PUTALL, CREDSTASH, ("-t", table, "putall", f"@{file}"), theirs),
            (_GETALL, CREDSTASH, ("-t", table, "getall"), theirs),
        ):
            proxy.reset()
            run(command, *words, variables=variables)
            counts = {operation: count for (_, operation), count in proxy.reset().items()}
            kms = sum(count for operation, count in counts.items() if operation in ("Decrypt", "GenerateDataKey"))
            found[side] = (sum(counts.values()), kms)
    return found


def _rows(size: int, times: Sides) -> list[Row]:
    gate, stretch = (1 / 5, 1 / 10) if size == FULL else (1 / 2, 1 / 5)  # few secrets are mostly start-up
    pairs = (
        Pair(f"import of {size:,} secrets", _IN, _PUTALL, _PUTALL, gate, stretch),
        Pair(f"export of {size:,} secrets", _OUT, _GETALL, _GETALL, gate, stretch),
    )
    return [pair.row(times) for pair in pairs]


def _count_rows(size: int, counts: Mapping[str, tuple[int, int]]) -> list[Row]:
    rows = []
    for ours, theirs, requests in ((_IN, _PUTALL, _IMPORTED), (_OUT, _GETALL, _EXPORTED)):
        (asked, kms), (other, other_kms) = counts[ours], counts[theirs]
        name = f"{ours} of {size:,} secrets"
        rows += [
            Row(f"requests of an {name}", asked - kms, str(asked - kms), f"{theirs} {other - other_kms}", requests),
            Row(f"KMS calls of an {name}", kms, str(kms), f"{theirs} {other_kms}", 1),
        ]
    return rows
