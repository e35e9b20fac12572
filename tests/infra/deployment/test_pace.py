"""How often CloudFormation is asked: every two to five seconds on AWS, and often on the emulator."""

from collections.abc import Callable

import pytest

from infra.deployment.pace import AWS, EMULATOR, Pace


def waits(pace: Pace, seconds: float, draw: Callable[[], float]) -> list[float]:
    slept = list[float]()
    timed = Pace(pace.shortest, pace.longest, slept.append, draw)
    looks = list(timed.looks(seconds))
    assert len(looks) == len(slept) + 1, "it looks first, and once more at the end"
    assert looks[-1] == pytest.approx(sum(slept))
    return slept


@pytest.mark.parametrize("drawn", [0.0, 0.5, 0.999])
def test_on_aws_each_wait_is_two_to_five_seconds(drawn: float) -> None:
    slept = waits(AWS, 600, lambda: drawn)
    assert sum(slept) == pytest.approx(600)
    assert all(2 <= each <= 5 for each in slept[:-1])


def test_the_waits_grow_to_the_longest() -> None:
    slept = waits(AWS, 600, lambda: 1.0)
    assert slept[0] == 2
    assert slept[20] == 5
    assert sorted(slept[:20]) == slept[:20]


def test_two_who_wait_do_not_ask_at_the_same_moment() -> None:
    assert waits(AWS, 60, lambda: 0.1) != waits(AWS, 60, lambda: 0.9)


def test_the_emulator_is_asked_often() -> None:
    assert max(waits(EMULATOR, 30, lambda: 1.0)) <= 0.5


def test_without_time_it_looks_once() -> None:
    assert waits(AWS, 0, lambda: 1.0) == []
