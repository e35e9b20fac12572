"""Rows 9 and 40: a herd of cold starts where API Gateway and Lambda throttle; warm consumers after an outage.

The client is the real one, the time is virtual, and the service throttles as a stage file says (`herd`).
"""

from __future__ import annotations

import pytest

from tests.support.faults_client.herd import Limits, healed, peak, starts
from tests.support.faults_client.virtual import VirtualTime

KINDS = ["DEFAULT_5XX", "THROTTLED"]
"""API Gateway's answers if Lambda does not run the function: 500 or 429, both with Retry-After."""


def tenth_of_prod() -> Limits:
    """A tenth of what prod lets through, for a tenth of the starts."""
    return Limits(*(limit // 10 for limit in Limits.of("prod")))


@pytest.mark.parametrize("within", [0.0, 0.2])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [100, 300])
def test_40_every_start_of_a_herd_succeeds_where_lambda_throttles(number: int, kind: str, within: float) -> None:
    done = starts(number, within, 1, tenth_of_prod(), kind)
    assert (done.failed, len(done.seconds)) == (0, number)
    assert max(done.seconds) < 8
    assert len(done.asked) < 5 * number


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_40_three_thousand_simultaneous_starts_succeed_within_production_limits(kind: str) -> None:
    done = starts(3000, 0.2, 1, Limits.of("prod"), kind)
    assert (done.failed, len(done.seconds)) == (0, 3000)
    assert max(done.seconds) < 8
    assert len(done.asked) < 4 * 3000


@pytest.mark.slow
def test_09_warm_consumers_do_not_trample_a_service_that_has_healed() -> None:
    asked = healed(300, 1, tenth_of_prod())
    assert peak(asked) < 0.5 * tenth_of_prod().key_rate
    assert len(asked) >= 300


def test_40_the_same_seed_gives_the_same_herd() -> None:
    first, second = (starts(50, 0.1, 3, Limits(10, 20, 10, 20, 2)) for _ in range(2))
    assert first == second


def test_40_an_undersized_service_fails_part_of_a_herd_in_time() -> None:
    done = starts(100, 0.1, 1, Limits(4, 10, 4, 10, 2))
    assert 0 < done.failed < 100
    assert max(done.seconds) < 8


def test_virtual_time_runs_who_waits_less_first() -> None:
    time, seen = VirtualTime(), list[tuple[float, str]]()

    def wait(name: str, seconds: float) -> None:
        time.pause(seconds)
        seen.append((time.monotonic(), name))

    time.at(1.0, lambda: wait("slow", 3))
    time.at(2.0, lambda: wait("fast", 1))
    time.run()
    assert seen == [(3.0, "fast"), (4.0, "slow")]
