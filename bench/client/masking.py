"""The cost of `SecretFilter` per log record, with a thousand secrets; there is no other side."""

from __future__ import annotations

import logging
import random

from bench.gates import Row, format_duration
from bench.measure import Sample, Sides, interleave, repeat
from configsvc_client.logging import SecretFilter
from configsvc_client.testing import FakeService

_SECRETS = 1000
_MOST = 20e-6
"""Seconds that a line of 200 bytes may take."""

_REPEATED = 200
_LINE = (
    "2026-11-30T10:22:43Z INFO payments.checkout order 8f14e45f-ceea-467a accepted for customer 120934, 19.90 EUR in "
    "34 ms by https://api.example.com/v1/orders, trace 4bf92f3577b34da6a3ce929d0e0e47361a2b3c"
)
_TOKEN, _URL, _ARGUMENTS = "tokens", "urls that begin as one in the line", "tokens, and arguments in the message"


def measure_masking(rounds: int) -> tuple[list[Row], Sides]:
    """A line without a secret, like nearly all."""
    chance = random.Random(0)  # noqa: S311  # the same secrets every time
    tokens = [f"{chance.randrange(16**32):032x}" for _ in range(_SECRETS)]
    urls = [f"https://api.example.com/v1/{each}" for each in tokens]
    arguments = ("%s accepted for %s%s", (_LINE[:60], _LINE[60:130], _LINE[144:]))
    times = interleave(
        {_TOKEN: _sample(tokens, _LINE), _URL: _sample(urls, _LINE), _ARGUMENTS: _sample(tokens, *arguments)}, rounds
    )
    return [_within(times, side) for side in (_TOKEN, _URL, _ARGUMENTS)], times


def _sample(secrets: list[str], message: str, arguments: tuple[object, ...] = ()) -> Sample:
    fake = FakeService()
    fake.put_all({f"k{number}": secret for number, secret in enumerate(secrets)})
    config = fake.config()
    config.snapshot()
    made = SecretFilter(config)
    record = logging.LogRecord("checkout", logging.INFO, "checkout.py", 1, message, arguments, None)
    assert len(record.getMessage()) == len(_LINE)  # noqa: S101  # or we measure something else
    return repeat(lambda: made.filter(record), _REPEATED)


def _within(times: Sides, side: str) -> Row:
    seconds = times.median(side)
    name = f"SecretFilter, {_SECRETS:,} {side}, of {_MOST * 1e6:.0f} µs"
    return Row(name, seconds / _MOST, format_duration(seconds), "", 1)
