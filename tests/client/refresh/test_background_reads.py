"""With a background thread readers do no I/O until what they hold has expired, and say when the thread is behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from configsvc.model.errors import Unavailable
from configsvc_client import Config, Expired
from tests.client.refresh.test_background import staged, wait_until
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import run_service

READS: dict[str, Callable[[Config], object]] = {
    "config[key]": lambda config: config["a"],
    "get": lambda config: config.get("a"),
    "snapshot": lambda config: config.snapshot()["a"],
    "dict": lambda config: dict(config)["a"],
    "handler": lambda config: config.handler(lambda event, context: (event, context, config["a"])[2])(None, None),
}


class Held:
    """A gateway that holds on to each answer until it is let go, and who asked it."""

    def __init__(self, stage: Stage) -> None:
        self.inside, self.go, self.askers = threading.Event(), threading.Event(), list[str]()
        self.stage = stage

    def __call__(self) -> None:
        self.askers.append(threading.current_thread().name)
        self.inside.set()
        assert self.go.wait(30)


@pytest.mark.parametrize("how", READS)
def test_while_the_thread_refreshes_and_hangs_no_reader_asks_or_waits(how: str) -> None:
    stage = staged()
    assert READS[how](stage.config) == "1"
    stage.gateway.during = held = Held(stage)
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(1)
    assert [READS[how](stage.config) for _ in range(20)] == ["1"] * 20
    assert held.inside.wait(30)
    assert [READS[how](stage.config) for _ in range(20)] == ["1"] * 20
    held.go.set()
    wait_until(lambda: READS[how](stage.config) == "2")
    assert set(held.askers) == {"configsvc refresh"}
    stage.config.close()


def test_last_error_reports_a_background_thread_two_intervals_behind() -> None:
    stage = staged()
    stage.config.snapshot()
    stage.gateway.during = held = Held(stage)
    stage.clock.advance(0.019)
    assert held.inside.wait(30)
    errors = [stage.config.last_error]
    stage.clock.advance(0.002)
    stage.config.snapshot()
    errors.append(behind := stage.config.last_error)
    assert errors == [None, behind]
    assert isinstance(behind, Unavailable)
    assert behind.members["reason"] == "background"
    assert "behind" in behind.detail
    held.go.set()
    wait_until(lambda: stage.config.last_error is None)
    assert stage.config.age < 0.02
    stage.config.close()


def test_what_has_expired_is_refreshed_by_its_reader_while_the_thread_hangs() -> None:
    stage = staged(CONFIGSVC_MAX_STALE_SECONDS="120")
    stage.config.snapshot()
    hangs, go, readers = threading.Event(), threading.Event(), list[str]()

    def during() -> None:
        if threading.current_thread().name == "configsvc refresh":
            hangs.set()
            assert go.wait(30)
        else:
            readers.append(threading.current_thread().name)

    stage.gateway.during = during
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(110)
    assert hangs.wait(30)
    assert stage.config["a"] == "1"
    assert readers == []
    stage.clock.advance(11)
    assert stage.config["a"] == "2"
    assert readers == [threading.current_thread().name]
    go.set()
    stage.config.close()


def test_what_has_expired_and_cannot_be_refreshed_raises() -> None:
    stage = staged(CONFIGSVC_MAX_STALE_SECONDS="120")
    stage.config.snapshot()
    stage.gateway.fail = [Unavailable("down")] * 1000
    stage.clock.advance(121)
    with pytest.raises(Expired):
        stage.config["a"]
    stage.config.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_next_due_read_restarts_a_thread_ended_by_a_callback() -> None:
    stage = staged()
    stage.config.on_change("a", lambda _: exec("raise SystemExit"))  # noqa: S102  # as a callback may
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(1)
    wait_until(lambda: not any(each.name == "configsvc refresh" for each in threading.enumerate()))
    stage.clock.advance(1)
    assert stage.config["a"] == "2"
    assert any(each.name == "configsvc refresh" for each in threading.enumerate())
    stage.config.close()


def test_an_event_loop_never_stops_for_a_read(capfd: pytest.CaptureFixture[str]) -> None:
    """The loop's own thread never asks the service; a task that ticks runs on while the thread's request hangs."""
    stage = staged()
    held = Held(stage)

    async def serve() -> tuple[int, list[object]]:
        assert (await asyncio.to_thread(stage.config.snapshot))["a"] == "1"
        stage.gateway.during = held
        ticks, values = 0, list[object]()
        for _ in range(50):
            stage.clock.advance(1)
            values += [read(stage.config) for read in READS.values()]
            await asyncio.sleep(0)
            ticks += 1
        assert await asyncio.to_thread(held.inside.wait, 30)
        held.go.set()
        return ticks, values

    ticks, values = asyncio.run(serve(), debug=True)
    assert (ticks, set(values)) == (50, {"1"})
    assert threading.current_thread().name not in held.askers
    stage.config.close()
    assert "Executing" not in capfd.readouterr().err  # what asyncio says of steps that took long


def test_an_event_loop_ticks_while_a_thread_loads_from_a_slow_service() -> None:
    with run_service(seal_values({"a": "1"})) as running:
        config = Config(environ=running.environ, poll_seconds=0.01, refresh_seconds=20, background=True)

        async def serve() -> int:
            ticks, loading = 0, asyncio.create_task(asyncio.to_thread(config.snapshot))
            while not loading.done():
                await asyncio.sleep(0)
                ticks += 1
            running.serve(seal_values({"a": "2"}, revision=2))
            while config["a"] != "2":
                await asyncio.sleep(0)
                ticks += 1
            return ticks

        assert asyncio.run(asyncio.wait_for(serve(), 30)) > 1
        config.close()
