"""The benches of the service compare two sides that both answer; which is faster is not asked here."""

from collections.abc import Callable

import pytest

from bench import service_init, service_profile, service_warm
from bench.gates import Row
from bench.measure import Sides

Bench = Callable[[int], tuple[list[Row], Sides]]


@pytest.mark.slow
@pytest.mark.parametrize("bench", [service_init.run, service_profile.run, service_warm.run])
def test_every_side_answers_in_every_round(bench: Bench) -> None:
    rows, sides = bench(2)

    assert rows
    assert {len(times) for times in sides.seconds.values()} == {2}
