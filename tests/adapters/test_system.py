"""The system's clock and randomness. Importing the adapters needs nothing from the environment."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.system import Elapsed, SystemClock, SystemRandomness, to_moment
from tests.support.service.fakes import FakeClock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000.25, "2027-01-15T08:00:00.250Z"),
        (4_102_444_800, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_a_moment_is_rfc_3339_in_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert to_moment(seconds) == (seconds, text)


def test_the_system_clock_is_used() -> None:
    clock = SystemClock()
    before, told, after = datetime.now(UTC).timestamp(), clock.now().seconds, datetime.now(UTC).timestamp()
    assert before <= told <= after
    first = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() - first >= 0.001


@given(moves=st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e4, 1e4))))
def test_elapsed_time_follows_the_faster_clock_and_never_decreases(moves: list[tuple[float, float]]) -> None:
    monotonic, wall = FakeClock(), FakeClock()
    elapsed = Elapsed(monotonic.monotonic, wall.monotonic)
    told, most = [elapsed()], 0.0
    for steadily, visibly in moves:
        monotonic.pass_by(steadily)
        wall.pass_by(visibly)
        told.append(elapsed())
        most += max(0.0, steadily, visibly)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(most, abs=1e-3)


def test_tags_are_8_random_bytes_in_hex() -> None:
    tags = {SystemRandomness().tag() for _ in range(1000)}
    assert len(tags) == 1000
    assert all(len(bytes.fromhex(tag)) == 8 for tag in tags)


def test_jitter_uses_its_whole_range() -> None:
    drawn = [SystemRandomness().uniform(2.0) for _ in range(1000)]
    assert all(0 <= each < 2 for each in drawn)
    assert min(drawn) < 0.2
    assert max(drawn) > 1.8


def test_the_adapters_are_imported_without_region_credentials_or_botocores_models() -> None:
    program = (
        "import sys, configsvc.adapters.dynamo, configsvc.adapters.dynamo_client, configsvc.adapters.memory;"
        "sys.exit('botocore.session' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], env={}, check=False).returncode == 0
    )  # our own interpreter and program
