"""In one process, connections kept: the CPU of one poll that finds nothing new."""

import json
import sys
import time
from collections.abc import Callable

import boto3

from bench.measure import Sample, interleave
from configsvc_client import Config

POLLS = 100
NAMES = [f"/bench/10/k{number}" for number in range(10)]


def processor(poll: Callable[[], object]) -> Sample:
    """CPU seconds of one poll, of this whole process."""

    def sample() -> float:
        began = time.process_time()
        for _ in range(POLLS):
            poll()
        return (time.process_time() - began) / POLLS

    return sample


def names() -> object:
    """Poll for changes as users of boto3 do."""
    return ssm.get_parameters(Names=NAMES, WithDecryption=True)["Parameters"]


config = Config(poll_seconds=3600.0, refresh_seconds=30.0)
config["k0"]
ssm = boto3.client("ssm")
assert not config.refresh()  # noqa: S101  # nothing new, or we measure something else
print(json.dumps(interleave({"poll": processor(config.refresh), "ssm": processor(names)}, int(sys.argv[1])).seconds))
