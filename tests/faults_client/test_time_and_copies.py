"""Rows 20 to 25 and 30: many threads, freezes, clocks, forks, restores, kills."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from configsvc.model.errors import Unavailable
from tests.support.client.certificates import make_server_context
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values
from tests.support.client.stub_servers import run_scripted, take_request
from tests.support.client.stub_service import Service, run_service
from tests.support.faults_client.processes import process
from tests.support.faults_client.seeds import seeded

READ = """
import sys
from configsvc_client import Config
config = Config(poll_seconds=float(sys.argv[1]), refresh_seconds=20)
for line in sys.stdin:
    print(config["a"], flush=True)
"""
FORK = """
import os, sys, threading
from configsvc_client import Config
config = Config(poll_seconds=0.001, refresh_seconds=20)
assert config["a"] == "1"
kept = config._made
last = kept._last()
under_way = kept._make_flight(last, kept._world.clock.now(), 20)
kept._flights.follow(last, under_way)  # as if a refresh were under way at the moment of the fork
child = os.fork()
if child == 0:
    ok = config["a"] == "1" and config.refresh() is False and config.last_error is None
    os._exit(0 if ok else 1)
_, status = os.waitpid(child, 0)
kept._last().end(kept._last().before)
config.refresh()
print(os.waitstatus_to_exitcode(status), flush=True)
"""
CLONES = """
import os, sys
sys.path.insert(0, sys.argv[1])
from configsvc_client._world import draw_fraction
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values
stage = Stage(seal_values({"a": "1"}))
config = stage.config
config.snapshot()
made = config._made
made._world = made._world._replace(chance=draw_fraction)
print(made.seconds_left(), flush=True)
for _ in range(500):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        forked = made.seconds_left()
        config._after_restore()
        before = len(stage.gateway.asked)
        config.snapshot()
        os.write(writing, f"{forked} {made.seconds_left()} {len(stage.gateway.asked) - before}".encode())
        os._exit(0)
    os.close(writing)
    print(os.read(reading, 100).decode(), flush=True)
    os.close(reading)
    os.waitpid(child, 0)
"""


@pytest.fixture
def running() -> Iterator[Service]:
    with run_service(seal_values({"a": "1"})) as running:
        yield running


@pytest.mark.parametrize("seed", range(3))
def test_20_a_hundred_threads_at_expiry_cause_one_refresh(seed: int) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.chance = seeded(seed).random()
    stage.config.snapshot()
    gate, done, seen = threading.Barrier(101), threading.Event(), list[object]()
    first = threading.Event()

    def slow() -> None:
        first.set()
        assert done.wait(30)

    def read() -> None:
        gate.wait(30)
        seen.append(stage.config["a"])

    stage.gateway.during = slow
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(67)
    threads = [threading.Thread(target=read) for _ in range(100)]
    for thread in threads:
        thread.start()
    gate.wait(30)
    assert first.wait(30)
    pause = threading.Event()
    for _ in range(5000):
        if len(seen) == 99 or len(stage.gateway.asked) > 2:
            break
        pause.wait(0.001)
    done.set()
    assert len(stage.gateway.asked) == 2
    assert seen[:99] == ["1"] * 99
    for thread in threads:
        thread.join(30)
    assert (seen[-1], len(stage.gateway.asked)) == ("2", 2)


def test_21_the_first_access_after_a_freeze_refreshes_before_it_answers(running: Service) -> None:
    with process(READ, running.environ, "0.001") as consumer:
        assert consumer.say() == "1"
        os.kill(consumer.ended.pid, signal.SIGSTOP)
        before = len(running.api.requests)
        running.serve(seal_values({"a": "2"}, revision=2))
        os.kill(consumer.ended.pid, signal.SIGCONT)
        assert consumer.say() == "2"
        assert len(running.api.requests) == before + 1


class Context:
    """Lambda's, as far as it is asked."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


@pytest.mark.parametrize(("left", "deadline"), [(1, 0.0005), (1500, 0.75), (1599, 0.7995), (1600, 0.8), (900_000, 0.8)])
def test_21_after_a_freeze_a_refresh_takes_half_the_remaining_time(left: int, deadline: float) -> None:
    stage = Stage(seal_values({"a": "1"}))
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"])[2])
    assert handler(None, Context(3000)) == "1"
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.at += 3600  # the monotonic clock stood still
    assert handler(None, Context(left)) == "2"
    assert stage.gateway.deadlines[1:] == [pytest.approx(1000 + deadline)]


def test_21_a_cold_invocation_takes_at_most_nine_tenths_of_its_time() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.handler(print)(None, Context(2000))
    assert stage.gateway.deadlines == [1000 + 1.8]


@pytest.mark.parametrize("seed", range(3))
def test_22_a_refresh_is_due_when_either_clock_says_so(seed: int) -> None:
    draw, stage = seeded(seed), Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    for revision in range(2, 200):
        stage.chance = draw.random()
        stage.serve(seal_values({"a": str(revision)}, revision=revision))
        wall, up = draw.choice(
            [(-3600.0, 66.0), (66.0, 0.0), (10 * 365 * 86400.0, 0.0), (-3600.0, 3600.0), (66.0, 66.0)]
        )
        stage.clock.at += wall
        stage.clock.up += up
        assert stage.config.age >= 66
        assert stage.config.snapshot()["a"] == str(revision)
        assert stage.config.age == 0
        stage.clock.at -= 7200
        assert stage.config.age == 0
        stage.clock.at += 7200


def test_22_a_wall_clock_set_back_does_not_open_the_window_again() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(66)
    stage.clock.at -= 100
    assert stage.config["a"] == "2"


def test_23_a_child_never_waits_for_its_parents_refresh_or_sockets(running: Service) -> None:
    with process(FORK, running.environ) as parent:
        assert parent.hear() == "0"
    assert running.api.connections == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_24_a_socket_that_died_while_frozen_is_replaced_without_anyone_noticing(
    how: str, scheme: str, tmp_path: Path
) -> None:
    from configsvc_client import Config
    from tests.faults_client.test_answers import OLD, answer

    frozen, gone = threading.Semaphore(0), threading.Semaphore(0)

    def once(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(answer(OLD))
        frozen.acquire(timeout=30)
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        gone.release()

    with run_scripted(once, tls=make_server_context(tmp_path) if scheme == "https" else None) as server:
        environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        config = Config(
            "payments.prod", url=f"{scheme}://localhost:{server.port}", api_key="k", environ=environ, refresh_seconds=20
        )
        config.snapshot()
        for _ in range(3):
            frozen.release()
            assert gone.acquire(timeout=30)
            assert config.refresh() is False
        frozen.release()
        config.close()
        assert server.connections == 4


def test_25_five_hundred_clones_of_one_state_spread_their_polls() -> None:
    with process(CLONES, {}, str(Path(__file__).parents[2])) as parent:
        at_first = float(parent.hear())
        clones = [[float(each) for each in parent.hear().split()] for _ in range(500)]
    forked, restored, asked = zip(*clones, strict=True)
    assert set(asked) == {1}  # a restored one asks at its first access
    assert distance(list(restored), 54, 66) < 0.1  # Kolmogorov-Smirnov at 500: p < 1e-4
    assert distance(list(forked), 0, at_first) < 0.1


def distance(drawn: list[float], least: float, most: float) -> float:
    """Between the drawn and the uniform distribution, as Kolmogorov and Smirnov measure it."""
    at = sorted((each - least) / (most - least) for each in drawn)
    return max(max(abs(each - n / len(at)), abs(each - (n + 1) / len(at))) for n, each in enumerate(at))


def test_30_a_consumer_killed_in_the_middle_of_a_refresh_leaves_nothing(tmp_path: Path) -> None:
    asked = threading.Event()

    def stalled(connection: object) -> None:
        take_request(connection)  # type: ignore[arg-type]  # a socket
        asked.set()
        connection.recv(1)  # type: ignore[attr-defined]  # until it is gone

    with run_scripted(stalled) as server, run_service(seal_values({"a": "1"})) as running:
        home = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
        with process(
            READ, {**running.environ, **home, "CONFIGSVC_URL": f"http://127.0.0.1:{server.port}"}, "60"
        ) as killed:
            assert killed.ended.stdin
            killed.ended.stdin.write("\n")
            killed.ended.stdin.flush()
            assert asked.wait(30)
            killed.ended.kill()
            killed.ended.wait(30)
        assert list(tmp_path.iterdir()) == []
        with process(READ, {**running.environ, **home}, "60") as following:
            assert following.say() == "1"
    assert list(tmp_path.iterdir()) == []


def test_20_with_an_expired_snapshot_other_threads_wait_for_the_refresh() -> None:
    stage = Stage(seal_values({"a": "1"}), CONFIGSVC_MAX_STALE_SECONDS="120", CONFIGSVC_REFRESH_SECONDS="20")
    stage.config.snapshot()
    inside, done, seen = threading.Event(), threading.Event(), list[object]()

    def slow() -> None:
        inside.set()
        assert done.wait(30)

    stage.gateway.during = slow
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(121)
    threads = [threading.Thread(target=lambda: seen.append(stage.config["a"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert inside.wait(30)
    assert seen == []
    done.set()
    for thread in threads:
        thread.join(30)
    assert seen == ["2"] * 4
    assert len(stage.gateway.asked) == 2


def test_24_closed_connections_are_opened_again_after_a_restore() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.gateway.fail = [Unavailable("down")]
    stage.config._after_restore()  # noqa: SLF001  # what the runtime calls
    assert stage.closed == 1
    assert stage.config["a"] == "1"
    assert len(stage.gateway.asked) == 2
