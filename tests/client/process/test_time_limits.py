"""A time limit that strikes anywhere in a load or refresh over real sockets ends only that call.

Runs in separate processes, where each socket left open is an error.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from configsvc_client._ports import ClockReading
from configsvc_client._refresh.flight import Flight, RefreshState
from tests.support.client.certificates import make_server_context
from tests.support.client.sealing import make_envelope, make_kms_entry, make_plain_entry, make_snapshot
from tests.support.client.stub_service import run_service

ROOT = Path(__file__).parents[3]
ENTRIES = [
    *(make_envelope(f"k{number}", b"v%d" % number) for number in range(20)),
    make_plain_entry("p", "1"),
    make_kms_entry("s", b"2"),
]

STRUCK = """
import gc, os, random, signal, sys, time
from configsvc_client import Config

KINDS = {
    "TimeoutError": TimeoutError, "OSError": OSError, "ValueError": ValueError, "KeyboardInterrupt": KeyboardInterrupt,
    "SoftTimeLimitExceeded": type("SoftTimeLimitExceeded", (Exception,), {}),
}
kind, chance = KINDS[sys.argv[1]], random.Random(int(sys.argv[2]))
counts = {"done": 0, "struck": 0}

def sockets():
    gc.collect()
    return sum(os.readlink(f"/proc/self/fd/{each}").startswith("socket:") for each in os.listdir("/proc/self/fd")
               if os.path.exists(f"/proc/self/fd/{each}") or os.path.islink(f"/proc/self/fd/{each}"))

def struck(does, seconds):
    limit = kind("the time limit")

    def handler(signum, frame):
        raise limit

    signal.signal(signal.SIGALRM, handler)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            does()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        counts["done"] += 1
    except kind as error:
        assert error is limit, repr(error)
        counts["struck"] += 1

def timed(does):
    began = time.perf_counter()
    does()
    return time.perf_counter() - began

def new():
    return Config(poll_seconds=3600, start_seconds=20, refresh_seconds=20)

before = sockets()
def load():
    made = new()
    made["p"]
    made.close()

load()
load_seconds = min(timed(load) for _ in range(3))
first = new()
first["p"]
refresh_seconds = min(timed(first.refresh) for _ in range(3))
first.close()
config = new()
config["p"]
for turn in range(50):
    if turn % 2:
        struck(config.refresh, chance.random() * refresh_seconds + 1e-4)
        if turn % 4 == 1:
            config.close()
    else:
        config.close()
        config = new()
        struck(lambda: config["k7"], chance.random() * load_seconds + 1e-4)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    config.refresh()
    assert (config["p"], config["k7"], config["s"], config.last_error) == ("1", "v7", "2", None)
config.close()
del config, first
deadline = time.monotonic() + 20
while sockets() > before and time.monotonic() < deadline:  # connections opened ahead close by themselves
    time.sleep(0.01)
assert sockets() == before, (sockets(), before)
assert counts["struck"] > 0, counts
print("sound")
"""


@pytest.mark.parametrize(
    "kind",
    [
        "TimeoutError",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("OSError", "ValueError", "KeyboardInterrupt")),
        pytest.param("SoftTimeLimitExceeded", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_time_limit_ends_a_call_and_the_client_still_works(kind: str, scheme: str, tmp_path: Path) -> None:
    tls = make_server_context(tmp_path) if scheme == "https" else None
    with run_service(make_snapshot(ENTRIES), tls) as running:
        environ = {
            **running.environ,
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}",
        }
        command = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", STRUCK, kind, "7"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "sound\n", done.stderr
    assert "ResourceWarning" not in done.stderr  # any other output is Python's own, about weak references


def test_refresh_is_over_once_its_thread_no_longer_runs_it() -> None:
    now, begun = ClockReading(10.0, 10.0), [Flight(RefreshState(1.0), ClockReading(10.0, 10.0), 60.0)]
    assert begun[0].is_over(now)  # no frame of this stack runs it

    def is_over(flight: Flight) -> bool:
        return flight.is_over(now)

    assert not is_over(begun[0])
    elsewhere: list[bool] = []
    thread = threading.Thread(target=lambda: elsewhere.append(begun[0].is_over(now)))
    thread.start()
    thread.join(30)
    assert elsewhere == [False]


LOST = """
import ssl, socket
from configsvc_client._transport.keep_alive import make_quiet_class
make_quiet_class(socket.socket)(socket.AF_INET, socket.SOCK_STREAM)
context = ssl.create_default_context()
context.sslsocket_class = make_quiet_class(ssl.SSLSocket)
one, other = socket.socketpair()
context.wrap_socket(one, do_handshake_on_connect=False, server_hostname="localhost")
assert other.recv(1) == b""
other.close()
print("closed")
"""


def test_unreferenced_socket_is_closed_without_a_warning() -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"}
    command = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", LOST]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("closed\n", "")
