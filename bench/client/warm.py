"""Warm, in one process of the peers' environment: reads, polls, and opening what was fetched."""

from __future__ import annotations

from bench.client.cloud import namespace_of
from bench.client.ground import Ground
from bench.client.pair import Pair
from bench.gates import Row
from bench.measure import Sides, one_processor


def measure_reads(ground: Ground, rounds: int) -> tuple[list[Row], Sides]:
    """Measure one read from memory, on one thread and on eight."""
    times = Sides(ground.run("reads.py", str(rounds)))
    get, at_once = "get_parameter", "8 threads: get_parameter"
    pairs = (
        Pair("snapshot[key]", "snapshot", "dict", "dict", 4, 2.5),
        Pair("snapshot[key]", "snapshot", get, get, 1 / 100, 1 / 140),
        Pair("config[key]", "config", "dict", "dict", 10, 8),
        Pair("config[key]", "config", get, get, 1 / 30, 1 / 40),
        Pair("config[key]", "config", "TTLCache", "cachetools TTLCache"),
        Pair("config[key] in a wrapped handler", "config in a handler", get, get),
        Pair("config[key], 8 threads", "8 threads: config", at_once, get, 1 / 30, 1 / 60),
        Pair("snapshot[key], 8 threads", "8 threads: snapshot", at_once, get, 1 / 50, 1 / 100),
    )
    return [pair.row(times) for pair in pairs], times


def measure_polls(ground: Ground, rounds: int) -> tuple[list[Row], Sides]:
    """The CPU of a poll that finds nothing new, over TLS on a kept connection, all on one processor."""
    with one_processor():
        times = Sides(ground.run("polls.py", str(rounds), namespace=namespace_of(10)))
    return [Pair("idle poll, CPU", "poll", "ssm", "SSM get_parameters of 10", 1 / 10, 1 / 25).row(times)], times


def measure_opening(ground: Ground, rounds: int) -> tuple[list[Row], Sides]:
    """Measure opening a thousand values of one namespace with its data key at hand."""
    times = Sides(ground.run("opening.py", str(rounds), told=ground.cloud.body(namespace_of(1000))))
    pairs = (
        Pair("opening 1,000 values", "ours", "sdk, signed", "aws-encryption-sdk", 1 / 30, 1 / 100),
        Pair("opening 1,000 values", "ours", "sdk", "aws-encryption-sdk, unsigned"),
    )
    return [pair.row(times) for pair in pairs], times
