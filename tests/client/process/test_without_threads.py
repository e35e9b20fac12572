"""If a process cannot start threads, a Config works without them: slower, but without errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import run_service

ROOT = Path(__file__).parents[3]
LIMITED = """
import resource, sys, threading
from configsvc_client import Config
from configsvc_client._transport.dial import resolve
config = Config(poll_seconds=0.001, refresh_seconds=20, background=True)

threading.stack_size(1 << 30)
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, resource.RLIM_INFINITY))
try:
    threading.Thread(target=print).start()
except RuntimeError:
    print("none starts", flush=True)

print(config["a"], flush=True)
sys.stdin.readline()
while config["a"] == "1":
    pass
print(config["a"], config.last_error, threading.active_count(), flush=True)
print(resolve("name.example", 1, 5.0, lambda host, port: [host]), flush=True)
config.close()

threading.stack_size(0)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
RELEASED = """
import resource, sys, threading
from configsvc_client import Config
config = Config(poll_seconds=0.001, refresh_seconds=20, background=True)
threading.stack_size(1 << 30)
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, resource.RLIM_INFINITY))
config["a"]
print(threading.active_count(), flush=True)
threading.stack_size(0)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
while threading.active_count() == 1:
    config["a"]
print(threading.active_count(), flush=True)
"""
ENDING = """
import atexit, sys
from configsvc_client import Config
config = Config(poll_seconds=0.001, refresh_seconds=20, background="background" in sys.argv)
if "loaded" in sys.argv:
    config["a"]

class Last:
    def __init__(self, config, show):
        self.config, self.show = config, show

    def __del__(self):
        try:
            self.show(self.config["a"])
        except Exception as error:
            self.show(type(error).__name__)

def show(text, write=sys.stdout.write, flush=sys.stdout.flush):
    write(f"{text} ")
    flush()

if "last" in sys.argv:
    last = Last(config, show)
else:
    atexit.register(lambda: show(config["a"]))
"""


def run(program: str, environ: dict[str, str], *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, input=stdin, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"} | environ,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.stdout


def test_without_threads_readers_refresh_and_look_up_names_themselves() -> None:
    with run_service(seal_values({"a": "1"})) as running:
        process = subprocess.Popen(
            [sys.executable, "-c", LIMITED], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"} | running.environ,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        with process:
            assert process.stdout
            assert [process.stdout.readline() for _ in range(2)] == ["none starts\n", "1\n"]
            running.serve(seal_values({"a": "2"}, revision=2))
            out, _ = process.communicate("\n", timeout=60)
    assert out == "2 None 1\n['name.example']\n"


def test_background_thread_starts_with_a_read_once_it_can() -> None:
    with run_service(seal_values({"a": "1"})) as running:
        assert run(RELEASED, running.environ) == "1\n2\n"


@pytest.mark.parametrize("when", ["atexit", "last"])
@pytest.mark.parametrize("background", ["background", ""])
def test_loaded_config_can_be_read_during_interpreter_shutdown(when: str, background: str) -> None:
    with run_service(seal_values({"a": "1"})) as running:
        assert run(ENDING, running.environ, "loaded", when, background) == "1 "


def test_config_can_load_in_an_atexit_handler() -> None:
    with run_service(seal_values({"a": "1"})) as running:
        assert run(ENDING, running.environ, "atexit") == "1 "
