"""Rows 1 to 5 and 8 to 10 of the fault table: the service is gone, slow, or says no. A test's number is its row's."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import socket
import threading
from collections.abc import Iterator

import pytest

from configsvc.model.errors import ConfigsvcError, Forbidden, Internal, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc_client import CannotOpen, Config, ConfigUnavailable
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_envelope, make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import Scripted, Serve, run_scripted, take_request
from tests.support.faults_client.seeds import seeded

FILE = {"CONFIGSVC_FALLBACK": "/var/task/fallback.json"}


def down(stage: Stage, times: int = 20) -> None:
    stage.gateway.fail = [Unavailable("down") for _ in range(times)]


@contextlib.contextmanager
def against(server: Scripted, refresh_seconds: float) -> Iterator[Config]:
    config = Config(
        "payments.prod",
        url=f"http://127.0.0.1:{server.port}",
        api_key="k",
        poll_seconds=0.001,
        refresh_seconds=refresh_seconds,
        environ={},
    )
    with contextlib.closing(config):
        yield config


@pytest.mark.parametrize("seed", range(3))
def test_01_warm_a_refusing_api_costs_one_request_an_interval(seed: int) -> None:
    stage, draw = Stage(seal_values({"a": "1"})), seeded(seed)
    stage.config.snapshot()
    down(stage, 10_000)
    tries_before = len(stage.gateway.asked)
    for _ in range(3600):
        stage.chance = draw.random()
        assert stage.config["a"] == "1"
        stage.clock.advance(1)
    assert 3600 / 300 <= len(stage.gateway.asked) - tries_before <= 3600 / 60
    assert stage.config.age == 3600
    assert stage.config.counts["failures"] == len(stage.gateway.asked) - tries_before


def test_02_cold_without_a_file_it_is_unavailable_within_the_start_deadline() -> None:
    stage = Stage(seal_values({"a": "1"}))
    began = stage.clock.up
    stage.gateway.during = lambda: stage.clock.advance(3)
    down(stage)
    with pytest.raises(ConfigUnavailable):
        stage.config["a"]
    assert stage.clock.up - began <= 8 + 3


def test_03_cold_a_file_serves_after_two_seconds_then_the_service() -> None:
    stage = Stage(seal_values({"a": "new"}, revision=3), **FILE)
    stage.save(seal_values({"a": "saved"}, revision=9), ago=3600)
    stage.gateway.during = lambda: stage.clock.advance(2)
    down(stage, 1)
    assert stage.config["a"] == "saved"
    assert len(stage.gateway.asked) == 1
    assert stage.config.revisions == {"payments.prod": 9}
    assert shown(stage.config) == ("fallback", 3602, ConfigUnavailable)
    assert "fallback.json" in stage.warnings[0]
    assert "saved" not in stage.warnings[0].replace("saved from", "")
    stage.gateway.during = lambda: None
    stage.clock.advance(120)
    assert stage.config["a"] == "new"
    assert shown(stage.config) == ("service", 0, None)
    assert stage.gateway.asked[-1] == {"payments.prod": None}
    assert len(stage.kms.calls) == 1


def test_03_a_file_sets_no_floor_but_what_the_service_gave_does() -> None:
    stage = Stage(seal_values({"a": "1"}, revision=2), **FILE)
    stage.save(seal_values({"a": "saved"}, revision=9))
    down(stage)
    stage.config.snapshot()
    down(stage, 0)
    assert stage.config.refresh() is True
    stage.serve(seal_values({"a": "0"}, revision=1))
    with pytest.raises(ConfigsvcError):
        stage.config.refresh()
    assert stage.config["a"] == "1"


def test_03_a_file_needs_kms_and_opens_as_strictly_as_answers() -> None:
    moved = make_envelope("other", b"x")._replace(key=make_envelope("bad", b"").key)
    stage = Stage(seal_values({"a": "1"}), **FILE)
    stage.save(make_snapshot([make_envelope("a", b"1"), moved]))
    down(stage)
    assert stage.config["a"] == "1"
    with pytest.raises(CannotOpen):
        stage.config["bad"]
    without = Stage(seal_values({"a": "1"}), **FILE)
    without.save(seal_values({"a": "1"}))
    without.kms.down = Unavailable("KMS is down")
    down(without)
    with pytest.raises(ConfigUnavailable, match="KMS is down"):
        without.config["a"]


def test_03_a_cold_start_with_403_uses_the_file_and_shows_it() -> None:
    stage = Stage(seal_values({"a": "1"}), **FILE)
    stage.save(seal_values({"a": "saved"}))
    stage.gateway.fail = [Forbidden("the API key is not known")]
    assert stage.config["a"] == "saved"
    assert stage.config.last_error is not None
    assert stage.config.last_error.members["cause"] == "forbidden"
    kept = stage.config.last_error
    assert (kept.__cause__, kept.__context__, kept.__traceback__) == (None, None, None)


def test_04_a_black_hole_costs_a_deadline_and_the_old_value_serves() -> None:
    with (
        run_scripted(*snapshot_then(stalled)) as server,
        against(server, refresh_seconds=0.2) as config,
    ):
        assert config["a"] == "1"
        until_failed(config)
        assert config["a"] == "1"
        assert config.last_error is not None
        assert config.last_error.members["reason"] == "deadline"


def test_04_an_unreachable_address_costs_a_cold_start_its_deadline() -> None:
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):  # the queue is full: the next SYN is dropped
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listening.getsockname())
        config = Config(
            "n", url=f"http://127.0.0.1:{listening.getsockname()[1]}", api_key="k", environ={}, start_seconds=0.5
        )
        with pytest.raises(ConfigUnavailable, match="in time"):
            config["a"]


def test_05_a_drip_is_ended_by_the_total_deadline() -> None:
    with (
        run_scripted(*snapshot_then(dripping)) as server,
        against(server, refresh_seconds=0.3) as config,
    ):
        assert config["a"] == "1"
        until_failed(config)
        assert config["a"] == "1"
        assert config.last_error is not None
        assert config.last_error.members["reason"] == "deadline"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("said", "least", "most"), [(60, 60, 66), (200, 200, 220), (10**6, 270, 300)])
def test_08_retry_after_is_honoured_up_to_five_intervals_with_jitter(
    said: int, least: int, most: int, seed: int
) -> None:
    stage, draw = Stage(seal_values({"a": "1"})), seeded(seed)
    stage.config.snapshot()
    stage.chance = draw.random() / 10  # so that the backoff itself is shorter
    stage.gateway.fail = [Throttled("slow down", retry_after=said)]
    stage.clock.advance(66)
    stage.config.snapshot()
    waited = 0
    while len(stage.gateway.asked) == 2:
        stage.clock.advance(1)
        waited += 1
        stage.config.snapshot()
    assert least <= waited <= most + 1


def test_08_a_cold_start_asks_no_earlier_than_retry_after() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [Throttled("slow down", retry_after=3)]
    assert stage.config["a"] == "1"
    assert stage.clock.pauses == [3 + 3 / 2]


@pytest.mark.parametrize("busy", [Throttled, Unavailable])
@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999])
@pytest.mark.parametrize("said", [0, 1, 2, 7])
def test_08_a_herd_with_one_retry_after_returns_spread_out(
    said: int, chance: float, busy: type[ConfigsvcError]
) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.chance = chance
    stage.gateway.fail = [busy("slow down", retry_after=said)] * 20
    began = stage.clock.up
    with pytest.raises(ConfigUnavailable):
        stage.config["a"]
    waits = stage.clock.pauses
    assert all(wait >= said for wait in waits)
    assert 1 <= len(waits) <= 10
    assert waits[0] == pytest.approx(said + chance * min(max(said, 0.2), 7.2 - said))
    assert stage.clock.up < began + 7.2


@pytest.mark.parametrize("environ", [{}, {"CONFIGSVC_KMS_KEYS": ""}])
@pytest.mark.parametrize("said", [8, 60, 10**8])
def test_08_a_cold_start_gives_up_when_retry_after_is_late(said: int, environ: dict[str, str]) -> None:
    stage = Stage(make_snapshot([make_plain_entry("a", "1")]), **environ)
    stage.gateway.fail = [Throttled("slow down", retry_after=said)]
    with pytest.raises(ConfigUnavailable) as caught:
        stage.config["a"]
    assert (stage.clock.pauses, len(stage.gateway.asked)) == ([], 1)
    assert caught.value.members["retry_after"] == said


def test_08_a_tenth_of_the_time_is_reserved_for_a_trusted_kms() -> None:
    nearly = [Throttled("slow down", retry_after=15)]
    sealed = Stage(make_snapshot([make_plain_entry("a", "1")]), CONFIGSVC_START_SECONDS="16")
    sealed.gateway.fail = [*nearly]
    with pytest.raises(ConfigUnavailable):
        sealed.config["a"]
    open_to_all = Stage(
        make_snapshot([make_plain_entry("a", "1")]), CONFIGSVC_START_SECONDS="16", CONFIGSVC_KMS_KEYS=""
    )
    open_to_all.gateway.fail = [*nearly]
    assert open_to_all.config["a"] == "1"
    assert len(sealed.gateway.asked) == 1


@pytest.mark.parametrize(
    ("environ", "said", "waits"), [({}, 1, [1.4]), ({}, 2, []), ({"CONFIGSVC_KMS_KEYS": ""}, 1, [1.5])]
)
def test_08_with_a_file_the_wait_ends_within_the_services_half(
    environ: dict[str, str], said: int, waits: list[float]
) -> None:
    stage = Stage(make_snapshot([make_plain_entry("a", "1")]), **FILE, **environ)
    stage.save(make_snapshot([make_plain_entry("a", "saved")]))
    stage.gateway.fail = [Throttled("slow down", retry_after=said)] * 2
    assert stage.config["a"] == "saved"
    assert stage.clock.pauses == pytest.approx(waits)


class Left:
    """An invocation with some seconds left."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


@pytest.mark.parametrize(("seconds", "waits"), [(2, [1.31]), (1.2, [])])
def test_08_an_invocation_waits_at_most_nine_tenths_of_its_time(seconds: float, waits: list[float]) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [Throttled("slow down", retry_after=1)]
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"])[2])
    with contextlib.suppress(ConfigUnavailable):
        assert handler(None, Left(seconds)) == "1"
    assert stage.clock.pauses == pytest.approx(waits)
    assert len(stage.gateway.asked) == 1 + len(waits)


@pytest.mark.parametrize("seed", range(20))
def test_02_an_outage_costs_eleven_requests_a_cold_start_at_most(seed: int) -> None:
    stage, draw = Stage(seal_values({"a": "1"})), seeded(seed)
    stage.draw = lambda: draw.choice([0.0, draw.random()])
    down(stage)
    with pytest.raises(ConfigUnavailable):
        stage.config["a"]
    assert 4 <= len(stage.gateway.asked) <= 11


@pytest.mark.parametrize("drawn", [[0.0], [0.999], [0.0, 0.999], [0.999, 0.0], [0.1, 0.0, 0.7]])
@pytest.mark.parametrize("seconds", [1, 2, 8, 60])
def test_02_a_cold_start_always_retries_into_its_last_tenth(seconds: int, drawn: list[float]) -> None:
    stage, draw = (
        Stage(make_snapshot([make_plain_entry("a", "1")]), CONFIGSVC_START_SECONDS=str(seconds)),
        itertools.cycle(drawn),
    )
    stage.draw = lambda: next(draw)
    down(stage)
    began = stage.clock.up
    with pytest.raises(ConfigUnavailable):
        stage.config["a"]
    assert began + 0.9 * 0.9 * seconds <= stage.clock.up < began + seconds


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_02_a_cold_start_survives_an_outage_of_three_quarters_its_time(chance: float) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.chance = chance
    down(stage)
    began = stage.clock.up
    stage.gateway.during = lambda: stage.gateway.fail.clear() if stage.clock.up >= began + 6 else None
    assert stage.config["a"] == "1"


@pytest.mark.parametrize("reason", ["certificate", "not_ours", "unforeseen"])
def test_02_what_time_seldom_mends_is_tried_three_times(reason: str) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [Unavailable("no", reason=reason)] * 20
    with pytest.raises(ConfigUnavailable):
        stage.config["a"]
    assert len(stage.gateway.asked) == 3


@pytest.mark.parametrize("seed", range(3))
def test_09_with_a_third_of_answers_failing_a_fleet_starts(seed: int) -> None:
    draw = seeded(seed)
    failures: list[type[ConfigsvcError]] = [Internal, Unavailable]
    cold, polls, hours = list[int](), 0, 60
    for _ in range(40):
        stage = Stage(seal_values({"a": "1"}))
        stage.gateway.during = lambda stage=stage: fail_sometimes(stage, draw, failures)  # type: ignore[misc]  # bound
        stage.chance = draw.random()
        stage.config.snapshot()
        cold.append(len(stage.gateway.asked))
        if stage.config.age < math.inf:
            before = len(stage.gateway.asked)
            for _ in range(hours):
                stage.chance = draw.random()
                stage.config.snapshot()
                stage.clock.advance(60)
            polls = max(polls, len(stage.gateway.asked) - before)
    assert max(cold) <= 8
    assert sum(cold) <= 2 * len(cold)
    assert polls <= 1.1 * hours


def test_10_a_rotated_api_key_causes_a_distinct_error_and_no_loop() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.gateway.fail = [Forbidden("no") for _ in range(1000)]
    stage.clock.advance(60)
    for _ in range(1000):
        assert stage.config["a"] == "1"
    assert len(stage.gateway.asked) == 2
    assert isinstance(stage.config.last_error, Forbidden)


def fail_sometimes(stage: Stage, draw: random.Random, failures: list[type[ConfigsvcError]]) -> None:
    stage.gateway.fail = [draw.choice(failures)("down")] if draw.random() < 0.3 else []


def snapshot_then(fault: Serve) -> tuple[Serve, ...]:
    """Scripts: one whole answer, then connections with that fault."""
    from configsvc.model.snapshot import render

    body = render(make_snapshot([make_plain_entry("a", "1")], namespace=Namespace("payments.prod")).sealed).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    head += b'ETag: "1-a"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n' % len(body)

    def once(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(head + body)

    return once, fault


def stalled(connection: socket.socket) -> None:
    take_request(connection)
    connection.settimeout(30)
    connection.recv(1)  # until the client gives up


def dripping(connection: socket.socket) -> None:
    take_request(connection)
    pause = threading.Event()
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 1000:
        connection.sendall(bytes([byte]))
        pause.wait(0.05)


def shown(config: Config) -> tuple[str, float, type[ConfigsvcError] | None]:
    return config.source, config.age, type(config.last_error) if config.last_error else None


def until_failed(config: Config) -> None:
    with pytest.raises(ConfigsvcError):
        config.refresh()
