"""The whole service, step by step against a plain model, in every weather that a store can make."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machines.machine import Build, ServiceMachine


def run(build: Build, examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: ServiceMachine(build),
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None),
    )


def test_the_service_never_differs_from_a_plain_model() -> None:
    run(Build(), 60, 50)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_service_never_differs_from_a_plain_model_in_50_000_steps() -> None:
    run(Build(), 1000, 50)
