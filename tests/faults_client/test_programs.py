"""Rows 34 to 36, 42 and 43: what programs do around a Config: signals, time limits, threads, forks, event loops."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import closing

import pytest

from configsvc_client import Config
from tests.client.process.test_without_threads import LIMITED
from tests.faults_client.test_network import stalling
from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import run_service
from tests.support.faults_client.processes import process

ONE, TWO = seal_values({"a": "1"}), seal_values({"a": "2"}, revision=2)
SIGNALLED = """
import faulthandler, signal, sys
from configsvc_client import Config
faulthandler.dump_traceback_later(60, exit=True)
config = Config(start_seconds=50, refresh_seconds=50)

def end(*_):
    print(config["a"], flush=True)
    config.close()
    raise SystemExit(3)

signal.signal(signal.SIGTERM, end)
config["a"]
for line in sys.stdin:
    config.refresh()
"""
LIMITED_IN_TIME = """
import faulthandler, signal, sys
from configsvc_client import Config
faulthandler.dump_traceback_later(60, exit=True)
config = Config(start_seconds=50, refresh_seconds=50)

class SoftTimeLimitExceeded(Exception):
    pass

def limit(*_):
    raise {"TimeoutError": TimeoutError, "SoftTimeLimitExceeded": SoftTimeLimitExceeded}[sys.argv[1]]("the limit")

signal.signal(signal.SIGALRM, limit)
config["a"]
for line in sys.stdin:
    try:
        config.refresh()
        print(config["a"], config.last_error, flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
"""
FORKING = """
import faulthandler, os, subprocess, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads
from configsvc_client import Config
faulthandler.dump_traceback_later(60, exit=True)
config = Config(poll_seconds=0.05, refresh_seconds=20, background=True)
seen = threading.Event()
config.on_change("a", lambda keys: seen.set())
config["a"]

def fork(act):
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def reads():
    print("loaded", config["a"], flush=True)
    sys.stdin.readline()
    print("child", seen.wait(30), config["a"], flush=True)

def closes():
    config.close()
    print("closed", flush=True)

def parent():
    print("forked", fork(lambda: None), flush=True)
    subprocess.run([sys.executable, "-c", ""], check=True)
    os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    sys.stdin.readline()
    print("parent", seen.wait(30), config["a"], flush=True)

{"child": lambda: fork(reads), "close": lambda: fork(closes), "parent": parent}[sys.argv[1]]()
"""


def test_34_a_signal_handler_inside_a_refresh_finishes_at_once() -> None:
    with stalling(ONE) as (environ, asked), process(SIGNALLED, environ) as consumer:
        assert consumer.ended.stdin
        assert asked.acquire(timeout=30)
        consumer.ended.stdin.write("\n")
        consumer.ended.stdin.flush()
        assert asked.acquire(timeout=30)
        consumer.ended.send_signal(signal.SIGTERM)
        assert consumer.hear() == "1"
        assert consumer.ended.wait(30) == 3


def test_34_a_signal_handler_inside_a_cold_start_closes_at_once() -> None:
    with (
        stalling() as (environ, asked),
        process(SIGNALLED.replace('print(config["a"], flush=True)', ""), environ) as it,
    ):
        assert asked.acquire(timeout=30)
        it.ended.send_signal(signal.SIGTERM)
        assert it.ended.wait(30) == 3


@pytest.mark.parametrize("kind", ["TimeoutError", "SoftTimeLimitExceeded"])
def test_35_a_time_limit_ends_a_refresh_and_the_next_one_works(kind: str) -> None:
    with stalling(ONE, None, TWO) as (environ, asked), process(LIMITED_IN_TIME, environ, kind) as consumer:
        assert consumer.ended.stdin
        assert asked.acquire(timeout=30)
        consumer.ended.stdin.write("\n")
        consumer.ended.stdin.flush()
        assert asked.acquire(timeout=30)
        consumer.ended.send_signal(signal.SIGALRM)
        assert consumer.hear() == f"{kind} the limit"
        assert consumer.say() == "2 None"


def test_36_where_no_thread_can_start_readers_refresh_themselves() -> None:
    with run_service(ONE) as running, process(LIMITED, running.environ) as consumer:
        assert [consumer.hear(), consumer.hear()] == ["none starts", "1"]
        running.serve(TWO)
        assert consumer.say() == "2 None 1"


def test_42_a_child_has_a_thread_and_its_callbacks_without_any_read() -> None:
    with run_service(ONE) as running, process(FORKING, running.environ, "child") as consumer:
        assert consumer.hear() == "loaded 1"
        running.serve(TWO)
        assert consumer.say() == "child True 2"


def test_42_a_child_closes_at_once() -> None:
    with run_service(ONE) as running, process(FORKING, running.environ, "close") as consumer:
        assert consumer.hear() == "closed"
        assert consumer.ended.wait(30) == 0


def test_42_the_thread_of_the_parent_goes_on_after_forks_and_subprocesses() -> None:
    with run_service(ONE) as running, process(FORKING, running.environ, "parent") as consumer:
        assert consumer.hear() == "forked 0"
        running.serve(TWO)
        assert consumer.say() == "parent True 2"


def test_43_an_event_loop_keeps_reading_while_a_background_refresh_hangs() -> None:
    loop_thread = threading.get_ident()
    with stalling(ONE) as (environ, asked):
        config = Config(environ=environ, start_seconds=20, poll_seconds=0.01, refresh_seconds=20, background=True)

        async def serve() -> list[object]:
            assert threading.get_ident() == loop_thread
            await asyncio.to_thread(config.snapshot)
            assert await asyncio.to_thread(asked.acquire, timeout=30)
            assert await asyncio.to_thread(asked.acquire, timeout=30)  # the thread waits for an answer now
            return [config["a"] for _ in range(100)]

        with closing(config):
            assert asyncio.run(asyncio.wait_for(serve(), 30)) == ["1"] * 100
