"""The path of a read: no lock and no I/O, both clocks in `config[key]`, none on a snapshot or in a wrapped handler."""

from __future__ import annotations

import dis
import types
from typing import NoReturn

import pytest

from configsvc_client import Config, Snapshot
from configsvc_client._refresh import reads
from configsvc_client._world import SystemClocks
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values


class Untouchable:
    """Stands for a lock, the service or KMS where nothing may use them."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"{name} is used")

    def __enter__(self) -> NoReturn:
        raise AssertionError("taken")

    def __exit__(self, *_: object) -> None: ...


class Watched:
    """A loaded Config of which every port but the clocks fails when used, and that counts how often these are asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.stage = Stage(seal_values({"a": "1"}))
        self.at, self.up = self.stage.clock.now()
        self.stage.clock.wall = self.wall  # type: ignore[method-assign]  # counts
        self.stage.clock.monotonic = self.monotonic  # type: ignore[method-assign]  # counts
        self.config = self.stage.config
        self.config.snapshot()
        made = self.config._keeper()  # noqa: SLF001  # to forbid what is inside
        made._flights = Untouchable()  # type: ignore[assignment]  # noqa: SLF001  # as above
        made._world = Untouchable()  # type: ignore[assignment]  # noqa: SLF001  # as above
        self.config._making = Untouchable()  # type: ignore[assignment]  # noqa: SLF001  # as above
        self.asked.clear()

    def wall(self) -> float:
        self.asked.append("wall")
        return self.at

    def monotonic(self) -> float:
        self.asked.append("monotonic")
        return self.up


def test_a_read_of_config_asks_each_clock_once_and_takes_no_lock() -> None:
    watched = Watched()
    reads = [watched.config["a"], watched.config.get("a"), watched.config.secret("a").reveal(), "a" in watched.config]
    assert reads == ["1", "1", "1", True]
    assert sorted(watched.asked) == 4 * ["monotonic"] + 4 * ["wall"]
    with pytest.raises(KeyError):
        watched.config["b"]


@pytest.mark.parametrize(("wall", "up"), [(67, 0), (0, 67), (-3600, 67), (67, -3600)])
def test_outside_its_window_by_either_clock_a_read_does_more(wall: float, up: float) -> None:
    watched = Watched()
    watched.at += wall
    watched.up += up
    with pytest.raises(AssertionError, match="clock is used"):
        watched.config["a"]


def test_snapshot_and_handler_reads_use_no_clock_and_no_lock() -> None:
    stage = Stage(seal_values({"a": "1"}))
    snapshot = stage.config.snapshot()

    def read(event: object, context: object) -> list[object]:
        del event, context
        config = stage.config
        made = config._keeper()  # noqa: SLF001  # to forbid what is inside
        config._wall = config._monotonic = Untouchable()  # type: ignore[assignment]  # noqa: SLF001  # as above
        made._flights = made._world = Untouchable()  # type: ignore[assignment]  # noqa: SLF001  # as above
        return [config["a"], config.get("a"), config.secret("a").reveal(), config.snapshot()["a"], *config]

    assert stage.config.handler(read)(None, None) == ["1", "1", "1", "1", "a"]
    assert snapshot["a"] == "1"


def calls(function: object) -> int:
    assert isinstance(function, types.FunctionType)
    return sum(each.opname == "CALL" for each in dis.get_instructions(function))


def test_the_fast_path_makes_two_c_calls_and_a_snapshot_no_python() -> None:
    stage = Stage(seal_values({"a": "1"}))
    names = set(Config.__getitem__.__code__.co_names) - {"KeyError"}
    assert names == {"_open", "until", "time", "ends", "monotonic", "plain", "snapshot", "_read_held"}
    assert calls(Config.__getitem__) == 3  # the clocks, and what is done outside the window
    clocks = [reads.time, reads.monotonic]  # type: ignore[attr-defined]  # as it calls them
    assert clocks == [SystemClocks.wall, SystemClocks.monotonic]
    assert isinstance(stage.config._of_invocation, types.BuiltinFunctionType)  # noqa: SLF001  # a C function
    assert isinstance(stage.config.snapshot().__getitem__, types.BuiltinFunctionType)


def test_a_snapshot_cannot_be_changed() -> None:
    snapshot: Snapshot = Stage(seal_values({"a": "1"})).config.snapshot()
    for change in ("snapshot['a'] = 1", "del snapshot['a']", "snapshot.revisions = 1", "del snapshot._values"):
        with pytest.raises((TypeError, AttributeError)):
            exec(change)  # noqa: S102  # statements, not expressions
    snapshot.revisions["payments.prod"] = 0
    assert snapshot.revisions == {"payments.prod": 1}
    assert not issubclass(type(snapshot), dict)
