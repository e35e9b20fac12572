import gc
import os
import weakref

import pytest
import snapshot_restore_py  # type: ignore[import-untyped]  # it has no types

from configsvc_client import _process
from configsvc_client._process import register_copy_hooks
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values

SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


def restore() -> None:
    """Runs the restore hooks, as Lambda's runtime does after restoring a copy."""
    for function, args, kwargs in snapshot_restore_py.get_after_restore():
        function(*args, **kwargs)


def test_restore_closes_connections_and_makes_the_snapshot_due() -> None:
    stage = Stage(seal_values({"a": "1"}), **SNAP_START)
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    restore()
    assert stage.closed == 1
    assert stage.config["a"] == "2"
    assert len(stage.gateway.asked) == 2


def test_restore_before_the_first_load_changes_nothing() -> None:
    stage = Stage(seal_values({"a": "1"}), **SNAP_START)
    stage.config._after_restore()  # noqa: SLF001  # what the runtime calls
    assert stage.config["a"] == "1"


def test_no_restore_hook_is_registered_without_snap_start() -> None:
    before = len(snapshot_restore_py.get_after_restore())
    Stage(seal_values({"a": "1"})).config.snapshot()
    assert len(snapshot_restore_py.get_after_restore()) == before


def test_hook_does_not_keep_a_config_alive() -> None:
    stage = Stage(seal_values({"a": "1"}), **SNAP_START)
    stage.config.snapshot()
    gone = weakref.ref(stage.config)
    del stage
    gc.collect()
    assert gone() is None
    restore()


def test_child_process_draws_its_own_jitter() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.chance = 0.25
    stage.config._after_fork()  # noqa: SLF001  # what os.register_at_fork calls
    stage.clock.advance(14)
    stage.config.snapshot()
    assert (len(stage.gateway.asked), stage.closed) == (1, 1)
    stage.clock.advance(1)
    stage.config.snapshot()
    assert len(stage.gateway.asked) == 2
    register_copy_hooks(stage.config, {})


def test_dropped_configs_leave_no_hook_behind() -> None:
    before = len(snapshot_restore_py.get_after_restore())
    alive = len(_process._HOOKED)  # noqa: SLF001  # counted here
    stage = Stage(seal_values({"a": "1"}), **SNAP_START)
    for _ in range(10_000):
        register_copy_hooks(RecordingHooks([]), stage.environ)
    gc.collect()
    assert len(_process._HOOKED) <= alive  # noqa: SLF001  # counted here
    assert len(snapshot_restore_py.get_after_restore()) <= max(before, 1)


class RecordingHooks:
    """Records each call of its hooks, and may fail."""

    def __init__(self, calls: list[str], fails: bool = False) -> None:  # noqa: FBT001, FBT002  # a test helper
        self.calls, self.fails = calls, fails

    def _after_fork(self) -> None:
        self.calls.append("forked")
        if self.fails:
            raise ZeroDivisionError

    def _after_restore(self) -> None:
        self.calls.append("restored")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # about forking with threads
def test_every_hook_runs_once_even_if_another_fails() -> None:
    calls: list[str] = []
    those = RecordingHooks(calls, fails=True), RecordingHooks(calls)
    for each in those:
        register_copy_hooks(each, SNAP_START)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, " ".join(calls).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"forked forked"
    os.close(reading)
    os.close(writing)
    restore()
    assert calls == ["restored", "restored"]
