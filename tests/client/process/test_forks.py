"""A forked child of a Config with a background thread gets its own thread without a read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import run_service

ROOT = Path(__file__).parents[3]
PRELUDE = """
import multiprocessing, os, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # about forking with threads
from configsvc_client import Config

def count_refresh_threads():
    return sum(thread.name == "configsvc refresh" for thread in threading.enumerate())

def run(what):
    child = os.fork()
    if child == 0:
        try:
            what()
        except BaseException as error:
            print("failed", type(error).__name__, error, flush=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""
MADE = """
config = Config(poll_seconds=0.05, refresh_seconds=20, background=True)
changed = threading.Event()
config.on_change("a", lambda keys: changed.set())
"""
LOADED = """
assert config["a"] == "1" and count_refresh_threads() == 1
"""
WAITS = """
def waits():
    print("thread", count_refresh_threads(), flush=True)
    sys.stdin.readline()
    print("changed", changed.wait(30), config._shown["a"], flush=True)
"""
CHILD = PRELUDE + MADE + LOADED + WAITS + "run(waits)"
GRANDCHILD = (
    PRELUDE
    + MADE
    + LOADED
    + WAITS
    + """
def daemon():
    os.setsid()
    run(waits)
run(daemon)
"""
)
POOL = (
    PRELUDE
    + MADE
    + LOADED
    + WAITS
    + """
worker = multiprocessing.get_context("fork").Process(target=waits)
worker.start()
worker.join()
"""
)
CLOSED = (
    PRELUDE
    + MADE
    + LOADED
    + """
config.close()
run(lambda: print("thread", count_refresh_threads(), config["a"], count_refresh_threads(), flush=True))
"""
)
UNREAD = (
    PRELUDE
    + MADE
    + """
run(lambda: print("thread", count_refresh_threads(), config["a"], count_refresh_threads(), flush=True))
"""
)
IN_LAMBDA = (
    PRELUDE
    + MADE
    + """
assert config["a"] == "1"
run(lambda: print("thread", count_refresh_threads(), config["a"], count_refresh_threads(), flush=True))
"""
)
UNDER_UWSGI = (
    PRELUDE
    + """
import types
master = os.getpid()
sys.modules["uwsgi"] = types.SimpleNamespace(masterpid=lambda: master)  # the module that uWSGI provides to its programs
"""
    + MADE
    + """
def child():
    time.sleep(0.2)  # its own jitter, a share of the interval, has passed
    print(config["a"], "thread", count_refresh_threads(), flush=True)
print(config["a"], "thread", count_refresh_threads(), flush=True)
sys.stdin.readline()
run(child)
"""
)
WITHOUT_HOOKS = (
    PRELUDE
    + MADE
    + LOADED
    + WAITS
    + """
import ctypes
fork = ctypes.PyDLL(None).fork  # calls no hooks, like uWSGI by default
child = fork()
if child == 0:
    config._open.until = config._published.until = 0.0  # the window has passed
    assert config["a"] == "1"
    print("pid", config._process == os.getpid(), flush=True)
    sys.stdin.readline()
    print("changed", changed.wait(30), config._shown["a"], flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
)


def start(program: str, environ: dict[str, str]) -> subprocess.Popen[str]:
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=path | environ, cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.parametrize("program", [CHILD, GRANDCHILD, POOL], ids=["fork", "double fork", "multiprocessing"])
def test_forked_child_refreshes_in_the_background_without_a_read(program: str) -> None:
    with run_service(seal_values({"a": "1"})) as running, start(program, running.environ) as process:
        assert process.stdout
        assert process.stdout.readline() == "thread 1\n"
        running.serve(seal_values({"a": "2"}, revision=2))
        out, _ = process.communicate("\n", timeout=60)
        assert out == "changed True 2\n"


@pytest.mark.parametrize(
    ("program", "environ", "expected"),
    [
        (CLOSED, {}, "thread 0 1 0\n"),
        (UNREAD, {}, "thread 0 1 1\n"),
        (IN_LAMBDA, {"AWS_LAMBDA_FUNCTION_NAME": "f"}, "thread 0 1 0\n"),
    ],
    ids=["closed", "nothing loaded", "in Lambda"],
)
def test_forked_child_has_no_thread_if_its_parent_had_none(
    program: str, environ: dict[str, str], expected: str
) -> None:
    with run_service(seal_values({"a": "1"})) as running, start(program, running.environ | environ) as process:
        out, _ = process.communicate(timeout=60)
        assert out == expected


def test_child_forked_without_hooks_starts_its_thread_with_a_read() -> None:
    with run_service(seal_values({"a": "1"})) as running, start(WITHOUT_HOOKS, running.environ) as process:
        assert process.stdout
        assert process.stdout.readline() == "pid True\n"
        running.serve(seal_values({"a": "2"}, revision=2))
        out, _ = process.communicate("\n", timeout=60)
        assert out == "changed True 2\n"


def test_uwsgi_master_has_no_thread_and_its_child_starts_one() -> None:
    """uWSGI forks without the interpreter lock: a thread that holds the lock in the master would hang the child."""
    with run_service(seal_values({"a": "1"})) as running, start(UNDER_UWSGI, running.environ) as process:
        assert process.stdout
        assert process.stdout.readline() == "1 thread 0\n"
        running.serve(seal_values({"a": "2"}, revision=2))
        out, _ = process.communicate("\n", timeout=60)
        assert out == "2 thread 1\n"
