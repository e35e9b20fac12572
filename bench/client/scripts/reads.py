"""In one process, with everything loaded and held: what one read costs on each side, round by round."""

import json
import sys
import threading
import time
import timeit
from collections.abc import Callable

from aws_lambda_powertools.utilities import parameters
from cachetools import TTLCache

from bench.measure import Sample, interleave
from configsvc_client import Config

NAME = "/bench/1/k0"
THREADS = 8


def alone(statement: str, names: dict[str, object], times: int) -> Sample:
    """Seconds of one statement, the best of five, to exclude other processes. Includes timeit's empty loop."""
    timer = timeit.Timer(statement, globals=names)
    return lambda: min(timer.repeat(5, times // 5)) / (times // 5)


def together(statement: str, names: dict[str, object], times: int) -> Sample:
    """Seconds of one statement when threads share the work, by the wall clock."""

    def sample() -> float:
        loop = timeit.Timer(statement, globals=names).timeit
        gate = threading.Barrier(THREADS + 1)

        def work() -> None:
            gate.wait()
            loop(times)

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        gate.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        return (time.perf_counter() - began) / (times * THREADS)

    return sample


config = Config(poll_seconds=3600.0)
wrapping = Config(poll_seconds=3600.0)
snapshot = config.snapshot()
cache: TTLCache[str, str] = TTLCache(maxsize=1000, ttl=3600)
cache["k0"] = plain = str(config["k0"])
names: dict[str, object] = {
    "config": config, "wrapping": wrapping, "snapshot": snapshot, "cache": cache, "dict_": {"k0": plain},
    "parameters": parameters,
}  # fmt: skip
assert parameters.get_parameter(NAME, decrypt=True, max_age=3600) == plain  # noqa: S101  # both hold the same, or we measure nothing
theirs = f'parameters.get_parameter("{NAME}", decrypt=True, max_age=3600)'


@wrapping.handler
def handled(sample: Callable[[], float]) -> float:
    """A sample inside a wrapped handler."""
    return sample()


inside = alone('wrapping["k0"]', names, 200_000)
sides: dict[str, Sample] = {
    "dict": alone('dict_["k0"]', names, 500_000),
    "snapshot": alone('snapshot["k0"]', names, 500_000),
    "config": alone('config["k0"]', names, 200_000),
    "config in a handler": lambda: handled(inside),
    "TTLCache": alone('cache["k0"]', names, 100_000),
    "get_parameter": alone(theirs, names, 5_000),
    "8 threads: config": together('config["k0"]', names, 40_000),
    "8 threads: snapshot": together('snapshot["k0"]', names, 100_000),
    "8 threads: get_parameter": together(theirs, names, 1_000),
}
print(json.dumps(interleave(sides, int(sys.argv[1])).seconds))
