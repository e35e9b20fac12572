"""Every bug planted in the zip is found over HTTP by a recorded seed, which shows that the storms detect bugs."""

import random
from pathlib import Path

import pytest

from infra.packaging.service_zip import Package
from local.emulator.launcher import Emulator
from tests.support.storms.plan import Size
from tests.support.storms.planted import CODE
from tests.support.storms.stand import Parts
from tests.support.storms.storm import run_storm
from tests.support.storms.verdict import judge

pytestmark = [pytest.mark.emulator, pytest.mark.slow]

SMALL = Size(writes=12, kills=0)
"""The bugs are found without kills, which take most of the time."""

SEEDS = dict.fromkeys(CODE, 1)
"""For each bug, a seed that finds it."""

AT_ONCE = {"HEAD and the keys are two transactions", "writes are not conditioned"}
"""Bugs that almost any storm finds; they repeat so much that a longer storm would take minutes."""


TRIES = 3
"""Threads interleave freely, so a seed need not find the same twice; then the next ones are tried."""


def choose_size(bug: str, times: int = 1) -> Size:
    """A multiple of the sufficient size."""
    return SMALL._replace(writes=times * (3 if bug in AT_ONCE else SMALL.writes))


def plant_bug(bug: str, package: Package, emulator: Emulator, scratch: Path) -> Parts:
    """The parts of a rig with the bug in it."""
    scratch.mkdir(exist_ok=True)
    return Parts(package, emulator, scratch, SMALL.environments, CODE[bug].add)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", SEEDS)
def test_s59_a_planted_bug_is_found_by_its_recorded_seed(
    built_package: Package, emulator: Emulator, tmp_path: Path, bug: str
) -> None:
    first = SEEDS[bug]
    assert any(
        finds(plant_bug(bug, built_package, emulator, tmp_path / str(seed)), seed, choose_size(bug))
        for seed in range(first, first + TRIES)
    )


def finds(parts: Parts, seed: int, size: Size) -> bool:
    """Whether a storm of that seed shows the bug."""
    try:
        judge(run_storm(parts, seed, size))
    except AssertionError as error:
        assert f"seed {seed}" in str(error)  # noqa: PT017  # several seeds are tried
        return True
    return False


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", SEEDS)
def test_a_planted_bug_is_found_by_any_seed(
    built_package: Package, emulator: Emulator, tmp_path: Path, bug: str
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    parts = plant_bug(bug, built_package, emulator, tmp_path)
    with pytest.raises(AssertionError, match=f"seed {seed}"):
        judge(run_storm(parts, seed, choose_size(bug, 3)))
