"""Cold starts: fresh processes, the runtime loaded before the clock, TLS to API, KMS and the peers' services."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.client.behind import behind
from bench.client.cloud import namespace_of
from bench.client.ground import API_KEY, Ground
from bench.client.pair import Pair
from bench.gates import Row
from bench.measure import Sample, Sides, interleave

_LATENCY = 0.005
_MEGABYTE = 1024 * 1024


def measure_cold(ground: Ground, rounds: int) -> tuple[list[Row], Sides]:
    """One value and a hundred, imports, memory; answers at once."""
    peaks: dict[str, list[float]] = {"configsvc": [], "libraries": [], "powertools": [], "bare": []}
    sides: dict[str, Sample] = {
        "configsvc": _sample(ground, "configsvc", 1, peaks["configsvc"]),
        "configsvc, 100": _sample(ground, "configsvc", 100),
        "powertools": _sample(ground, "powertools", 1, peaks["powertools"]),
        "import configsvc_client": _sample(ground, "import_configsvc", 1),
        "import boto3": _sample(ground, "import_boto3", 1),
        "boto3 SSM": _sample(ground, "boto3_ssm", 1),
        "secrets manager caching": _sample(ground, "secrets_manager", 1),
        "credstash": _sample(ground, "credstash", 1),
        "bare": _peak(ground, peaks["bare"], "bare.py"),
        "libraries": _peak(ground, peaks["libraries"], "libraries.py", str(ground.roots)),
    }
    times = interleave(sides, rounds)
    return [*_make_cold_rows(times), *_memory(peaks)], _leave_out(times, "bare", "libraries")


def measure_both_cold(ground: Ground, rounds: int) -> tuple[list[Row], Sides]:
    """One value, through the service's real zip: its function starts for this request, or is warm."""
    namespace = namespace_of(1)
    with (
        tempfile.TemporaryDirectory(prefix="configsvc-bench-") as scratch,
        behind(Path(scratch), API_KEY, ground.cloud.sealed(namespace)) as service,
    ):
        ground.cloud.service = service.answer
        consumer = _sample(ground, "configsvc", 1)

        def cooled() -> float:
            service.cool()
            return consumer()

        def warm() -> float:
            ground.counted("cold.py", "configsvc")
            return consumer()

        powertools = _sample(ground, "powertools", 1)
        try:
            times = interleave({"cold": cooled, "warm": warm, "powertools": powertools}, rounds)
        finally:
            ground.cloud.service = None
    name = "cold start to the first secret, the service cold too"
    pairs = (
        Pair(name, "cold", "powertools", "get_parameter"),
        Pair(name, "cold", "warm", "the service warm"),
        Pair("the same, the service warm", "warm", "powertools", "get_parameter"),
    )
    return [pair.row(times) for pair in pairs], times


def measure_thousand(ground: Ground, rounds: int) -> tuple[list[Row], Sides]:
    """A thousand values, 5 ms per call."""
    sides: dict[str, Sample] = {
        "configsvc, 1,000": _sample(ground, "configsvc", 1000),
        "powertools, 1,000": _sample(ground, "powertools_thousand", 1),
        "credstash, 1,000": _sample(ground, "credstash_thousand", 1),
    }
    ground.cloud.latency = _LATENCY
    try:
        times = interleave(sides, rounds)
    finally:
        ground.cloud.latency = 0.0
    ours, name = "configsvc, 1,000", "1,000 secrets, cold, 5 ms per call"
    pairs = (
        Pair(name, ours, "powertools, 1,000", "get_parameters", 1 / 15, 1 / 20),
        Pair(name, ours, "credstash, 1,000", "credstash getall", 1 / 80, 1 / 140),
    )
    return [pair.row(times) for pair in pairs], times


def _make_cold_rows(times: Sides) -> list[Row]:
    name, boto3 = "cold start to the first secret", "import boto3"
    pairs = (
        Pair(name, "configsvc", "powertools", "get_parameter", 1 / 7, 1 / 9),
        Pair("100 secrets, cold", "configsvc, 100", "powertools", "get_parameter of one", 1 / 6, 1 / 8),
        Pair("import", "import configsvc_client", boto3, boto3, 1 / 5, 1 / 8),
        Pair(name, "configsvc", "boto3 SSM", "boto3 SSM"),
        Pair(name, "configsvc", "secrets manager caching", "aws-secretsmanager-caching"),
        Pair(name, "configsvc", "credstash", "credstash"),
    )
    return [pair.row(times) for pair in pairs]


def _memory(peaks: Mapping[str, list[float]]) -> list[Row]:
    """Each round's peaks beyond bare Python's; Lambda's runtime is in all, and in the libraries alone."""
    over = {
        side: [peak - bare for peak, bare in zip(found, peaks["bare"], strict=True)] for side, found in peaks.items()
    }
    over["own"] = [whole - libraries for whole, libraries in zip(over["configsvc"], over["libraries"], strict=True)]
    sides = Sides(over)
    shown = {side: f"{sides.median(side) / _MEGABYTE:.1f} MB" for side in over}
    name, theirs = "peak memory over bare Python", f"get_parameter {shown['powertools']}"
    alone = f"{name}, of ssl, httptools and cryptography alone"
    return [
        Row(name, sides.ratio("configsvc", "powertools"), shown["configsvc"], theirs, 1 / 2, 1 / 3),
        Row(alone, sides.ratio("libraries", "powertools"), shown["libraries"], theirs),
        Row(f"{name}, of our own code", sides.ratio("own", "powertools"), shown["own"], theirs, 0.05, 0.04),
    ]


def _sample(ground: Ground, side: str, values: int, peaks: list[float] | None = None) -> Sample:
    expected = 1000 if side.endswith("thousand") else values

    def sample() -> float:
        found = ground.run("cold.py", side, namespace=namespace_of(values))
        if found["values"] != expected:
            raise RuntimeError(f"{side} held {found['values']} values, not {expected}")
        if peaks is not None:
            peaks.append(found["peak"])
        return float(found["seconds"])

    return sample


def _peak(ground: Ground, peaks: list[float], script: str, *arguments: str) -> Sample:
    def sample() -> float:
        peaks.append(ground.run(script, *arguments))
        return 1.0

    return sample


def _leave_out(times: Sides, *sides: str) -> Sides:
    return Sides({name: seconds for name, seconds in times.seconds.items() if name not in sides})
