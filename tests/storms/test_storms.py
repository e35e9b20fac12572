"""The service over HTTP with faults and kills: all responses fit one order that real time allows.

A seed determines the workload, the faults and the kills, but not how threads and processes interleave. It is printed
when a storm fails. Running it again makes the same storm, which need not fail at the same place.
"""

import random
from pathlib import Path

import pytest

from infra.packaging.service_zip import Package
from local.emulator.launcher import Emulator
from tests.support.storms.plan import Size
from tests.support.storms.stand import Parts
from tests.support.storms.storm import run_storm
from tests.support.storms.verdict import judge

pytestmark = pytest.mark.emulator


def run_and_judge(package: Package, emulator: Emulator, scratch: Path, seed: int, size: Size) -> None:
    came = run_storm(Parts(package, emulator, scratch, size.environments), seed, size)
    print(came)  # noqa: T201  # shown where it fails
    judge(came)
    assert came.began == size.operations
    assert came.killed == size.kills


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_s59_1008_operations_with_faults_and_4_kills_are_linearizable(
    built_package: Package, emulator: Emulator, tmp_path: Path, seed: int
) -> None:
    run_and_judge(built_package, emulator, tmp_path, seed, Size(writes=42, kills=4))


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("_", range(4))
def test_8016_operations_with_40_kills_are_linearizable_for_a_new_seed(
    built_package: Package, emulator: Emulator, tmp_path: Path, _: int
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    run_and_judge(built_package, emulator, tmp_path, seed, Size(writes=334, kills=40))
