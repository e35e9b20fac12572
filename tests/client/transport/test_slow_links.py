"""A refresh slower than its usual deadline still arrives, and a black hole costs what the documentation says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from configsvc.model.errors import Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import render
from configsvc_client import Config
from configsvc_client._ports import FetchedSnapshot
from tests.client.refresh.test_background import wait_until
from tests.client.refresh.test_overdue import Context, loaded, reason
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_data_key, make_envelope, make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import Answer, Serve, run_scripted, run_stub, take_request
from tests.support.client.stub_service import answer_kms, run_service

TOO_SLOW = Unavailable("did not answer in time", reason="deadline")
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "f"}
ALL_FAIL = [TOO_SLOW] * 1000


def measure_deadlines(stage: Stage, read: Callable[[], object], times: int) -> list[float]:
    """Returns the seconds that each of several refreshes got, one interval after another."""
    begun = len(stage.gateway.deadlines)
    seconds = []
    for number in range(times):
        stage.clock.advance(67)
        read()
        wait_until(lambda expected=begun + number + 1: len(stage.gateway.deadlines) == expected)
        wait_until(lambda: stage.config._made._last().ended)  # type: ignore[union-attr]  # noqa: SLF001  # no public sign
        seconds.append(round(stage.gateway.deadlines[-1] - stage.clock.up, 6))
    return seconds


def test_each_refresh_that_times_out_doubles_the_next_deadline() -> None:
    stage = loaded()
    stage.gateway.fail = list(ALL_FAIL)
    assert measure_deadlines(stage, lambda: stage.config["a"], 8) == [0.8, 1.6, 3.2, 6.4, 8, 0.8, 1.6, 3.2]


def test_in_lambda_a_refresh_takes_at_most_half_the_remaining_time() -> None:
    stage = loaded(**LAMBDA)
    stage.gateway.fail = list(ALL_FAIL)
    handler = stage.config.handler(lambda event, context: (event, context))
    assert measure_deadlines(stage, lambda: handler(None, Context(900)), 7) == [0.8, 1.6, 3.2, 6.4, 8, 0.8, 1.6]
    short = loaded(**LAMBDA)
    short.gateway.fail = list(ALL_FAIL)
    handler = short.config.handler(lambda event, context: (event, context))
    assert measure_deadlines(short, lambda: handler(None, Context(6)), 6) == [0.8, 1.6, 3, 3, 3, 3]


def test_in_lambda_outside_a_handler_the_deadline_doubles_once() -> None:
    stage = loaded(**LAMBDA)
    stage.gateway.fail = list(ALL_FAIL)
    assert measure_deadlines(stage, lambda: stage.config["a"], 5) == [0.8, 1.6, 0.8, 1.6, 0.8]


def test_longer_deadline_is_kept_until_a_change_arrives_quickly() -> None:
    stage = loaded()
    stage.gateway.fail = [TOO_SLOW]
    assert measure_deadlines(stage, lambda: stage.config["a"], 1) == [0.8]
    stage.gateway.during = lambda: stage.clock.advance(1.2)
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(67)
    wait_until(lambda: stage.config["a"] == "2")
    stage.gateway.during = lambda: None
    assert measure_deadlines(stage, lambda: stage.config["a"], 2) == [1.6, 1.6]  # unchanged: quick over any link
    stage.serve(seal_values({"a": "3"}, revision=3))
    assert measure_deadlines(stage, lambda: stage.config["a"], 2) == [1.6, 0.8]


@pytest.mark.parametrize(("took", "then"), [(0.375, 1), (0.5, 2), (0.625, 2)])
def test_change_counts_as_quick_below_half_the_usual_time(took: float, then: float) -> None:
    stage = loaded(CONFIGSVC_REFRESH_SECONDS="1")
    assert stage.config.refresh() is False
    stage.gateway.fail = [TOO_SLOW]
    assert measure_deadlines(stage, lambda: stage.config["a"], 1) == [1]
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.gateway.during = lambda: stage.clock.advance(took)
    stage.clock.advance(67)
    wait_until(lambda: stage.config["a"] == "2")
    stage.gateway.during = lambda: None
    assert measure_deadlines(stage, lambda: stage.config["a"], 1) == [then]


@pytest.mark.parametrize(("took", "then"), [(0.875, 1), (1, 2)])
def test_any_failure_at_the_deadline_counts_as_a_timeout(took: float, then: float) -> None:
    stage = loaded(CONFIGSVC_REFRESH_SECONDS="1")
    stage.gateway.during = lambda: stage.clock.advance(took)
    stage.gateway.fail = [Unavailable("connection refused", reason="connection")]
    stage.clock.advance(67)
    stage.config.snapshot()
    stage.gateway.during = lambda: None
    assert measure_deadlines(stage, lambda: stage.config["a"], 1) == [then]


def test_other_failures_do_not_extend_the_deadline() -> None:
    stage = loaded()
    stage.gateway.fail = [Unavailable("connection refused", reason="connection")] * 10
    assert measure_deadlines(stage, lambda: stage.config["a"], 3) == [0.8] * 3


def test_kms_too_slow_for_one_namespace_gets_more_time() -> None:
    shared = Namespace("shared.prod")
    stage = Stage(seal_values({"a": "1"}), seal_values({"b": "1"}, namespace=shared), CONFIGSVC_DATA_KEY_SECONDS="1")
    stage.config.snapshot()
    stage.serve(seal_values({"b": "2"}, revision=2, namespace=shared))
    stage.kms.down = TOO_SLOW
    assert measure_deadlines(stage, lambda: stage.config["b"], 3) == [0.8, 1.6, 3.2]
    stage.kms.down = None
    assert measure_deadlines(stage, lambda: stage.config["b"], 1) == [6.4]
    assert stage.config["b"] == "2"


def test_outside_lambda_the_refresh_outlasts_the_waiting_caller() -> None:
    stage = loaded(CONFIGSVC_REFRESH_SECONDS="0.1")
    stage.gateway.fail = [TOO_SLOW]
    inside, done, changed = threading.Event(), threading.Event(), threading.Event()
    stage.clock.advance(67)
    stage.config.snapshot()

    def slow() -> None:
        inside.set()
        assert done.wait(30)

    stage.gateway.during = slow
    stage.config.on_change("", lambda _: changed.set())
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(67)
    assert (stage.config["a"], reason(stage)) == ("1", "deadline")
    assert inside.wait(30)
    stage.clock.advance(0.15)
    assert [stage.config["a"] for _ in range(100)] == ["1"] * 100  # no read waits again
    assert len(stage.gateway.asked) == 3
    with pytest.raises(Unavailable, match="under way"):
        stage.config.refresh()
    done.set()
    assert changed.wait(30)
    assert (stage.config["a"], stage.config.last_error) == ("2", None)


def make_big_snapshot(revision: int) -> FetchedSnapshot:
    """Makes a snapshot of about 300 KB; the value of `a` is its revision."""
    entries = [
        make_plain_entry("a", str(revision)),
        *(make_plain_entry(f"k{number}", "x" * 3000) for number in range(100)),
    ]
    return make_snapshot(entries, revision=revision, data_keys=[])


def serve_slowly(seconds: float) -> Serve:
    """Answers each request with the next revision and spreads the body over a number of seconds."""
    revisions = iter(range(1, 1000))

    def serve(connection: socket.socket) -> None:
        pause = threading.Event()
        while take_request(connection):
            revision = next(revisions)
            now = make_big_snapshot(revision)
            body = render(now.sealed).encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: {now.etag}\r\n"
            connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode())
            for part in split(body, 20):
                pause.wait(seconds / 20 if revision > 1 else 0)
                connection.sendall(part)

    return serve


def split(body: bytes, number: int) -> Iterator[bytes]:
    size = -(-len(body) // number)
    return (body[at : at + size] for at in range(0, len(body), size))


@pytest.mark.parametrize("environ", [{}, LAMBDA], ids=["a server", "Lambda"])
def test_snapshot_slower_than_the_deadline_still_arrives(environ: dict[str, str]) -> None:
    with (
        run_scripted(*[serve_slowly(0.6)]) as server,
        closing(
            Config("payments.prod", url=f"http://127.0.0.1:{server.port}", api_key="k", environ=environ,
                   poll_seconds=0.01, refresh_seconds=0.2)
        ) as config,
    ):  # fmt: skip
        handler = config.handler(lambda event, context: (event, context, config["a"])[2])
        first = handler(None, Context(60))
        wait_until(lambda: handler(None, Context(60)) != first)
        assert config.counts["failures"] >= 1


@pytest.mark.parametrize("slow", ["api", "kms"])
def test_first_byte_after_the_deadline_still_arrives(slow: str) -> None:
    pause, patient = threading.Event(), threading.Event()
    served = [1]

    def api(_: str, __: str, headers: dict[str, str], ___: bytes) -> Answer:
        raw = bytes([served[0]]) * 32
        entry = make_envelope("a", str(served[0]).encode(), raw=raw, version=served[0])
        now = make_snapshot([entry], revision=served[0], data_keys=[make_data_key(raw)])
        if patient.is_set() and slow == "api":
            pause.wait(0.6)
        if headers.get("if-none-match") == now.etag:
            return 304, {"etag": now.etag}, b""
        return 200, {"content-type": "application/json", "etag": now.etag}, render(now.sealed).encode()

    def kms(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if patient.is_set() and slow == "kms":
            pause.wait(0.6)
        return answer_kms(method, path, headers, body)

    with run_service(seal_values({"a": "1"})) as running, run_stub(api) as slow_api, run_stub(kms) as slow_kms:
        environ = {**running.environ, "CONFIGSVC_URL": slow_api.url, "AWS_ENDPOINT_URL_KMS": slow_kms.url}
        with closing(Config(environ=environ, poll_seconds=0.01, refresh_seconds=0.2)) as config:
            assert config["a"] == "1"
            patient.set()
            served[0] = 2
            wait_until(lambda: config["a"] == "2")
            assert config.counts["failures"] >= 1
