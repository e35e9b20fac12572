"""Storms over HTTP on the app in process: fast, and on a table with torn reads, which the emulator does not have."""

from collections.abc import Callable
from itertools import count
from os import sched_yield

import pytest

from configsvc.adapters.memory import MemoryRepository
from tests.support.storms.losing import Losing
from tests.support.storms.plan import Size
from tests.support.storms.planted import TAMPERED
from tests.support.storms.stand import Tamper, set_up_in_process
from tests.support.storms.storm import Came, rage, settle
from tests.support.storms.verdict import judge

SIZE = Size(writes=12, kills=0)
SEED = 7
"""This seed finds every bug below, like others."""


def let_others_in() -> Callable[[], None]:
    """Lets other threads run at every fourth gap between two records."""
    gaps = count()

    def let_in() -> None:
        if next(gaps) % 4 == 0:
            sched_yield()

    return let_in


def run_small_storm(tamper: Tamper) -> Came:
    with set_up_in_process(MemoryRepository(let_others_in()), tamper) as made:
        return settle(made, rage(made, SEED, SIZE))


def test_s59_288_operations_with_lost_responses_are_linearizable() -> None:
    came = run_small_storm(lambda target: Losing(target, SEED))
    judge(came)
    assert came.began == SIZE.operations
    assert any(heard.status == 502 for effort in came.efforts for heard in effort.attempts)


@pytest.mark.parametrize("bug", TAMPERED)
def test_s59_a_bug_between_gateway_and_function_is_found(bug: str) -> None:
    with pytest.raises(AssertionError, match=f"seed {SEED}"):
        judge(run_small_storm(TAMPERED[bug]))
