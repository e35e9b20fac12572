"""A herd: many consumers that start at once, against a gateway and a function that throttle as prod's do.

The consumers are real (`Config`, `ApiGateway`, and what they call); the service is a model of API Gateway's token
buckets and Lambda's reserved concurrency. `python -m tests.support.faults_client.herd` prints the table of
docs/RESULTS.md.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from configsvc.model.errors import Unavailable
from configsvc.model.snapshot import render
from configsvc_client import Config, ConfigUnavailable
from configsvc_client._aws.kms import Decrypted
from configsvc_client._ports import World
from configsvc_client._secret import Secret
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._settings import ClientSettings
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import Url, parse_url
from infra import stage
from infra.cloudformation.gateway_responses import PROBLEMS, gateway_responses, problem_body
from tests.support.client.configs import ENVIRON
from tests.support.client.fakes import FakeKms
from tests.support.client.sealing import seal_values
from tests.support.faults_client.seeds import seeded
from tests.support.faults_client.virtual import VirtualTime

INIT_SECONDS, REQUEST_SECONDS, WAY_SECONDS, KMS_SECONDS = 0.8, 0.03, 0.005, 0.02
_SERVED = seal_values({"db.url": "postgres://db", "db.password": "hunter2-hunter2"})
_BODY = render(_SERVED.sealed).encode()
_RESPONSES = gateway_responses()


class Limits(NamedTuple):
    """Limits on requests: the bucket of the stage and of the key, and how many run at once."""

    rate: int
    burst: int
    key_rate: int
    key_burst: int
    at_once: int

    @staticmethod
    def of(name: str) -> Limits:
        """Return the limits of a stage file."""
        found = stage.load_unfinished(name)
        at_once = found.function.reserved_concurrency
        assert at_once is not None
        return Limits(found.api.rate, found.api.burst, found.reader.rate, found.reader.burst, at_once)


class Bucket:
    """Tokens that come back at a rate, up to a burst."""

    def __init__(self, rate: int, burst: int) -> None:
        self._rate, self._burst, self._left, self._since = rate, burst, float(burst), 0.0

    def has_one(self, now: float) -> bool:
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        return self._left >= 1

    def take(self) -> None:
        self._left -= 1


class Service:
    """API Gateway in front of a function; `throttled_as` is the gateway response to what Lambda does not run."""

    def __init__(self, time: VirtualTime, limits: Limits, throttled_as: str = "DEFAULT_5XX") -> None:
        self.asked: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.down_until = 0.0
        self._time, self._limits, self._throttled_as = time, limits, throttled_as
        self._buckets = Bucket(limits.rate, limits.burst), Bucket(limits.key_rate, limits.key_burst)
        self._free_at: list[float] = []

    def answer(self, headers: Mapping[str, str | Secret], deadline: float) -> Response:
        """One request, as long as it takes."""
        self.asked.append(self._time.monotonic())
        self._time.pause(WAY_SECONDS)
        response, seconds = self._decided(headers)
        left = deadline - self._time.monotonic()
        self._time.pause(max(0.0, min(seconds + WAY_SECONDS, left)))
        if seconds + WAY_SECONDS > left:
            raise Unavailable("did not answer in time", reason="deadline")
        self.statuses[response.status] += 1
        return response

    def _decided(self, headers: Mapping[str, str | Secret]) -> tuple[Response, float]:
        now = self._time.monotonic()
        if now < self.down_until:
            raise Unavailable("could not be reached (Connection refused)", reason="connection")
        if not all(bucket.has_one(now) for bucket in self._buckets):
            return _refused("THROTTLED"), 0.0
        for bucket in self._buckets:
            bucket.take()
        seconds = self._run(now)
        if seconds is None:
            return _refused(self._throttled_as), 0.0
        if headers.get("if-none-match") == _SERVED.etag:
            return Response(304, {"etag": _SERVED.etag}, b""), seconds
        return Response(200, {"content-type": "application/json", "etag": _SERVED.etag}, _BODY), seconds

    def _run(self, now: float) -> float | None:
        """How long the function takes; None where Lambda does not run it."""
        for at, free in enumerate(self._free_at):
            if free <= now:
                self._free_at[at] = now + REQUEST_SECONDS
                return REQUEST_SECONDS
        if len(self._free_at) == self._limits.at_once:
            return None
        self._free_at.append(now + INIT_SECONDS + REQUEST_SECONDS)
        return INIT_SECONDS + REQUEST_SECONDS


class _Line:
    """Stands for a `Connection`."""

    def __init__(self, url: Url, service: Service) -> None:
        self.url, self._service = url, service

    def request(  # as `Connection`
        self, _method: str, _target: str, headers: Mapping[str, str | Secret], _body: bytes, deadline: float,
        *, while_waiting: Callable[[], None] | None = None,
    ) -> Response:  # fmt: skip
        if while_waiting:
            while_waiting()
        return self._service.answer(headers, deadline)


class _SlowKms(FakeKms):
    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        self._time.pause(KMS_SECONDS)
        return super().decrypt(ciphertext, context, key_id, deadline)


class Started(NamedTuple):
    """How the starts went: the seconds each took, how many failed, and the requests in all."""

    seconds: list[float]
    failed: int
    asked: list[float]
    statuses: Mapping[int, int]

    def line(self) -> str:
        """For a table."""
        spread = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        every = len(self.seconds) + self.failed
        return (
            f"{every:5d} starts: {100 * self.failed / every:5.1f} % failed, p50 {spread[49]:.2f} s, "
            f"p99 {spread[98]:.2f} s, last {max(self.seconds):.2f} s, {len(self.asked) / every:.2f} requests a start, "
            f"busiest second {peak(self.asked)}, {dict(sorted(self.statuses.items()))}"
        )


def consumer(time: VirtualTime, service: Service, draw: random.Random, **environ: str) -> Config:
    """A real Config of that world."""
    kms = _SlowKms(time)

    def world(_: ClientSettings) -> World:
        line: object = _Line(parse_url(ENVIRON["CONFIGSVC_URL"]), service)
        gateway = ApiGateway(line, "k")  # type: ignore[arg-type]  # stands for a Connection
        return World(gateway, kms, time, draw.random, lambda: None, lambda: None, warn=lambda _: None)

    return Config(environ={**ENVIRON, **environ}, world=world)


def starts(number: int, within: float, seed: int, limits: Limits, throttled_as: str = "DEFAULT_5XX") -> Started:
    """That many cold starts within some seconds."""
    time, draw = VirtualTime(), seeded(seed)
    service = Service(time, limits, throttled_as)
    seconds, failed = list[float](), list[ConfigUnavailable]()

    def start() -> None:
        began = time.monotonic()
        try:
            consumer(time, service, draw).snapshot()
        except ConfigUnavailable as error:
            failed.append(error)
        else:
            seconds.append(time.monotonic() - began)

    for _ in range(number):
        time.at(within * draw.random(), start)
    time.run()
    return Started(seconds, len(failed), service.asked, service.statuses)


def healed(number: int, seed: int, limits: Limits, *, down: float = 600.0, after: float = 300.0) -> list[float]:
    """When the service was asked by that many warm consumers, each read every few seconds, from when it was well again.

    They started together, and the service was down from then on for some seconds.
    """
    time, draw = VirtualTime(), seeded(seed)
    service = Service(time, limits)

    def serve() -> None:
        config = consumer(time, service, draw)
        config.snapshot()
        time.pause(10 - time.monotonic())
        service.down_until = 10 + down
        while time.monotonic() < service.down_until + after:
            time.pause(8 + 4 * draw.random())
            config.snapshot()

    for _ in range(number):
        time.at(0.2 * draw.random(), serve)
    time.run()
    return [moment for moment in service.asked if moment >= service.down_until]


def peak(moments: list[float]) -> int:
    """The most of them in one second."""
    return max(Counter(map(int, moments)).values())


def _refused(kind: str) -> Response:
    status = PROBLEMS[kind].status if kind in PROBLEMS else 500
    template = _RESPONSES[kind]["responseParameters"]
    assert isinstance(template, dict)
    headers = {
        name.removeprefix("gatewayresponse.header.").lower(): str(value).strip("'") for name, value in template.items()
    }
    return Response(status, headers, json.dumps(problem_body(kind, "a-request")).encode())


def main() -> None:
    """Prints what happens, for each seed that is named."""
    prod = Limits.of("prod")
    for seed in map(int, sys.argv[1:] or ["1", "2", "3"]):
        for many, within in ((1000, 0.2), (3000, 0.2), (3000, 0.0)):
            for kind in ("DEFAULT_5XX", "THROTTLED"):
                done = starts(many, within, seed, prod, kind)
                sys.stdout.write(f"seed {seed}, within {within} s, Lambda's throttle as {kind}: {done.line()}\n")
        asked = healed(3000, seed, prod)
        sys.stdout.write(f"seed {seed}: 3000 warm consumers after an outage of 600 s: busiest second {peak(asked)}\n")


if __name__ == "__main__":
    main()
