"""Runs the whole service step by step against a plain model, under every fault that a store can have."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from configsvc.service.engine.ports import Repository
from local.emulator.launcher import Emulator
from tests.support.contracts import tables
from tests.support.machines.machine import Build, ServiceMachine

STEPS = 50


def run_machine(build: Build, steps: int, start: int | None = None) -> None:
    class Machine(ServiceMachine):
        def __init__(self) -> None:
            super().__init__(build)

    run_state_machine_as_test(
        Machine if start is None else seed(start)(Machine),
        settings=settings(
            max_examples=steps // STEPS, stateful_step_count=STEPS, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip


def test_the_service_matches_a_plain_model() -> None:
    run_machine(Build(), 2_000)


@pytest.mark.slow
def test_the_service_matches_a_plain_model_in_10_000_steps() -> None:
    run_machine(Build(), 10_000)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_service_matches_a_plain_model_in_a_million_steps() -> None:
    run_machine(Build(), 1_000_000)


def make_tables(emulator: Emulator) -> Callable[[], Repository]:
    """Returns a factory that makes a new table for each run of the machine."""
    client = tables.make_client(emulator.url)
    return lambda: tables.make_repository(client)


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.timeout(300)
@pytest.mark.parametrize("start", [1, 2, 3])
def test_the_service_on_dynamodb_matches_a_plain_model(emulator: Emulator, start: int) -> None:
    # 600 steps in three parts: the emulator slows down as a table fills, and each part has its own timeout.
    run_machine(Build(table=make_tables(emulator), checked_every=STEPS), 200, start)


@pytest.mark.long
@pytest.mark.emulator
@pytest.mark.timeout(1200)
def test_the_service_on_dynamodb_matches_a_plain_model_in_10_000_steps(emulator: Emulator) -> None:
    run_machine(Build(table=make_tables(emulator), checked_every=STEPS), 10_000)
