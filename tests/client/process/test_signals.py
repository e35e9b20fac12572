"""Real signals: a handler can use the Config at once, whatever code of ours it interrupts."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import pytest

from tests.faults_client.test_service_down import snapshot_then
from tests.support.client.sealing import make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import run_scripted, take_request
from tests.support.client.stub_service import run_service
from tests.support.faults_client.processes import process

STALLED = """
import faulthandler, signal, sys, time
from configsvc_client import Config, ConfigUnavailable, ConfigsvcError
faulthandler.dump_traceback_later(60, exit=True)
config = Config("payments.prod", environ={}, url=sys.argv[1], api_key="k", start_seconds=50, refresh_seconds=50)

def attempt(act):
    try:
        return act()
    except ConfigsvcError as error:
        return type(error).__name__

def handle(*_):
    began = time.monotonic()
    reads = [lambda: config["a"], lambda: config.snapshot()["a"], lambda: dict(config)["a"]]
    done = [str(attempt(each)) for each in (*reads, config.refresh, config.close)]
    looks = (config.age, config.last_error, config.counts, config.refused)
    print(",".join(done), "at once" if time.monotonic() - began < 5 else "late", flush=True)
    raise SystemExit

signal.signal(signal.SIGTERM, handle)
signal.signal(signal.SIGALRM, handle)
for line in sys.stdin:
    attempt(lambda: config.refresh() if line.strip() == "refresh" else config["a"])
    print(config["a"], flush=True)
"""

STORM = """
import faulthandler, random, signal, sys, threading, time
from configsvc_client import Config, ConfigsvcError
faulthandler.dump_traceback_later(60, exit=True)
draw = random.Random(int(sys.argv[1]))
config, seen = Config(poll_seconds=0.002, refresh_seconds=20, start_seconds=20), []

def read(config):
    seen.append(config["a"])
    assert seen[-1] == "1"

acts = [
    read, read, lambda config: config.snapshot()["a"], lambda config: config.refresh(), lambda config: config.close(),
    lambda config: (config.age, config.last_error, config.refused, config.counts), lambda config: dict(config),
]

def attempt(act, config):
    try:
        act(config)
    except ConfigsvcError as error:
        unforeseen = error.members.get("reason") == "unforeseen"
        if unforeseen:
            print("unforeseen:", error.detail, flush=True)

handled = longest = 0

def handle(*_):
    global handled, longest
    began = time.monotonic()
    for _ in range(2):
        attempt(draw.choice(acts), config)
    handled, longest = handled + 1, max(longest, time.monotonic() - began)
    signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.00005, 0.002))

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0001)
stop = threading.Event()

def others():
    while not stop.is_set():
        attempt(draw.choice(acts), config)

threads = [threading.Thread(target=others) for _ in range(int(sys.argv[2]))]
for thread in threads:
    thread.start()
end = time.monotonic() + 1.5
while time.monotonic() < end:
    attempt(draw.choice(acts), config)
    if draw.random() < 0.05:
        config.close()
        config = Config(poll_seconds=0.002, refresh_seconds=20, start_seconds=20)  # may be interrupted as it starts
signal.setitimer(signal.ITIMER_REAL, 0)
stop.set()
for thread in threads:
    thread.join(30)
assert not any(thread.is_alive() for thread in threads)
assert config["a"] == "1"
print(handled > 5, len(seen) > 10, longest < 15, flush=True)
"""


LIMITED = """
import faulthandler, random, signal, sys, time
from configsvc_client import Config
faulthandler.dump_traceback_later(60, exit=True)
draw, limited, longest = random.Random(int(sys.argv[1])), 0, 0.0

class Limit(Exception):
    pass

def handle(*_):
    raise Limit

signal.signal(signal.SIGALRM, handle)
end = time.monotonic() + 2
while time.monotonic() < end:
    config = Config(poll_seconds=0.001, refresh_seconds=10, start_seconds=10)
    for _ in range(3):
        try:
            signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.00001, 0.004))
            config["a"]
            config.refresh()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Limit:
            limited += 1
        began = time.monotonic()
        assert config["a"] == "1"
        assert config.refresh() is False
        longest = max(longest, time.monotonic() - began)
    config.close()
print(limited > 5, longest < 5, flush=True)
"""


DURING_IMPORTS = """
import sys
import configsvc_client._reading  # else a handler at its only line would import everything before the reader does
from configsvc_client import Config
from configsvc.model.errors import ConfigsvcError

config = Config("payments.prod", environ={}, url=sys.argv[1], api_key="k")
config.snapshot()
asked, inside = 0, False

def handle():  # what a signal handler could do at this line
    global asked
    asked += 1
    assert config.health().as_dict()["revisions"] == {"payments.prod": 1}
    assert dict(config) == {"a": config["a"]}
    try:
        config["b"]
    except KeyError as error:
        assert "'b'" in str(error)

def traced(frame, event, arg):
    global inside
    ours = frame.f_globals.get("__name__", "").startswith("configsvc")
    if not ours or frame.f_code.co_name != "<module>":
        return None
    if event == "line" and not inside:
        inside = True
        handle()
        inside = False
    return traced

sys.settrace(traced)
try:
    exec(sys.argv[2])
except (ConfigsvcError, KeyError) as error:
    str(error)
sys.settrace(None)
print(asked > 5, config.health().state)
"""


@pytest.mark.parametrize("act", ["config.health()", "dict(config)", "config['b']", "config.refresh()"])
def test_handler_that_interrupts_an_import_can_use_the_config(act: str) -> None:
    with run_service(make_snapshot([make_plain_entry("a", "1")])) as running:
        done = subprocess.run(
            [sys.executable, "-c", DURING_IMPORTS, running.environ["CONFIGSVC_URL"], act],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("True ok\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM])
@pytest.mark.parametrize(
    ("line", "answers"),
    [("read", "ConfigUnavailable,ConfigUnavailable,ConfigUnavailable,ConfigUnavailable,None"),
     ("refresh", "1,1,1,Unavailable,None")],
)  # fmt: skip
def test_handler_that_interrupts_a_refresh_reads_and_closes_at_once(
    line: str, answers: str, number: signal.Signals
) -> None:
    asked = threading.Event()

    def stall(connection: socket.socket) -> None:
        take_request(connection)
        asked.set()
        connection.settimeout(30)
        connection.recv(1)  # until the client has gone

    scripts = snapshot_then(stall) if line == "refresh" else (stall,)
    with run_scripted(*scripts) as server, process(STALLED, {}, f"http://127.0.0.1:{server.port}") as consumer:
        if line == "refresh":
            assert consumer.say("read") == "1"
        assert consumer.ended.stdin
        consumer.ended.stdin.write(f"{line}\n")
        consumer.ended.stdin.flush()
        assert asked.wait(30)
        consumer.ended.send_signal(number)
        assert consumer.hear() == f"{answers} at once"
        assert consumer.ended.wait(30) == 0


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_config_works_after_random_signal_handlers(seed: int, threads: int) -> None:
    with (
        run_service(seal_values({"a": "1"})) as running,
        process(STORM, running.environ, str(seed), str(threads)) as storm,
    ):
        assert storm.hear() == "True True True"


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_read_after_a_handler_exception_does_not_wait(seed: int) -> None:
    with run_service(seal_values({"a": "1"})) as running, process(LIMITED, running.environ, str(seed)) as limited:
        assert limited.hear() == "True True"
