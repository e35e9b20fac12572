"""Shows that each planted bug is detected, so that finding none means something."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from configsvc.service.engine.ports import Repository
from tests.support.machines import planted
from tests.support.machines.machine import Build, ServiceMachine


def _loose(*prefixes: str) -> Callable[[Repository], Repository]:
    return lambda inner: planted.Unconditioned(inner, lambda sk: sk.startswith(prefixes))


BUGS = {
    "HEAD and the log are not checked": Build(below=_loose("HEAD", "R#")),
    "keys are not checked while reads tear": Build(below=_loose("K#")),
    "settings are not checked": Build(below=_loose("SETTINGS")),
    "activated versions are not checked": Build(below=_loose("V#")),
    "nothing is checked: lost updates": Build(below=_loose("")),
    "HEAD and entry in two commits": Build(above=planted.TwoCommits),
    "a stale HEAD is read": Build(above=planted.StaleHead),
    "the answer to an Idempotency-Key is not kept": Build(
        below=lambda inner: planted.Dropping(inner, planted.is_answer)
    ),
    "the change log is not written": Build(below=lambda inner: planted.Dropping(inner, planted.is_log)),
    "versions are not written": Build(below=lambda inner: planted.Dropping(inner, planted.is_version)),
    "a version number is reused": Build(above=planted.Reusing),
    "bytes are counted wrong": Build(below=planted.Miscounting),
    "a torn Query passes for a snapshot": Build(above=planted.Trusting),
    "a torn HEAD is asked for a data key": Build(above=planted.Credulous),
    "a version younger than HEAD is not noticed": Build(above=planted.Ageless),
    "upkeep removes what time travel needs": Build(above=planted.ShortLog),
    "a rendered snapshot is kept too long": Build(snapshots=planted.ByNamespace),
    "grants are kept for ever": Build(grants=lambda _: planted.ForEver()),
}

LONGER = dict.fromkeys(
    (
        "activated versions are not checked",
        "grants are kept for ever",
        "keys are not checked while reads tear",
        "settings are not checked",
        "a version younger than HEAD is not noticed",
    ),
    pytest.mark.slow,
)


@pytest.mark.timeout(500)
@pytest.mark.parametrize("build", [pytest.param(BUGS[name], id=name, marks=LONGER.get(name, ())) for name in BUGS])
def test_a_planted_bug_is_detected(build: Build) -> None:
    class Machine(ServiceMachine):
        def __init__(self) -> None:
            super().__init__(build)

    # Hypothesis also draws constants of all loaded modules, so when it meets a bug depends on the tests before.
    bounded = settings(
        max_examples=5000, stateful_step_count=50, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Machine, settings=bounded)
